"""Recordings and standard input through ``vivavoce stream``."""

import contextlib
import json
import os
import shutil
import signal
import sys
import threading
import types
from pathlib import Path

import pytest

from support.cli_fakes import VTT, FakeSession, FakeTranscriber
from vivavoce.cli.app import run
from vivavoce.configuration import settings
from vivavoce.recordings import sources

pytest_plugins = ["support.cli_fixtures"]
pytestmark = pytest.mark.usefixtures("parts")


def test_a_file_is_transcribed(recording, capsys):
    assert run(["stream", recording]) == 0
    out, err = capsys.readouterr()
    assert out == "250 milliseconds.\n"
    assert err == "2 channels are mixed into one.\n"
    assert FakeTranscriber.addresses == ["ws://127.0.0.1:4321"]


def test_json_with_partials(recording, capsys):
    assert run(["stream", recording, "--json", "--partials"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["type"] for event in events] == ["partial"] * 3 + ["final"]


def test_raw_standard_input(pipe_in, capsys):
    pipe_in(bytes(8001))
    assert run(["stream", "-", "--sample-rate", "8000", "--encoding", "pcm_mulaw"]) == 0
    assert capsys.readouterr().out == "1000 milliseconds.\n"


def test_wav_on_standard_input(pipe_in, recording, capsys):
    with open(recording, "rb") as file:  # noqa: PTH123
        pipe_in(file.read())
    assert run(["stream", "-"]) == 0
    assert capsys.readouterr().out == "250 milliseconds.\n"


def test_a_terminal_on_standard_input_is_refused(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", types.SimpleNamespace(isatty=lambda: True))
    assert run(["stream", "-"]) == 2
    assert "standard input is a terminal" in capsys.readouterr().err


def test_the_server_of_the_command_line_is_used_and_none_is_started(recording, monkeypatch):
    monkeypatch.setitem(sys.modules, "vivavoce.server", None)
    assert run(["stream", recording, "--url", "ws://elsewhere:1", "--api-key", "k"]) == 0
    assert FakeTranscriber.addresses == ["ws://elsewhere:1"]
    assert settings.api_key == "k"


def test_the_server_of_the_environment_is_used(recording, monkeypatch):
    monkeypatch.setenv("ASSEMBLYAI_BASE_URL", "ws://configured:1")
    assert run(["stream", recording]) == 0
    assert FakeTranscriber.addresses == ["ws://configured:1"]


def test_a_missing_server_extra_prints_what_to_install(recording, monkeypatch, capsys):
    class Missing(types.ModuleType):
        def __getattr__(self, name):
            raise ModuleNotFoundError(f"No module named {name!r}", name="numpy")

    monkeypatch.setitem(sys.modules, "vivavoce.server", Missing("vivavoce.server"))
    assert run(["stream", recording]) == 1
    assert 'pip install "vivavoce[server]"' in capsys.readouterr().err


def test_several_recordings_use_one_server(two_recordings, capsys):
    assert run(["stream", *two_recordings]) == 0
    out, err = capsys.readouterr()
    assert out == "250 milliseconds.\n" * 2
    assert [line.rpartition("/")[2] for line in err.splitlines() if line.endswith(":")] == [
        "a.wav:",
        "b.wav:",
    ]
    assert len(set(FakeTranscriber.addresses)) == 1


def test_several_recordings_go_to_one_file_or_to_one_each(two_recordings, tmp_path):
    assert run(["stream", *two_recordings, "-o", "all.txt"]) == 0
    assert (tmp_path / "all.txt").read_text() == "250 milliseconds.\n" * 2
    (tmp_path / "folder").mkdir()
    assert run(["stream", *two_recordings, "-o", "folder", "-f", "vtt"]) == 0
    assert run(["stream", *two_recordings, "-o", "new/one/", "-f", "vtt"]) == 0
    assert sorted(path.name for path in (tmp_path / "new" / "one").iterdir()) == ["a.vtt", "b.vtt"]
    assert run(["stream", *two_recordings, "-o", "all.txt/", "-f", "vtt"]) == 2
    assert {path.name: path.read_text() for path in (tmp_path / "folder").iterdir()} == {
        "a.vtt": VTT,
        "b.vtt": VTT,
    }


def test_an_unreadable_recording_does_not_stop_the_others(two_recordings, capsys):
    assert run(["stream", "missing.wav", two_recordings[0], "missing-too.wav", two_recordings[1]]) == 1
    out, err = capsys.readouterr()
    assert out == "250 milliseconds.\n" * 2
    assert "missing.wav: no such file" in err
    assert "missing-too.wav: no such file" in err


def test_a_missing_file_starts_no_server(capsys, parts, monkeypatch):
    monkeypatch.setattr(parts, "LocalServer", None)
    assert run(["stream", "missing.wav"]) == 1
    assert "no such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["-f", "srt"], ["-o", "a.vtt"], ["--srt", "a.srt"], ["-"]], ids=lambda it: it[0]
)
def test_outputs_for_one_recording_refuse_several(two_recordings, arguments):
    assert run(["stream", *two_recordings, *arguments]) == 2


def test_recordings_with_the_same_name_are_refused(recording, tmp_path, capsys):
    (tmp_path / "other").mkdir()
    again = shutil.copy(recording, tmp_path / "other" / "a.wav")
    assert run(["stream", recording, str(again), "-o", str(tmp_path / "other")]) == 2
    assert "are named a" in capsys.readouterr().err


def test_progress_counts_what_was_transcribed(recording, monkeypatch):
    """A server receives a recording long before it has transcribed it."""
    positions = []
    monkeypatch.setattr(
        "vivavoce.cli.progress.progress_bar", lambda *_, **__: contextlib.nullcontext(positions.append)
    )
    sent_before = []
    monkeypatch.setattr(
        FakeSession, "send", lambda self, data: sent_before.append((list(data), list(positions)))
    )
    monkeypatch.setattr(FakeSession, "_ms", lambda self: 250)
    assert run(["stream", recording, "-o", "a.txt"]) == 0
    assert sent_before[0][1] == []
    assert positions == [0.25]


# --- what recordings hold ---------------------------------------------------------------------


@pytest.fixture
def film(tmp_path):
    """A film whose first audio track is silent; the second one begins after 2 s."""
    pytest.importorskip("av")
    from support.films import beep, write_film

    path = tmp_path / "film.mkv"
    write_film(path, [(0, beep(4) * 0)], [(2, beep())])
    return str(path)


def test_a_silent_track_is_reported_and_another_one_can_be_chosen(film, capsys):
    assert run(["stream", film]) == 0
    assert capsys.readouterr().err == (
        f"{film}: audio track 1 of 2 is silent; choose another one with --track (track= in Python)\n"
    )
    assert run(["stream", film, "--track", "2"]) == 0
    out, err = capsys.readouterr()
    assert (out, err) == ("2960 milliseconds.\n", "")
    assert run(["stream", film, "--track", "3"]) == 1
    assert "track must be in 1..2, got 3" in capsys.readouterr().err
    assert run(["stream", film, "--track", "0"]) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX pipes")
@pytest.mark.parametrize("name", ["raw", "wav", "mp3"])
def test_a_pipe_in_place_of_a_file_is_read_like_standard_input(tmp_path, recording, capsys, name):
    data = bytes(8_000)
    if name == "wav":
        data = Path(recording).read_bytes()
    elif name == "mp3":
        pytest.importorskip("av")
        from benchmarks.damaged_files import CONTAINERS, encode

        from support.films import beep

        data = encode(beep(0.25), CONTAINERS["mp3"])
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(data,))
    writer.start()
    try:
        assert run(["stream", str(path)]) == 0
    finally:
        writer.join()
    assert int(capsys.readouterr().out.split()[0]) == pytest.approx(250, abs=40)


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX pipes")
def test_a_pipe_without_a_writer_is_no_obstacle_to_ctrl_c(tmp_path, monkeypatch):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    waits = []

    def select(*arguments):
        waits.append(real_select(*arguments))
        if len(waits) == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return waits[-1]

    real_select = sources.select.select
    monkeypatch.setattr(sources.select, "select", select)
    assert run(["stream", str(path)]) == 0
    assert waits[0] == ([], [], [])


def test_a_recording_with_damage_is_transcribed_with_a_note(tmp_path, capsys):
    pytest.importorskip("av")
    from benchmarks.damaged_files import CONTAINERS, encode

    from support.films import beep

    data = bytearray(encode(beep(2.0), CONTAINERS["mp3"]))
    data[8_000:8_200] = bytes(200)
    (tmp_path / "talk.mp3").write_bytes(data)
    assert run(["stream", "talk.mp3"]) == 0
    out, err = capsys.readouterr()
    assert int(out.split()[0]) == pytest.approx(2_000, abs=100)
    assert err.splitlines()[1].startswith("talk.mp3: ")
    assert err.endswith("skipped\n")
    assert err.count("skipped") == 1
