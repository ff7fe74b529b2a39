"""``python -m benchmarks.hostile_clients`` still runs; what it measures is not judged here."""

import functools
import os
from pathlib import Path

import pytest
from benchmarks import hostile_clients
from benchmarks.watched_server import watched_server

from support.scripted_engine import pcm, speech

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    folders = [str(ROOT), str(ROOT / "tests"), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, folders)))
    server = functools.partial(watched_server, program="support.watched_scripted_server")
    monkeypatch.setattr(hostile_clients, "watched_server", server)
    monkeypatch.setattr(hostile_clients, "_speech", lambda _: pcm(speech(0, 1, 2)))
    monkeypatch.setattr(hostile_clients, "_WARM_UP_S", 0.1)
    monkeypatch.setattr(hostile_clients, "_SETTLE_S", 0.1)
    monkeypatch.setattr(hostile_clients, "_PAUSE_S", 0.1)


def run(capsys, *arguments):
    """The exit code, and what is printed; 1 is what a busy machine may measure."""
    code = hostile_clients.main(arguments)
    assert code in {0, 1}
    return code, capsys.readouterr().out


def test_torn_connections_are_counted(capsys):
    _, out = run(capsys, "torn", "--connections", "20", "--seconds", "0.2")
    assert "before: " in out
    assert "tracebacks: 0" in out


def test_random_messages_get_documented_codes_only(capsys):
    code, out = run(capsys, "fuzz", "--messages", "12")
    assert code == 0, out
    assert "tracebacks: 0" in out


def test_every_neighbour_is_measured(capsys):
    _, out = run(capsys, "neighbours", "--seconds", "0.1", "--rounds", "1")
    for name in hostile_clients._NEIGHBOURS:
        assert f"{name}: finals " in out
    assert "tracebacks" not in out.splitlines()[-1]


def test_a_crowd_is_refused_with_retry_after(capsys):
    _, out = run(capsys, "crowd", "--capacity", "2", "--seconds", "0.1", "--rounds", "1")
    assert " refused, p95 " in out
    assert "Retry-After ['None" not in out
    assert "longest inf ms" not in out


def test_a_burst_is_refused_in_part_and_with_retry_after(capsys):
    code, out = run(capsys, "burst", "--sessions", "40", "--seconds", "0.2")
    assert "40 at once: " in out
    assert "no Retry-After" not in out
    assert code in {0, 1}
