"""Laying recordings into sessions."""

from pathlib import Path

import pytest

from vivavoce.bench.loads import GAP_S, MIN_SESSION_S, continuous, scripts, short
from vivavoce.bench.records import Clip


def clip(name, duration_s=25.0, *, kind="read", text="a", rate=16_000):
    return Clip(name, kind, Path(name), text, duration_s, rate)


def test_short():
    assert [one.duration_s for one in short([clip("a"), clip("b", 3.0)])] == [25.0, 3.0]


def test_continuous():
    (first, second) = continuous([clip(str(i)) for i in range(7)])
    # Three make a session (25 * 3 + 2 gaps > 60); the seventh is too short for one and joins the second.
    assert [placed.clip.id for placed in first.clips] == ["0", "1", "2"]
    assert [placed.clip.id for placed in second.clips] == ["3", "4", "5", "6"]
    assert [placed.offset_s for placed in first.clips] == pytest.approx([0.0, 26.2, 52.4])
    assert first.duration_s == pytest.approx(75 + 2 * GAP_S)
    assert first.duration_s >= MIN_SESSION_S


def test_continuous_sessions_of_another_length():
    sessions = continuous([clip(str(i)) for i in range(4)], least_s=26.0)
    assert [[placed.clip.id for placed in one.clips] for one in sessions] == [["0", "1"], ["2", "3"]]
    few = scripts([clip(str(i)) for i in range(4)], "continuous", 3, least_s=26.0)
    assert [len(one.clips) for one in few] == [2, 2, 2]


def test_continuous_keeps_kinds_and_rates_apart_and_leaves_unknown_speech_out():
    clips = [
        clip("a"),
        clip("b", rate=8000),
        clip("c", kind="x"),
        clip("d", text=None),
        clip("e", text=""),
    ]
    assert [[placed.clip.id for placed in one.clips] for one in continuous(clips)] == [
        ["a"],
        ["b"],
        ["c"],
    ]


def test_every_stream_has_something_to_do():
    assert [one.clips[0].clip.id for one in scripts([clip("a"), clip("b")], "short", 3)] == [
        "a",
        "b",
        "a",
    ]
    assert scripts([], "short", 3) == []
