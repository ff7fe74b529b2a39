"""How soon the words come, measured against when they were said: pure functions.

All of them begin with the same step: the words of the finished utterances of a session are aligned, in a
row, with the words of its recordings. Only words that were recognised (equal after normalising) have a
spoken time of their own; recordings without word times take part in the alignment and give no figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from vivavoce.bench.align import align, tokens, written_tokens
from vivavoce.bench.model import SilenceRule
from vivavoce.bench.turns import positions, settled, utterances

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vivavoce.bench.model import Clip, Script, Trace
    from vivavoce.bench.turns import Utterance

__all__ = ["Heard", "Timings", "emissions", "hear", "sentence_ends", "timings", "typical_final_s"]


class _Said(NamedTuple):
    """A token of the reference; times in seconds on the session's timeline, None if nobody aligned it."""

    token: str
    clip: int
    word: int
    start_s: float | None
    end_s: float | None


@dataclass(frozen=True, slots=True)
class Heard:
    """An utterance beside what was said.

    Attributes:
        utterance: The utterance.
        matches: Per position of its final words the reference tokens that it renders, all of them equal;
            empty where the word is wrong.
        first: Its first token's place in the reference, right or wrong; None: nothing of it was said.
        last: Its last token's place.
    """

    utterance: Utterance
    matches: tuple[tuple[_Said, ...], ...]
    first: _Said | None
    last: _Said | None


def _said(script: Script) -> list[_Said]:
    found: list[_Said] = []
    for number, placed in enumerate(script.clips):
        clip, offset_s = placed.clip, placed.offset_s
        if clip.words:
            for i, word in enumerate(clip.words):
                start_s, end_s = offset_s + word.start_s, offset_s + word.end_s
                found.extend(_Said(token, number, i, start_s, end_s) for token in tokens(word.text))
        else:
            for i, text in enumerate((clip.text or "").split()):
                found.extend(_Said(token, number, i, None, None) for token in tokens(text))
    return found


def hear(script: Script, trace: Trace) -> list[Heard]:
    """Lay the finished utterances of a session beside what was said in it."""
    said = _said(script)
    finished = [utterance for utterance in utterances(trace) if utterance.end]
    owners: list[tuple[int, int]] = []
    heard: list[str] = []
    for number, utterance in enumerate(finished):
        for i, position in enumerate(positions(utterance.final_words)):
            owners.extend((number, i) for _ in position.tokens)
            heard.extend(position.tokens)
    pairs = align([token.token for token in said], heard)
    places: list[list[_Said]] = [[] for _ in finished]
    equal: dict[tuple[int, int], list[_Said]] = {}
    for i, j in pairs:
        places[owners[j][0]].append(said[i])
        if said[i].token == heard[j]:
            equal.setdefault(owners[j], []).append(said[i])
    results: list[Heard] = []
    for number, utterance in enumerate(finished):
        matches = []
        for i, position in enumerate(positions(utterance.final_words)):
            found = equal.get((number, i), [])
            matches.append(tuple(found) if len(found) == len(position.tokens) else ())
        span = places[number]
        first, last = (span[0], span[-1]) if span else (None, None)
        results.append(Heard(utterance, tuple(matches), first, last))
    return results


def sentence_ends(clip: Clip) -> frozenset[int]:
    """Which words of a recording end a sentence, as far as its written form tells."""
    if not clip.text_written or not clip.words:
        return frozenset()
    written, ends = written_tokens(clip.text_written)
    spoken = [(token, i) for i, word in enumerate(clip.words) for token in tokens(word.text)]
    pairs = align([token for token, _ in spoken], written)
    return frozenset(spoken[i][1] for i, j in pairs if ends[j])


@dataclass(frozen=True, slots=True)
class Timings:
    """What a session gives; lists in seconds, in no particular order.

    Attributes:
        emission_s: Word emission latencies.
        first_word_s: First-word latencies.
        final_s: Final latencies.
        overhead_s: The same minus the silence that had to pass, where that is known.
        word_start_error_s: How far reported word starts are off, absolute.
        false_cuts: Utterances ended inside a sentence, though the pause was shorter than the maximum.
        timed_s: Length of the recordings that could have had any.
        after_terminate: Utterances that ended only after the end of the session was asked for.
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
    heard = hear(script, trace)
    finals = _final_latencies(script, heard, rule)
    terminated_s = trace.terminated_s
    return Timings(
        emission_s=tuple(latency_s for _, latency_s in _emissions(heard)),
        first_word_s=tuple(_first_words(script, heard)),
        final_s=tuple(latency for latency, _ in finals),
        overhead_s=tuple(overhead for _, overhead in finals if overhead is not None),
        word_start_error_s=tuple(_start_errors(heard)),
        false_cuts=_false_cuts(script, heard, rule),
        timed_s=sum(placed.clip.duration_s for placed in script.clips if placed.clip.words),
        after_terminate=sum(
            1
            for item in heard
            if item.utterance.end and terminated_s is not None and item.utterance.end.arrival_s > terminated_s
        ),
    )


def emissions(script: Script, trace: Trace) -> list[tuple[float, float]]:
    """Per recognised word when it had been spoken, on the session's timeline, and its emission latency."""
    return _emissions(hear(script, trace))


def typical_final_s(sessions: Iterable[tuple[Script, Trace]]) -> float | None:
    """The median final latency: what stands for the silence threshold of a system that has none.

    Not the shortest one: a single word's end is off by some tenths of a second here and there, and that would
    pick the worst of them. An utterance that was ended before its last word was over tells nothing about
    silence and is left out.
    """
    nothing = SilenceRule(0, 0)
    found = (
        latency_s
        for script, trace in sessions
        for latency_s, _ in _final_latencies(script, hear(script, trace), nothing)
    )
    waited = [latency_s for latency_s in found if latency_s > 0]
    return median(waited) if waited else None


def _emissions(heard: list[Heard]) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    for item in heard:
        for match, (_, arrival_s) in zip(item.matches, settled(item.utterance), strict=True):
            ends = [said.end_s for said in match if said.end_s is not None]
            if ends:
                found.append((max(ends), arrival_s - max(ends)))
    return found


def _start_errors(heard: list[Heard]) -> list[float]:
    found: list[float] = []
    for item in heard:
        for match, position in zip(item.matches, positions(item.utterance.final_words), strict=True):
            starts = [said.start_s for said in match if said.start_s is not None]
            if starts and position.word.start_ms is not None:
                found.append(abs(position.word.start_ms / 1000 - min(starts)))
    return found


def _first_words(script: Script, heard: list[Heard]) -> list[float]:
    """Per recording, if an utterance begins in it; one that began in the recording before tells nothing."""
    found: list[float] = []
    seen: set[int] = set()
    for item in heard:
        if item.first is None or item.last is None:
            continue
        begun, clip = item.first.clip, script.clips[item.first.clip]
        if begun not in seen and clip.clip.words:
            shown = next(message for message in item.utterance.messages if message.words)
            found.append(shown.arrival_s - clip.offset_s - clip.clip.words[0].start_s)
        seen.update(range(begun, item.last.clip + 1))
    return found


def _final_latencies(
    script: Script, heard: list[Heard], rule: SilenceRule
) -> list[tuple[float, float | None]]:
    """Per utterance its final latency, and by how much that is longer than the silence that had to pass.

    The second is None where nobody knows how much that was.
    """
    found: list[tuple[float, float | None]] = []
    closers: dict[int, Heard] = {}
    for item in heard:
        if item.first is not None and item.last is not None:
            closers.update(dict.fromkeys(range(item.first.clip, item.last.clip + 1), item))
    for item in heard:
        end, last = item.utterance.end, item.last
        if end is None or last is None or last.end_s is None:
            continue
        spoken_s = last.end_s
        if closers[last.clip] is item:
            # It closes its recording, so it ends with the recording's last word, recognised or not.
            placed = script.clips[last.clip]
            closing_s = placed.offset_s + placed.clip.words[-1].end_s
            if end.arrival_s >= closing_s:
                spoken_s = closing_s
        latency_s = end.arrival_s - spoken_s
        in_force_s = rule.in_force_s(end.end_confidence)
        found.append((latency_s, None if in_force_s is None else latency_s - in_force_s))
    return found


def _false_cuts(script: Script, heard: list[Heard], rule: SilenceRule) -> int:
    cuts = 0
    for before, after in pairwise(item for item in heard if item.first is not None):
        last, first = before.last, after.first
        if last is None or first is None or last.clip != first.clip:
            continue
        placed = script.clips[last.clip]
        words = placed.clip.words
        if not words or not sentence_ends(placed.clip).isdisjoint(range(last.word, first.word)):
            continue
        # Words missed around the cut leave open where it fell: the longest pause there is taken.
        around = words[last.word : first.word + 1]
        pause_s = max((b.start_s - a.end_s for a, b in pairwise(around)), default=0.0)
        cuts += pause_s * 1000 < rule.max_ms
    return cuts
