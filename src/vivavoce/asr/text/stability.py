"""How far the words of a growing hypothesis can be trusted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.plain import plain_word

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["DEFAULT_THRESHOLDS", "Stability", "Thresholds"]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a word needs once it has stood for a while.

    Attributes:
        age_ms: How long it has stood, with all words before it, in milliseconds of audio.
        show: Confidence from which it is shown.
        lock: Confidence from which later partials must keep it.
        commit: Confidence from which nothing may change it any more.
    """

    age_ms: int
    show: float
    lock: float
    commit: float


_NEVER: Final = 2.0
_CONTRADICTED: Final = 0.05
_SURE: Final = 0.9
_SURE_WORDS: Final = 3
_SHIFTS: Final = (0, 1, -1, 2, -2)

DEFAULT_THRESHOLDS: Final = (
    Thresholds(0, show=0.65, lock=0.95, commit=_NEVER),
    Thresholds(150, show=0.5, lock=0.7, commit=0.97),
    Thresholds(300, show=0.25, lock=0.5, commit=0.87),
    Thresholds(450, show=0.0, lock=0.3, commit=0.75),
    Thresholds(600, show=0.0, lock=0.2, commit=0.65),
    Thresholds(900, show=0.0, lock=0.0, commit=0.45),
    Thresholds(1500, show=0.0, lock=0.0, commit=0.25),
)
"""Chosen by measurement: see docs/performance.md. A word seen once with a confidence of 0.9 stays in 9 of
10 cases, with one of 0.4 in 4 of 10; how far it lies behind the end of the audio says little beside that."""


@dataclass(slots=True)
class Stability:
    """Follows the hypotheses of one utterance.

    A mix of local agreement (D. Liu et al., "Low-Latency Sequence-to-Sequence Speech Recognition and
    Translation by Partial Hypothesis Selection", 2020) and the model's own confidence: the surer it is
    of a word, the less often the word must have been seen. Counts are of leading words.

    Attributes:
        shown: How many words are shown.
        locked: How many of them later partials must keep.
        committed: How many of these nothing may change.
    """

    thresholds: tuple[Thresholds, ...] = DEFAULT_THRESHOLDS
    shown: int = 0
    locked: int = 0
    committed: int = 0
    _words: tuple[str, ...] = ()
    _since_ms: list[float] = field(default_factory=list)

    def update(self, words: Sequence[str], confidences: Sequence[float], at_ms: float) -> None:
        """Take the newest hypothesis.

        Args:
            words: Its words; it begins with those that were locked.
            confidences: Of each, 0 to 1.
            at_ms: Up to where it heard, in milliseconds of audio.
        """
        before = self._words[: self.shown]
        self._agree(words, at_ms)
        self._unlock(confidences)
        # Half of the last word may still be missing: it is shown at best.
        self.locked = self._count(confidences, len(words) - 1, self.locked, at_ms, "lock")
        self.committed = self._count(confidences, self.locked, self.committed, at_ms, "commit")
        self.shown = self._count(confidences, len(words), self.locked, at_ms, "show")
        self.shown = max(self.shown, _behind_sure_words(confidences), _still_seen(before, self._words))

    def replace(self, words: Sequence[str], at_ms: float) -> None:
        """Take a hypothesis that was made without regard to locked words, of an utterance that pauses.

        It was decoded in one go from the whole utterance, so it is shown as it is.

        Args:
            words: Its words; it begins with those that were committed.
            at_ms: Up to where it heard, in milliseconds of audio.
        """
        agreed = self._agree(words, at_ms)
        self.locked = max(self.committed, min(self.locked, agreed))
        self.shown = len(words)

    @classmethod
    def with_locked(
        cls, words: Sequence[str], locked: int, thresholds: tuple[Thresholds, ...] = DEFAULT_THRESHOLDS
    ) -> Stability:
        """Follow an utterance of which so many words are locked already."""
        plain = tuple(plain_word(word) for word in words)
        return cls(thresholds, len(words), locked, 0, plain, [0.0] * len(words))

    def drop(self, n: int) -> None:
        """Forget leading words, all of them locked: they are followed no more."""
        self.shown, self.locked = self.shown - n, self.locked - n
        self.committed = max(0, self.committed - n)
        self._words = self._words[n:]
        del self._since_ms[:n]

    def _agree(self, words: Sequence[str], at_ms: float) -> int:
        """Note since when each word has stood; returns how many stood before."""
        now = tuple(plain_word(word) for word in words)
        agreed = 0
        while agreed < min(len(now), len(self._words)) and now[agreed] == self._words[agreed]:
            agreed += 1
        self._since_ms = [*self._since_ms[:agreed], *([at_ms] * (len(now) - agreed))]
        self._words = now
        return agreed

    def _unlock(self, confidences: Sequence[float]) -> None:
        """Let later partials change a word that was locked too soon: the model would now say another."""
        for index in range(self.committed, self.locked):
            if confidences[index] < _CONTRADICTED:
                self.locked = index
                return

    def _count(self, confidences: Sequence[float], limit: int, start: int, at_ms: float, need: str) -> int:
        count = start
        while count < limit:
            age_ms = at_ms - self._since_ms[count]
            step = next(step for step in reversed(self.thresholds) if age_ms >= step.age_ms)
            if confidences[count] < getattr(step, need):
                break
            count += 1
        return count


def _behind_sure_words(confidences: Sequence[float]) -> int:
    """How many words there are up to the last run of sure ones, which an unsure word must not hide."""
    run = count = 0
    for index, confidence in enumerate(confidences):
        run = run + 1 if confidence >= _SURE else 0
        if run >= _SURE_WORDS:
            count = index + 1
    return count


def _still_seen(shown: Sequence[str], words: Sequence[str]) -> int:
    """How many words there are up to the last one of those shown before.

    It is where it was, or was moved by a place or two together with the word before it. A new doubt about
    a word is no reason to take back all that follows.
    """
    for index in reversed(range(len(shown))):
        for shift in _SHIFTS:
            place = index + shift
            if not 0 <= place < len(words) or words[place] != shown[index]:
                continue
            if not shift or (index and place and words[place - 1] == shown[index - 1]):
                return place + 1
    return 0
