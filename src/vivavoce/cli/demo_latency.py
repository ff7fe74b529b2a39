"""Latencies of a recording whose words and word times are known.

A word counts as shown from the first message after which its place in the utterance never changes
again. The time at which a word was spoken comes from the reference, never from the measured server.
Words that differ from the reference have no latency.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.cli.transcript_line import TranscriptLine

__all__ = ["LatencyMeter", "LatencySummary", "ReferenceWord"]


@dataclass(frozen=True, slots=True)
class ReferenceWord:
    """A word of the reference.

    Attributes:
        text: In lower case.
        start_s: Start in the recording, in seconds.
        end_s: End in the recording, in seconds.
    """

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class LatencySummary:
    """Counts and latencies, in seconds; a latency is None if no word matched the reference.

    Attributes:
        words: Words in all finals.
        utterances: Finals with words.
        first_word_s: From the start of the first word to the first message with text.
        word_s: From the end of a word to the message after which it no longer changed; median.
        final_s: From the end of the last word of an utterance to its final; median.
    """

    words: int
    utterances: int
    first_word_s: float | None
    word_s: float | None
    final_s: float | None


def _keys(text: str) -> list[str]:
    """Return the words in the form that is compared: Realtime v2 partials lack case and punctuation."""
    keys = ("".join(c for c in word.casefold() if c.isalnum()) for word in text.split())
    return [key for key in keys if key]


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


class LatencyMeter:
    """Collects transcripts with their arrival times. All times are of one clock, in seconds.

    Args:
        reference: The words of the recording, in order.
    """

    def __init__(self, reference: Sequence[ReferenceWord] = ()) -> None:
        self._reference = reference
        self._began = 0.0  # time at which the recording began
        self._first_text_at: float | None = None  # arrival of the first message with text
        self._partials: list[tuple[float, list[str]]] = []  # arrival and words, of the current utterance
        self._words: list[str] = []  # of all finals
        self._shown_at: list[float] = []  # per word of `_words`: arrival of the message that shows it
        self._finals: list[tuple[float, int]] = []  # arrival and number of words up to and including it

    def start(self, now: float) -> None:
        """Set the time at which the recording begins."""
        self._began = now

    def add(self, now: float, transcript: TranscriptLine) -> None:
        """Add a transcript that arrived now."""
        keys = _keys(transcript.text)
        if keys and self._first_text_at is None:
            self._first_text_at = now
        if not transcript.is_final:
            self._partials.append((now, keys))
            return
        if keys:
            self._words += keys
            self._shown_at += self._shown_times(now, keys)
            self._finals.append((now, len(self._words)))
        self._partials.clear()

    def _shown_times(self, now: float, final: Sequence[str]) -> list[float]:
        """Return, for each word of a final, the arrival of the message after which it never changed."""
        times = [now] * len(final)
        for position, key in enumerate(final):
            for arrival, keys in reversed(self._partials):
                if position >= len(keys) or keys[position] != key:
                    break
                times[position] = arrival
        return times

    def _matches(self) -> dict[int, ReferenceWord]:
        """Map the index of each correct word to its word of the reference."""
        texts = [word.text for word in self._reference]
        blocks = SequenceMatcher(None, texts, self._words, autojunk=False).get_matching_blocks()
        return {
            block.b + offset: self._reference[block.a + offset]
            for block in blocks
            for offset in range(block.size)
        }

    def summary(self) -> LatencySummary:
        """Return the counts and latencies so far."""
        spoken = self._matches()
        first_word_s = None
        if self._first_text_at is not None and 0 in spoken:
            first_word_s = self._first_text_at - self._began - spoken[0].start_s
        return LatencySummary(
            words=len(self._words),
            utterances=len(self._finals),
            first_word_s=first_word_s,
            word_s=_median(
                [self._shown_at[index] - self._began - word.end_s for index, word in spoken.items()]
            ),
            final_s=_median(
                [
                    arrival - self._began - spoken[n_words - 1].end_s
                    for arrival, n_words in self._finals
                    if n_words - 1 in spoken
                ]
            ),
        )
