"""The figures of a measurement, from what was sent and what came back: pure functions.

Times are wall-clock times of the client; see ``records`` for the timeline and ``timing`` for the alignment.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor
from typing import TYPE_CHECKING, NamedTuple

from vivavoce.bench.align import normalise
from vivavoce.bench.requirements import require
from vivavoce.bench.timing import timings
from vivavoce.bench.turns import changed_finals, flicker, utterances

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vivavoce.bench.records import Script, SilenceRule, Trace

__all__ = [
    "Errors",
    "Figures",
    "Spread",
    "figures",
    "hypothesis",
    "is_held",
    "percentile",
    "reference",
    "spread",
    "word_errors",
]

_MAX_OVERHEAD_S = 0.5
_MAX_EMISSION_S = 2.0
_MAX_LAG_S = 1.0  # a server that delays its sender by this much does not keep up


def percentile(values: Iterable[float], percent: float) -> float:
    """Return a percentile, interpolated linearly between the two nearest values, as numpy does.

    Raises:
        ValueError: There are no values.
    """
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values")
    place = (len(ordered) - 1) * percent / 100
    low = floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


@dataclass(frozen=True, slots=True)
class Spread:
    """A distribution: median, 95th percentile, number of values."""

    p50: float
    p95: float
    count: int


def spread(values: Sequence[float]) -> Spread | None:
    """Return median and 95th percentile; None without values."""
    return Spread(percentile(values, 50), percentile(values, 95), len(values)) if values else None


class Errors(NamedTuple):
    """Word errors and words of the reference, summed over a set."""

    errors: int
    words: int

    @property
    def percent(self) -> float | None:
        """The word error rate in %; None if the reference is empty."""
        return 100 * self.errors / self.words if self.words else None


def word_errors(pairs: Iterable[tuple[str, str]]) -> Errors:
    """Return the pooled word errors of (reference, hypothesis) pairs; both are normalised here."""
    pooled = [(normalise(said), normalise(recognised)) for said, recognised in pairs]
    pooled = [pair for pair in pooled if any(pair)]
    if not pooled:
        return Errors(0, 0)
    references, hypotheses = map(list, zip(*pooled, strict=True))
    output = require("jiwer").process_words(references, hypotheses)
    missed = int(output.substitutions + output.deletions)
    return Errors(missed + int(output.insertions), missed + int(output.hits))


def reference(script: Script) -> str | None:
    """Return the transcript of a session; None if that of any of its recordings is unknown."""
    texts = [placed.clip.text for placed in script.clips]
    known = [text for text in texts if text is not None]
    return " ".join(filter(None, known)) if len(known) == len(texts) else None


def hypothesis(trace: Trace) -> str:
    """Return the words of all finished utterances of a session."""
    return " ".join(utterance.final_text for utterance in utterances(trace) if utterance.end)


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures over a set of sessions. None: there was nothing to measure.

    Attributes:
        sessions: Number of sessions.
        dropped: Sessions that failed; their words count nowhere.
        audio_s: Audio sent, silence included.
        wer_percent: Pooled word error rate, recordings without speech left out.
        wer_words: Words of the reference, normalised.
        emission_s: Word emission latency, over recognised words.
        first_word_s: First-word latency.
        final_s: Final latency.
        overhead_s: Final latency minus the silence in force, where that is known.
        longest_silence_s: The silence that ends any turn.
        upwr: Unstable partial word ratio.
        words_unstable: Its numerator.
        words_first_shown: Its denominator.
        changed_finals: Words marked final that later became other words, or disappeared. Must be 0.
        changed_spellings: The same, with changes of case or punctuation alone.
        word_start_error_s: Absolute error of reported word starts.
        false_cuts: Utterances that ended inside a sentence in a short pause.
        false_cuts_per_minute: The same per minute of recordings with word times.
        non_speech_words_per_hour: Words shown, if only briefly, per hour of recordings without speech.
        non_speech_final_words_per_hour: Final words of the same.
        unfinished: Utterances that were shown and never ended.
        after_terminate: Utterances that ended only after the client had ended the session.
        lag_s: How late a sender was at worst.
    """

    sessions: int
    dropped: int
    audio_s: float
    wer_percent: float | None
    wer_words: int
    emission_s: Spread | None
    first_word_s: Spread | None
    final_s: Spread | None
    overhead_s: Spread | None
    longest_silence_s: float
    upwr: float | None
    words_unstable: int
    words_first_shown: int
    changed_finals: int
    changed_spellings: int
    word_start_error_s: Spread | None
    false_cuts: int
    false_cuts_per_minute: float | None
    non_speech_words_per_hour: float | None
    non_speech_final_words_per_hour: float | None
    unfinished: int
    after_terminate: int
    lag_s: float


def figures(sessions: Sequence[tuple[Script, Trace]], rule: SilenceRule) -> Figures:
    """Measure a set of sessions.

    Latencies and the unstable partial word ratio depend on the pace: sessions that were streamed faster than
    speech contribute none.
    """
    kept = [(script, trace) for script, trace in sessions if trace.error is None]
    said = [(text, hypothesis(trace)) for script, trace in kept if (text := reference(script))]
    errors = word_errors(said)
    timed = [timings(script, trace, rule) for script, trace in kept]
    live = [item for item, (_, trace) in zip(timed, kept, strict=True) if trace.speed == 1]
    shown = [utterance for _, trace in kept for utterance in utterances(trace)]
    unsteady = [
        flicker(utterance) for _, trace in kept if trace.speed == 1 for utterance in utterances(trace)
    ]
    unstable = sum(item.unstable for item in unsteady)
    first_shown = sum(item.first_shown for item in unsteady)
    changes = [changed_finals(utterance) for utterance in shown]
    cuts = sum(item.false_cuts for item in timed)
    minutes = sum(item.timed_s for item in timed) / 60
    silent = [(script, trace) for script, trace in kept if reference(script) == ""]
    hours = sum(placed.clip.duration_s for script, _ in silent for placed in script.clips) / 3600
    hallucinated = [utterance for _, trace in silent for utterance in utterances(trace)]
    return Figures(
        sessions=len(sessions),
        dropped=len(sessions) - len(kept),
        audio_s=sum(trace.sent_s for _, trace in sessions),
        wer_percent=errors.percent,
        wer_words=errors.words,
        emission_s=spread([value for item in live for value in item.emission_s]),
        first_word_s=spread([value for item in live for value in item.first_word_s]),
        final_s=spread([value for item in live for value in item.final_s]),
        overhead_s=spread([value for item in live for value in item.overhead_s]),
        longest_silence_s=rule.max_ms / 1000,
        upwr=unstable / first_shown if first_shown else None,
        words_unstable=unstable,
        words_first_shown=first_shown,
        changed_finals=sum(item.words for item in changes),
        changed_spellings=sum(item.spellings for item in changes),
        word_start_error_s=spread([value for item in timed for value in item.word_start_error_s]),
        false_cuts=cuts,
        false_cuts_per_minute=cuts / minutes if minutes else None,
        non_speech_words_per_hour=sum(item.shown_words for item in hallucinated) / hours if hours else None,
        non_speech_final_words_per_hour=(
            sum(len(item.final_words) for item in hallucinated) / hours if hours else None
        ),
        unfinished=sum(1 for utterance in shown if not utterance.end),
        after_terminate=sum(item.after_terminate for item in timed),
        lag_s=max((trace.lag_s for _, trace in sessions), default=0.0),
    )


def is_held(measured: Figures) -> bool:
    """Return whether the server held this number of streams.

    The 95th percentiles of overhead at the end and of word emission latency are under 0.5 s and 2 s, no
    stream was dropped and none fell behind. Where confidence ended turns the silence in force is unknown, but
    at most the longest: final latency minus the longest silence must then be under 0.5 s.
    """
    if measured.dropped or measured.lag_s >= _MAX_LAG_S:
        return False
    if measured.final_s is None or measured.emission_s is None:
        return False
    overheads_s = [measured.final_s.p95 - measured.longest_silence_s]
    if measured.overhead_s is not None:
        overheads_s.append(measured.overhead_s.p95)
    return max(overheads_s) < _MAX_OVERHEAD_S and measured.emission_s.p95 < _MAX_EMISSION_S
