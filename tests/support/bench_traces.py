"""Recordings, messages and traces made by hand, short enough to work out every figure beside them."""

from __future__ import annotations

from pathlib import Path

from vivavoce.bench.records import Clip, Placed, RefWord, Script, ShownWord, SilenceRule, Trace, TurnMessage
from vivavoce.bench.turns import utterances

RULE = SilenceRule(min_ms=400, max_ms=1280, threshold=0.4)


def clip(text, *times, kind="read", duration_s=3.0, text_written=None, name="a"):
    words = tuple(
        RefWord(word, start, end) for word, (start, end) in zip(text.split(), times, strict=bool(times))
    )
    return Clip(name, kind, Path("a.flac"), text, duration_s, 16_000, words if times else (), text_written)


def script(*placed):
    pairs = [item if isinstance(item, tuple) else (item, 0.0) for item in placed]
    end_s = max(at + one.duration_s for one, at in pairs)
    return Script(tuple(Placed(one, at) for one, at in pairs), 16_000, end_s)


def message(arrival_s, text, *, turn=0, ended=False, confidence=None, finals=0, starts=()):
    words = [
        ShownWord(word, starts[i] if starts else None, None, ended or i < finals)
        for i, word in enumerate(text.split())
    ]
    return TurnMessage(arrival_s, turn, tuple(words), ended, confidence)


def trace(*messages, **fields):
    return Trace(messages=messages, sent_s=4.5, **fields)


def only(*messages):
    (found,) = utterances(trace(*messages))
    return found


THREE = clip("the black cat", (0.5, 0.7), (0.7, 1.1), (1.1, 1.6))
