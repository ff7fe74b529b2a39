"""Latencies that can be measured where sound is played at the speed of speech.

A word counts as shown from the first message after which its place in the utterance never changes
again. When it was said is what the server's own word times tell, for the demonstration has no other
reference; so these figures are as good as those times are.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.cli.captions import Caption

__all__ = ["Measurement", "Summary"]


@dataclass(frozen=True, slots=True)
class Summary:
    """What was measured; None where there was nothing to measure. Times in seconds.

    Attributes:
        words: In all finals.
        utterances: Finals with words.
        first_word_s: From the first word's beginning to the first message with text.
        word_s: From a word's end to the message that settled it, median.
        final_s: From the end of an utterance's last word to its final, median.
    """

    words: int
    utterances: int
    first_word_s: float | None
    word_s: float | None
    final_s: float | None


def _key(word: str) -> str:
    """A word as it is compared: partials of Realtime v2 have neither case nor punctuation."""
    return "".join(c for c in word.casefold() if c.isalnum())


def _keys(text: str) -> list[str]:
    return [key for word in text.split() if (key := _key(word))]


@dataclass(slots=True)
class Measurement:
    """Collects captions with the time of their arrival.

    Attributes:
        began: The clock's time at which the sound began, in seconds.
    """

    began: float = 0.0
    _shown: list[tuple[float, list[str]]] = field(default_factory=list)
    _first_shown: float | None = None
    _first_word_s: float | None = None
    _word_latencies: list[float] = field(default_factory=list)
    _final_latencies: list[float] = field(default_factory=list)
    _words: int = 0
    _utterances: int = 0

    def take(self, now: float, caption: Caption) -> None:
        """Note a caption that arrived at a time of the clock, in seconds."""
        if not caption.text:
            return
        if self._first_shown is None:
            self._first_shown = now
        if not caption.is_final:
            self._shown.append((now, _keys(caption.text)))
            return
        timed = [(key, word) for word in caption.words if (key := _key(word.text))]
        self._words += len(timed) or len(_keys(caption.text))
        self._utterances += 1
        if timed:
            if self._first_word_s is None:
                self._first_word_s = self._first_shown - self.began - timed[0][1].start_ms / 1000
            settled = self._settled_at(now, [key for key, _ in timed])
            self._word_latencies += [
                at - self.began - word.end_ms / 1000 for at, (_, word) in zip(settled, timed, strict=True)
            ]
            self._final_latencies.append(now - self.began - timed[-1][1].end_ms / 1000)
        self._shown.clear()

    def _settled_at(self, now: float, final: Sequence[str]) -> list[float]:
        settled = [now] * len(final)
        for position, key in enumerate(final):
            for at, keys in reversed(self._shown):
                if position >= len(keys) or keys[position] != key:
                    break
                settled[position] = at
        return settled

    def summary(self) -> Summary:
        """The figures so far."""
        return Summary(
            self._words,
            self._utterances,
            self._first_word_s,
            statistics.median(self._word_latencies) if self._word_latencies else None,
            statistics.median(self._final_latencies) if self._final_latencies else None,
        )
