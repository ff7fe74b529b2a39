"""Spans of turns: their times and attributes, and no words."""

import sys

import pytest

from vivavoce.errors import ExtrasNotInstalledError
from vivavoce.server.tracing import Tracing, check_tracing
from vivavoce.server.turn_meter import TurnReport

ABOUT = {"session_id": "s", "dialect": "v3", "model": "tiny"}
OFFSET_S = 1_000_000.0


class Span:
    def __init__(self, name, start_time, attributes=None, context=None):
        self.name, self.begin, self.attributes, self.parent = name, start_time, attributes, context
        self.finish = None

    def end(self, end_time=None):
        assert self.finish is None
        self.finish = end_time

    @property
    def times_s(self):
        return self.begin / 1e9 - OFFSET_S, self.finish / 1e9 - OFFSET_S


class Tracer:
    def __init__(self):
        self.spans = []

    def start_span(self, name, **options):
        self.spans.append(Span(name, **options))
        return self.spans[-1]


def spans_of(report):
    tracer = Tracer()
    Tracing(tracer, lambda span: span, unix_offset_s=OFFSET_S).turn(report, ABOUT)
    return tracer.spans


def report(**changes):
    given = {
        "turn_order": 2, "channel": None, "n_words": 3, "n_shown": 3, "n_changes": 1, "n_broken": 0,
        "started_s": 10.0, "shown_s": 10.5, "spoken_s": 12.0, "sent_s": 12.75,
    }  # fmt: skip
    return TurnReport(**(given | changes))


def test_a_turn_is_its_speech_and_the_wait_for_its_final():
    turn, speech, wait = spans_of(report())
    assert (turn.name, turn.parent, turn.times_s) == ("turn", None, (10.0, 12.75))
    assert (speech.name, speech.parent, speech.times_s) == ("speech", turn, (10.0, 12.0))
    assert (wait.name, wait.parent, wait.times_s) == ("wait for final", turn, (12.0, 12.75))
    assert turn.attributes == {
        "vivavoce.session_id": "s",
        "vivavoce.dialect": "v3",
        "vivavoce.model": "tiny",
        "vivavoce.turn_order": 2,
        "vivavoce.words": 3,
        "vivavoce.word_changes": 1,
        "vivavoce.first_word_latency_s": 0.5,
        "vivavoce.final_latency_s": 0.75,
    }


def test_a_turn_whose_times_are_not_known_is_one_span():
    (turn,) = spans_of(report(channel=1, started_s=None, spoken_s=None))
    assert turn.times_s == (10.5, 12.75)
    assert turn.attributes["vivavoce.channel"] == 1
    assert not [name for name in turn.attributes if "latency" in name]


@pytest.mark.parametrize("spoken_s", [9.0, 13.0])
def test_no_span_ends_before_it_begins(spoken_s):
    for span in spans_of(report(spoken_s=spoken_s)):
        begin_s, end_s = span.times_s
        assert 10.0 <= begin_s <= end_s <= 12.75


def test_without_opentelemetry_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(ExtrasNotInstalledError, match=r"vivavoce\[otel\]"):
        check_tracing()
    with pytest.raises(ExtrasNotInstalledError):
        Tracing.open()
