"""Pipes, JSON lines and the terminal."""

import dataclasses
import io
import json

import pytest

from vivavoce.cli.live_line import LiveLine
from vivavoce.cli.mic import level_meter
from vivavoce.cli.sinks import JsonSink, PipeSink, TerminalSink, open_sink
from vivavoce.cli.transcript_line import TranscriptLine, from_sdk
from vivavoce.types import Word

WORDS = (Word("Hello", 100, 420, 0.9, is_final=True), Word("there.", 450, 800, 0.8, is_final=True))
PARTIAL = TranscriptLine("hello", is_final=False)
FINAL = TranscriptLine("Hello there.", True, 100, 800, 0.85, WORDS)
EMPTY = TranscriptLine("", is_final=True)


class Flushed(io.StringIO):
    """Counts what a reader at the other end of a pipe would have."""

    def __init__(self):
        super().__init__()
        self.seen = ""

    def flush(self):
        self.seen = self.getvalue()


def test_a_terminal_shows_something_while_nobody_speaks():
    out = io.StringIO()
    sink = TerminalSink(LiveLine(out.write, lambda: 40), io.StringIO(), lambda: "[##........] -48 dB")
    sink.show(dataclasses.replace(PARTIAL, text=""))
    assert "[##........] -48 dB" in out.getvalue()
    sink.show(PARTIAL)
    assert out.getvalue().endswith(f"\r{PARTIAL.text}\x1b[K")


@pytest.mark.parametrize(
    ("level_db", "shown"),
    [
        (-96, "[..........] -96 dB"),
        (-60, "[..........] -60 dB"),
        (-30, "[#####.....] -30 dB"),
        (0, "[##########] 0 dB"),
    ],
)
def test_the_level_meter(level_db, shown):
    assert level_meter(level_db) == shown


def test_a_pipe_gets_one_final_a_line_at_once():
    out = Flushed()
    sink = PipeSink(out, io.StringIO())
    for caption in (PARTIAL, FINAL, EMPTY):
        sink.show(caption)
    assert out.seen == "Hello there.\n"


@pytest.mark.parametrize(("partials", "types"), [(False, ["final"]), (True, ["partial", "final"])])
def test_json_is_one_event_a_line(partials, types):
    out = Flushed()
    sink = JsonSink(out, io.StringIO(), partials=partials)
    for caption in (PARTIAL, FINAL, EMPTY, TranscriptLine("", is_final=False)):
        sink.show(caption)
    events = [json.loads(line) for line in out.seen.splitlines()]
    assert [event["type"] for event in events] == types
    assert events[-1] == {
        "type": "final",
        "text": "Hello there.",
        "start_ms": 100,
        "end_ms": 800,
        "confidence": 0.85,
        "words": [
            {"text": "Hello", "start_ms": 100, "end_ms": 420, "confidence": 0.9},
            {"text": "there.", "start_ms": 450, "end_ms": 800, "confidence": 0.8},
        ],
    }


def test_a_note_does_not_mix_with_the_live_line():
    both = io.StringIO()
    sink = TerminalSink(LiveLine(both.write, lambda: 40, escapes=False), both)
    sink.show(PARTIAL)
    sink.note("Listening.")
    assert both.getvalue().endswith("\rListening.\n")


def test_the_terminal_is_left_with_an_empty_line():
    out = io.StringIO()
    sink = TerminalSink(LiveLine(out.write, lambda: 40), io.StringIO())
    sink.show(PARTIAL)
    sink.close()
    assert out.getvalue().endswith("\r\x1b[K")


def test_an_empty_final_takes_the_partial_back():
    out = io.StringIO()
    sink = TerminalSink(LiveLine(out.write, lambda: 40), io.StringIO())
    sink.show(PARTIAL)
    sink.show(EMPTY)
    assert out.getvalue().endswith("\r\x1b[K")


class FakeTty(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"TERM": "xterm"}, "\r\x1b[2mhello\x1b[0m\x1b[K"),
        ({"TERM": "xterm", "NO_COLOR": "1"}, "\rhello\x1b[K"),
        ({"TERM": "dumb"}, "\rhello" + " " * 34),
    ],
)
def test_the_environment_decides_about_colour_and_escapes(monkeypatch, environment, expected):
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    out = FakeTty()
    monkeypatch.setattr("sys.stdout", out)
    open_sink().show(PARTIAL)
    assert out.getvalue() == expected


def test_no_terminal_means_a_pipe(monkeypatch):
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert type(open_sink()) is PipeSink
    assert type(open_sink(json=True)) is JsonSink


def test_a_transcript_of_the_sdk_becomes_a_caption():
    class W:
        text, start, end, confidence = "Hello\x1b", 1, 2, 0.5

    class T:
        text, audio_start, audio_end, confidence, words = "Hello\n", 1, 2, 0.5, [W]

    caption = from_sdk(T, is_final=True)
    assert caption == TranscriptLine("Hello", True, 1, 2, 0.5, (Word("Hello", 1, 2, 0.5, is_final=True),))
