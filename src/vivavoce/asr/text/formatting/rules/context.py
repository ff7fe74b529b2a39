"""A run of numbers and the words around it, as the rules see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.formatting.words import Replacement
from vivavoce.asr.text.word_lists import word_set

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.text.formatting.numbers import NumberRun
    from vivavoce.asr.text.formatting.words import Rewrite, SplitWord

__all__ = ["AFTER_AMOUNTS", "SMALLEST_IN_DIGITS", "RunInContext"]

SMALLEST_IN_DIGITS: Final = 10
"""Smaller numbers stay words, unless something shows that they are a measure, a date or the like."""
AFTER_AMOUNTS: Final = word_set("dollars dollar euros euro pounds percent per cents an a each bucks")
"""Words after a number which show that it is an amount, not a time or a year."""


@dataclass(frozen=True, slots=True)
class RunInContext:
    """A run of numbers and the words around it.

    Attributes:
        words: The words of the turn.
        run: The run.
    """

    words: Sequence[SplitWord]
    run: NumberRun

    def before(self, n: int = 1) -> str:
        """Return the n-th word before the run in lower case; empty beyond punctuation or the turn's start."""
        at = self.run.start
        for _ in range(n):
            at -= 1
            if at < 0 or self.words[at].trail or self.words[at + 1].lead:
                return ""
        return self.words[at].key

    def after(self, n: int = 1) -> str:
        """Return the n-th word after the run in lower case; empty beyond punctuation or the turn's end."""
        at = self.run.end - 1
        for _ in range(n):
            if at + 1 >= len(self.words) or self.words[at].trail or self.words[at + 1].lead:
                return ""
            at += 1
        return self.words[at].key

    def is_capital_after(self, n: int) -> bool:
        """Whether the n-th word after the run is capitalised, as in "one twenty three Main Street"."""
        return bool(self.after(n)) and self.words[self.run.end + n - 1].core[:1].isupper()

    @property
    def n_words(self) -> int:
        """How many words the run has."""
        return self.run.end - self.run.start

    @property
    def is_title(self) -> bool:
        """Whether the run is capitalised within a sentence, as names and titles are."""
        first = self.words[self.run.start]
        return first.core[:1].isupper() and not first.opens_sentence

    def as_one_word(self, text: str, n_more: int = 0) -> Rewrite:
        """Replace the run, and ``n_more`` words after it, by one word."""
        return (Replacement(self.n_words + n_more, text),)
