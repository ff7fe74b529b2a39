"""Terminals, text, JSON lines and captions."""

import dataclasses
import io
import json

import pytest

from vivavoce.cli.guarded import GuardedOutput
from vivavoce.cli.options import Format
from vivavoce.cli.sinks import (
    CaptionSink,
    JsonSink,
    TeeSink,
    TerminalSink,
    TextSink,
    standard_output_sink,
)
from vivavoce.cli.transcript_line import TranscriptLine
from vivavoce.printing.live_line import LiveLine
from vivavoce.types import Word

WORDS = (Word("Hello", 100, 420, 0.9, is_final=True), Word("there.", 450, 800, 0.8, is_final=True))
PARTIAL = TranscriptLine("hello", is_final=False)
FINAL = TranscriptLine("Hello there.", True, 100, 800, 0.85, WORDS)
EMPTY = TranscriptLine("", is_final=True)


class Flushed(io.StringIO):
    """Remembers what a reader at the other end of a pipe has received."""

    def __init__(self):
        super().__init__()
        self.seen = ""

    def flush(self):
        self.seen = self.getvalue()


def test_a_pipe_gets_one_final_per_line_at_once():
    out = Flushed()
    sink = TextSink(GuardedOutput(out, "out"), io.StringIO())
    for transcript in (PARTIAL, FINAL, EMPTY):
        sink.show(transcript)
    assert out.seen == "Hello there.\n"


@pytest.mark.parametrize(("partials", "types"), [(False, ["final"]), (True, ["partial", "final"])])
def test_json_is_one_event_per_line(partials, types):
    out = Flushed()
    sink = JsonSink(GuardedOutput(out, "out"), io.StringIO(), partials=partials)
    for transcript in (PARTIAL, FINAL, EMPTY, TranscriptLine("", is_final=False)):
        sink.show(transcript)
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


def test_captions_are_written_as_soon_as_their_end_is_known():
    out = io.StringIO()
    sink = CaptionSink(GuardedOutput(out, "out"), io.StringIO(), Format.SRT)
    for n, text in enumerate(("One.", "Two.")):
        word = Word(text, 2_000 * n, 2_000 * n + 300, 0.9)
        sink.show(TranscriptLine(text, True, word.start_ms, word.end_ms, 0.9, (word,)))
        sink.show(TranscriptLine("partial", is_final=False))
        assert out.getvalue().count("-->") == n
    sink.close()
    assert out.getvalue().count("-->") == 2


def test_a_tee_closes_every_sink_even_if_one_fails():
    closed = []

    class Sink:
        def close(self):
            closed.append(self)
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        TeeSink([Sink(), Sink()]).close()
    assert len(closed) == 2


def test_a_terminal_shows_the_idle_text_while_no_one_speaks():
    out = io.StringIO()
    sink = TerminalSink(LiveLine(out.write, lambda: 40), io.StringIO(), lambda: "[##........] -48 dB")
    sink.show(dataclasses.replace(PARTIAL, text=""))
    assert "[##........] -48 dB" in out.getvalue()
    sink.show(PARTIAL)
    assert out.getvalue().endswith(f"\r{PARTIAL.text}\x1b[K")


def test_a_note_clears_the_live_line():
    both = io.StringIO()
    sink = TerminalSink(LiveLine(both.write, lambda: 40, escapes=False), both)
    sink.show(PARTIAL)
    sink.note("Listening.")
    assert both.getvalue().endswith("\rListening.\n")


def test_close_clears_the_live_line():
    out = io.StringIO()
    sink = TerminalSink(LiveLine(out.write, lambda: 40), io.StringIO())
    sink.show(PARTIAL)
    sink.close()
    assert out.getvalue().endswith("\r\x1b[K")


def test_an_empty_final_clears_the_live_line():
    out = io.StringIO()
    sink = TerminalSink(LiveLine(out.write, lambda: 40), io.StringIO())
    sink.show(PARTIAL)
    sink.show(EMPTY)
    assert out.getvalue().endswith("\r\x1b[K")


def test_new_words_are_dimmed():
    out = io.StringIO()
    sink = TerminalSink(LiveLine(out.write, lambda: 40, dim=True), io.StringIO())
    sink.show(TranscriptLine("it was", is_final=False))
    sink.show(TranscriptLine("it was the", is_final=False))
    assert out.getvalue().endswith("\rit was \x1b[2mthe\x1b[0m\x1b[K")
    sink.show(TranscriptLine("It was the.", is_final=True))
    sink.show(TranscriptLine("it", is_final=False))
    assert out.getvalue().endswith("\r\x1b[2mit\x1b[0m\x1b[K")


class FakeTty(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"TERM": "xterm"}, "\r\x1b[2mhello\x1b[0m\x1b[K"),
        ({"TERM": "xterm", "NO_COLOR": "1"}, "\rhello\x1b[K"),
        ({"TERM": "dumb"}, "\rhello" + " " * 32),
    ],
)
def test_the_environment_controls_colour_and_escapes(monkeypatch, environment, expected):
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    out = FakeTty()
    monkeypatch.setattr("sys.stdout", out)
    standard_output_sink().show(PARTIAL)
    assert out.getvalue() == expected


def test_without_a_terminal_there_is_no_live_line(monkeypatch):
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert type(standard_output_sink()) is TextSink
    assert type(standard_output_sink(Format.JSON)) is JsonSink
