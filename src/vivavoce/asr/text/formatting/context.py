"""What stands around a number, for the rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.formatting.pieces import Piece
from vivavoce.asr.text.word_lists import word_set

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.text.formatting.numbers import Run
    from vivavoce.asr.text.formatting.pieces import Token

__all__ = ["FUNCTION_WORDS", "Context", "Rewrite"]

FUNCTION_WORDS: Final = word_set(
    "a about after all although and are as at because before but by during for from had has have he her "
    "his i if in is it its my of on or our she since so that the their then there they this to until "
    "was we were when where which while who will with would you your"
)
"""Words that no number counts."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What a run, with some tokens behind it, is written as; pieces in order, from the run's first token."""

    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Context:
    """A run and the tokens around it."""

    tokens: Sequence[Token]
    run: Run

    def before(self, n: int = 1) -> str:
        """The n-th word in front of the run, in lower case; empty beyond a mark or the turn's beginning."""
        at = self.run.start
        for _ in range(n):
            at -= 1
            if at < 0 or self.tokens[at].trail or self.tokens[at + 1].lead:
                return ""
        return self.tokens[at].key

    def after(self, n: int = 1) -> str:
        """The n-th word behind the run, in lower case; empty beyond a mark or the turn's end."""
        at = self.run.end - 1
        for _ in range(n):
            if at + 1 >= len(self.tokens) or self.tokens[at].trail or self.tokens[at + 1].lead:
                return ""
            at += 1
        return self.tokens[at].key

    @property
    def n(self) -> int:
        """How many tokens the run has."""
        return self.run.end - self.run.start

    @property
    def is_title(self) -> bool:
        """Whether it is capitalised without opening a sentence: the name of something."""
        first = self.tokens[self.run.start]
        return first.core[:1].isupper() and not first.opens

    def one_piece(self, text: str, more: int = 0) -> Rewrite:
        """Write the run, and so many tokens behind it, as one word."""
        return Rewrite((Piece(self.n + more, text),))
