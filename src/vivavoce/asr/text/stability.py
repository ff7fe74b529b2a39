"""How far the words of a growing hypothesis can be trusted: which are shown, locked and committed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.plain import plain_word

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["DEFAULT_THRESHOLDS", "Stability", "Thresholds"]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The confidence that a word needs from a certain age on.

    Attributes:
        age_ms: For how long the word and all words before it have been unchanged, in milliseconds of audio.
        show: Lowest confidence, 0 to 1, at which partials show the word.
        lock: Lowest confidence at which later partials must keep the word.
        commit: Lowest confidence at which nothing may change the word any more.
    """

    age_ms: int
    show: float
    lock: float
    commit: float


_NEVER: Final = 2.0
_CONTRADICTED: Final = 0.05  # confidence below which the model contradicts a locked word
_SURE: Final = 0.9
_SURE_RUN: Final = 3  # sure words in a row that show the unsure ones before them
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
"""Measured (benchmarks/studies/shown-words.md). A word that appears once with confidence 0.9 stays in 9 of 10
cases, with 0.4 in 4 of 10. The distance of a word from the end of the audio adds little to that."""


@dataclass(slots=True)
class Stability:
    """Tracks the hypotheses of one utterance.

    The algorithm combines local agreement (D. Liu et al., "Low-Latency Sequence-to-Sequence Speech
    Recognition and Translation by Partial Hypothesis Selection", 2020) with the model's own confidence: the
    surer the model is of a word, the less time the word needs to prove itself. All counts are of leading
    words.

    Attributes:
        thresholds: By rising age; the first has age 0.
        shown: How many words partials show.
        locked: How many of these later partials must keep.
        committed: How many of these nothing may change.
    """

    thresholds: tuple[Thresholds, ...] = DEFAULT_THRESHOLDS
    shown: int = 0
    locked: int = 0
    committed: int = 0
    _words: tuple[str, ...] = ()  # the latest hypothesis, in plain form
    _since_ms: list[float] = field(default_factory=list)  # when each of these appeared where it is now

    def update(self, words: Sequence[str], confidences: Sequence[float], at_ms: float) -> None:
        """Apply the hypothesis of a partial.

        Args:
            words: The hypothesis. It begins with the locked words.
            confidences: The confidence of each word, 0 to 1.
            at_ms: End of the decoded audio, in milliseconds.
        """
        previously_shown = self._words[: self.shown]
        self._compare(words, at_ms)
        self._unlock_contradicted(confidences)
        # The audio may end within the last word, so this word can be shown but not locked.
        self.locked = self._count(confidences, len(words) - 1, self.locked, at_ms, "lock")
        self.committed = self._count(confidences, self.locked, self.committed, at_ms, "commit")
        self.shown = self._count(confidences, len(words), self.locked, at_ms, "show")
        self.shown = max(
            self.shown, _end_of_sure_run(confidences), _end_of_kept(previously_shown, self._words)
        )

    def replace(self, words: Sequence[str], at_ms: float, *, committed: int) -> None:
        """Apply a hypothesis that was decoded from the whole utterance, without the locked words as a prefix.

        All of it is shown. Locked words that it contradicts are unlocked.

        Args:
            words: The hypothesis. It begins with the committed words.
            at_ms: End of the decoded audio, in milliseconds.
            committed: How many of the words the caller committed.
        """
        n_agreed = self._compare(words, at_ms)
        self.committed = committed
        self.locked = max(committed, min(self.locked, n_agreed))
        self.shown = len(words)

    @classmethod
    def with_locked(
        cls, words: Sequence[str], locked: int, thresholds: tuple[Thresholds, ...] = DEFAULT_THRESHOLDS
    ) -> Stability:
        """Track an utterance whose first words are known already.

        Args:
            words: These words. All of them are shown; none is committed.
            locked: How many of them are locked.
            thresholds: As for the class.
        """
        plain = tuple(plain_word(word) for word in words)
        return cls(thresholds, len(words), locked, 0, plain, [0.0] * len(words))

    def drop(self, n: int) -> None:
        """Stop tracking the first ``n`` words, which must be locked."""
        self.shown, self.locked = self.shown - n, self.locked - n
        self.committed = max(0, self.committed - n)
        self._words = self._words[n:]
        del self._since_ms[:n]

    def _compare(self, words: Sequence[str], at_ms: float) -> int:
        """Store a hypothesis and the age of its words; return how many leading words are unchanged."""
        plain = tuple(plain_word(word) for word in words)
        n_agreed = 0
        while n_agreed < min(len(plain), len(self._words)) and plain[n_agreed] == self._words[n_agreed]:
            n_agreed += 1
        self._since_ms = [*self._since_ms[:n_agreed], *([at_ms] * (len(plain) - n_agreed))]
        self._words = plain
        return n_agreed

    def _unlock_contradicted(self, confidences: Sequence[float]) -> None:
        """Unlock words from the first one on that the model would not choose any more."""
        for index in range(self.committed, self.locked):
            if confidences[index] < _CONTRADICTED:
                self.locked = index
                return

    def _count(self, confidences: Sequence[float], limit: int, start: int, at_ms: float, level: str) -> int:
        """Count leading words from ``start`` on, up to ``limit``, whose confidence suffices for a level."""
        count = start
        while count < limit:
            age_ms = at_ms - self._since_ms[count]
            threshold = next(it for it in reversed(self.thresholds) if age_ms >= it.age_ms)
            if confidences[count] < getattr(threshold, level):
                break
            count += 1
        return count


def _end_of_sure_run(confidences: Sequence[float]) -> int:
    """Count the words up to the end of the last run of sure words; unsure words before it are shown too."""
    run = count = 0
    for index, confidence in enumerate(confidences):
        run = run + 1 if confidence >= _SURE else 0
        if run >= _SURE_RUN:
            count = index + 1
    return count


def _end_of_kept(shown: Sequence[str], words: Sequence[str]) -> int:
    """Count the words up to the last one that was shown before and is still there.

    Such a word has kept its place, or has moved by one or two places together with the word before it. A new
    doubt about an early word does not hide the words after it.

    Args:
        shown: The words that were shown before.
        words: The latest hypothesis.
    """
    for index in reversed(range(len(shown))):
        for shift in _SHIFTS:
            place = index + shift
            if not 0 <= place < len(words) or words[place] != shown[index]:
                continue
            if not shift or (index and place and words[place - 1] == shown[index - 1]):
                return place + 1
    return 0
