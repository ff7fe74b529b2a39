"""Latencies, word times and false cuts, measured against the reference: pure functions.

All of them begin with the same step: the words of a session's finished utterances are aligned, as one
sequence, with the words of its recordings. Only recognised words (equal after normalising) have a spoken
time; recordings without word times take part in the alignment and contribute no figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from vivavoce.bench.align import align, tokens, written_tokens
from vivavoce.bench.records import SilenceRule
from vivavoce.bench.turns import positions, stable_since, utterances

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vivavoce.bench.records import Clip, Script, Trace
    from vivavoce.bench.turns import Utterance

__all__ = [
    "AlignedUtterance",
    "Timings",
    "align_utterances",
    "emissions",
    "sentence_ends",
    "timings",
    "typical_final_s",
]


class _SpokenToken(NamedTuple):
    """A token of the reference; times in seconds on the session's timeline, None if unknown."""

    token: str
    clip: int
    word: int
    start_s: float | None
    end_s: float | None


@dataclass(frozen=True, slots=True)
class AlignedUtterance:
    """An utterance beside the reference.

    Attributes:
        utterance: The utterance.
        matches: Per position of its final words the reference tokens that it matches, all of them equal;
            empty where the word is wrong.
        first: Place of its first token in the reference, equal or substituted; None: it matches nothing.
        last: Place of its last token.
    """

    utterance: Utterance
    matches: tuple[tuple[_SpokenToken, ...], ...]
    first: _SpokenToken | None
    last: _SpokenToken | None


def _spoken_tokens(script: Script) -> list[_SpokenToken]:
    found: list[_SpokenToken] = []
    for number, placed in enumerate(script.clips):
        clip, offset_s = placed.clip, placed.offset_s
        if clip.words:
            for i, word in enumerate(clip.words):
                start_s, end_s = offset_s + word.start_s, offset_s + word.end_s
                found.extend(_SpokenToken(token, number, i, start_s, end_s) for token in tokens(word.text))
        else:
            for i, text in enumerate((clip.text or "").split()):
                found.extend(_SpokenToken(token, number, i, None, None) for token in tokens(text))
    return found


def align_utterances(script: Script, trace: Trace) -> list[AlignedUtterance]:
    """Align the finished utterances of a session with the reference."""
    spoken = _spoken_tokens(script)
    finished = [utterance for utterance in utterances(trace) if utterance.end]
    owners: list[tuple[int, int]] = []  # utterance and position of each recognised token
    recognised: list[str] = []
    for number, utterance in enumerate(finished):
        for i, position in enumerate(positions(utterance.final_words)):
            owners.extend((number, i) for _ in position.tokens)
            recognised.extend(position.tokens)
    pairs = align([token.token for token in spoken], recognised)
    places: list[list[_SpokenToken]] = [[] for _ in finished]
    equal: dict[tuple[int, int], list[_SpokenToken]] = {}
    for i, j in pairs:
        places[owners[j][0]].append(spoken[i])
        if spoken[i].token == recognised[j]:
            equal.setdefault(owners[j], []).append(spoken[i])
    results: list[AlignedUtterance] = []
    for number, utterance in enumerate(finished):
        matches = []
        for i, position in enumerate(positions(utterance.final_words)):
            found = equal.get((number, i), [])
            matches.append(tuple(found) if len(found) == len(position.tokens) else ())
        span = places[number]
        first, last = (span[0], span[-1]) if span else (None, None)
        results.append(AlignedUtterance(utterance, tuple(matches), first, last))
    return results


def sentence_ends(clip: Clip) -> frozenset[int]:
    """Return which words of a recording end a sentence, as far as its written form shows."""
    if not clip.text_written or not clip.words:
        return frozenset()
    written, ends = written_tokens(clip.text_written)
    spoken = [(token, i) for i, word in enumerate(clip.words) for token in tokens(word.text)]
    pairs = align([token for token, _ in spoken], written)
    return frozenset(spoken[i][1] for i, j in pairs if ends[j])


@dataclass(frozen=True, slots=True)
class Timings:
    """The measurements of a session; values in seconds, in no particular order.

    Attributes:
        emission_s: Word emission latencies.
        first_word_s: First-word latencies.
        final_s: Final latencies.
        overhead_s: The same minus the silence in force, where that is known.
        word_start_error_s: Absolute errors of reported word starts.
        false_cuts: Utterances that ended inside a sentence, though the pause was shorter than the maximum.
        timed_s: Length of the recordings in which a false cut could be detected.
        after_terminate: Utterances that ended only after the client had ended the session.
    """

    emission_s: tuple[float, ...]
    first_word_s: tuple[float, ...]
    final_s: tuple[float, ...]
    overhead_s: tuple[float, ...]
    word_start_error_s: tuple[float, ...]
    false_cuts: int
    timed_s: float
    after_terminate: int


def timings(script: Script, trace: Trace, rule: SilenceRule) -> Timings:
    """Measure one session."""
    aligned = align_utterances(script, trace)
    finals = _final_latencies(script, aligned, rule)
    terminated_s = trace.terminated_s
    return Timings(
        emission_s=tuple(latency_s for _, latency_s in _emissions(aligned)),
        first_word_s=tuple(_first_words(script, aligned)),
        final_s=tuple(latency for latency, _ in finals),
        overhead_s=tuple(overhead for _, overhead in finals if overhead is not None),
        word_start_error_s=tuple(_start_errors(aligned)),
        false_cuts=_false_cuts(script, aligned, rule),
        timed_s=sum(placed.clip.duration_s for placed in script.clips if placed.clip.words),
        after_terminate=sum(
            1
            for item in aligned
            if item.utterance.end and terminated_s is not None and item.utterance.end.arrival_s > terminated_s
        ),
    )


def emissions(script: Script, trace: Trace) -> list[tuple[float, float]]:
    """Return per recognised word its spoken end, on the session's timeline, and its emission latency."""
    return _emissions(align_utterances(script, trace))


def typical_final_s(sessions: Iterable[tuple[Script, Trace]]) -> float | None:
    """Return the median final latency: the stand-in for the silence threshold of a system that has none.

    The minimum would not do: the end of a single word is off by some tenths of a second now and then, and the
    minimum picks the worst of these errors. An utterance that ended before its last word was over says
    nothing about silence and is left out.
    """
    no_silence = SilenceRule(0, 0)
    found = (
        latency_s
        for script, trace in sessions
        for latency_s, _ in _final_latencies(script, align_utterances(script, trace), no_silence)
    )
    waited = [latency_s for latency_s in found if latency_s > 0]
    return median(waited) if waited else None


def _emissions(aligned: list[AlignedUtterance]) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    for item in aligned:
        for match, (_, arrival_s) in zip(item.matches, stable_since(item.utterance), strict=True):
            ends = [token.end_s for token in match if token.end_s is not None]
            if ends:
                found.append((max(ends), arrival_s - max(ends)))
    return found


def _start_errors(aligned: list[AlignedUtterance]) -> list[float]:
    found: list[float] = []
    for item in aligned:
        for match, position in zip(item.matches, positions(item.utterance.final_words), strict=True):
            starts = [token.start_s for token in match if token.start_s is not None]
            if starts and position.word.start_ms is not None:
                found.append(abs(position.word.start_ms / 1000 - min(starts)))
    return found


def _first_words(script: Script, aligned: list[AlignedUtterance]) -> list[float]:
    """Return the first-word latency of each recording in which an utterance begins."""
    found: list[float] = []
    seen: set[int] = set()
    for item in aligned:
        if item.first is None or item.last is None:
            continue
        begun, clip = item.first.clip, script.clips[item.first.clip]
        if begun not in seen and clip.clip.words:
            shown = next(message for message in item.utterance.messages if message.words)
            found.append(shown.arrival_s - clip.offset_s - clip.clip.words[0].start_s)
        seen.update(range(begun, item.last.clip + 1))
    return found


def _final_latencies(
    script: Script, aligned: list[AlignedUtterance], rule: SilenceRule
) -> list[tuple[float, float | None]]:
    """Return per utterance its final latency, and that minus the silence in force; None if unknown."""
    found: list[tuple[float, float | None]] = []
    closers: dict[int, AlignedUtterance] = {}
    for item in aligned:
        if item.first is not None and item.last is not None:
            closers.update(dict.fromkeys(range(item.first.clip, item.last.clip + 1), item))
    for item in aligned:
        end, last = item.utterance.end, item.last
        if end is None or last is None or last.end_s is None:
            continue
        spoken_s = last.end_s
        if closers[last.clip] is item:
            # The recording's last utterance ends with the recording's last word, recognised or not.
            placed = script.clips[last.clip]
            closing_s = placed.offset_s + placed.clip.words[-1].end_s
            if end.arrival_s >= closing_s:
                spoken_s = closing_s
        latency_s = end.arrival_s - spoken_s
        in_force_s = rule.in_force_s(end.end_confidence)
        found.append((latency_s, None if in_force_s is None else latency_s - in_force_s))
    return found


def _false_cuts(script: Script, aligned: list[AlignedUtterance], rule: SilenceRule) -> int:
    cuts = 0
    for before, after in pairwise(item for item in aligned if item.first is not None):
        last, first = before.last, after.first
        if last is None or first is None or last.clip != first.clip:
            continue
        placed = script.clips[last.clip]
        words = placed.clip.words
        if not words or not sentence_ends(placed.clip).isdisjoint(range(last.word, first.word)):
            continue
        # With missed words around the cut its place is uncertain: assume the longest pause.
        around = words[last.word : first.word + 1]
        pause_s = max((b.start_s - a.end_s for a, b in pairwise(around)), default=0.0)
        cuts += pause_s * 1000 < rule.max_ms
    return cuts
