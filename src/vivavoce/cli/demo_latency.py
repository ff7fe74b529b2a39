"""Latencies of a recording whose words and their times are known.

A word counts as shown from the first message after which its place in the utterance never changes
again. When it was said is what the reference tells, never the server that is being measured. Words that
the server heard otherwise than the reference says have no latency.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
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
        start_s: Where it begins in the recording, in seconds.
        end_s: Where it ends.
    """

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class LatencySummary:
    """What was measured; None where there was nothing to measure. Times in seconds.

    Attributes:
        words: In all finals.
        utterances: Finals with words.
        first_word_s: From the beginning of the first word to the first message with text.
        word_s: From a word's end to the message that settled it, median.
        final_s: From the end of an utterance's last word to its final, median.
    """

    words: int
    utterances: int
    first_word_s: float | None
    word_s: float | None
    final_s: float | None


def _keys(text: str) -> list[str]:
    """Words as they are compared: partials of Realtime v2 have neither case nor punctuation."""
    keys = ("".join(c for c in word.casefold() if c.isalnum()) for word in text.split())
    return [key for key in keys if key]


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


@dataclass(slots=True)
class LatencyMeter:
    """Collects captions with the time of their arrival.

    Attributes:
        reference: The words of the recording, in order.
        began: The clock's time at which the recording began, in seconds.
    """

    reference: Sequence[ReferenceWord] = ()
    began: float = 0.0
    _shown: list[tuple[float, list[str]]] = field(default_factory=list)
    _first_shown: float | None = None
    _heard: list[str] = field(default_factory=list)
    _settled: list[float] = field(default_factory=list)
    _finals: list[tuple[float, int]] = field(default_factory=list)  # arrival, number of words up to there

    def take(self, now: float, caption: TranscriptLine) -> None:
        """Note a caption that arrived at a time of the clock, in seconds."""
        keys = _keys(caption.text)
        if keys and self._first_shown is None:
            self._first_shown = now
        if not caption.is_final:
            self._shown.append((now, keys))
            return
        if keys:
            self._heard += keys
            self._settled += self._settled_at(now, keys)
            self._finals.append((now, len(self._heard)))
        self._shown.clear()

    def _settled_at(self, now: float, final: Sequence[str]) -> list[float]:
        settled = [now] * len(final)
        for position, key in enumerate(final):
            for at, keys in reversed(self._shown):
                if position >= len(keys) or keys[position] != key:
                    break
                settled[position] = at
        return settled

    def _matches(self) -> dict[int, ReferenceWord]:
        """The reference's word for every heard word that is the same."""
        texts = [word.text for word in self.reference]
        blocks = SequenceMatcher(None, texts, self._heard, autojunk=False).get_matching_blocks()
        return {
            block.b + offset: self.reference[block.a + offset]
            for block in blocks
            for offset in range(block.size)
        }

    def summary(self) -> LatencySummary:
        """The figures so far."""
        spoken = self._matches()
        first_word_s = None
        if self._first_shown is not None and 0 in spoken:
            first_word_s = self._first_shown - self.began - spoken[0].start_s
        return LatencySummary(
            words=len(self._heard),
            utterances=len(self._finals),
            first_word_s=first_word_s,
            word_s=_median(
                [self._settled[index] - self.began - word.end_s for index, word in spoken.items()]
            ),
            final_s=_median(
                [at - self.began - spoken[n - 1].end_s for at, n in self._finals if n - 1 in spoken]
            ),
        )
