"""Which token is next where terms are expected, and which tokens to take back when a term fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from vivavoce.asr.models.terms import Fate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.models.terms import TermBias

__all__ = ["Choice", "TermTracker", "watched_tokens"]

Floats: TypeAlias = npt.NDArray[np.float32]
Ints: TypeAlias = npt.NDArray[np.int64]

# How many favoured tokens may fail at one place before the model's own choice stands there.
_ATTEMPTS: Final = 2


class Choice(NamedTuple):
    """The token that comes next.

    Attributes:
        token: Its id.
        log_probability: By the model, without the bias.
        is_favoured: Whether it replaces a token that is more probable without the bias.
    """

    token: int
    log_probability: float
    is_favoured: bool


def watched_tokens(bias: TermBias | None) -> Ints:
    """All tokens that a bias may favour, in ascending order, int64."""
    return np.array(() if bias is None else bias.tokens, np.int64)


class TermTracker:
    """Chooses the tokens of one hypothesis, and tracks the term that was begun last.

    A favoured token replaces a more probable one only if the tokens after it complete a term. As soon as they
    can't, the tokens from that place on are taken back, and the favoured token is refused there. So each
    choice depends on the tokens before it, on the audio and on the terms, and on nothing else.
    """

    def __init__(self, bias: TermBias, watched: Ints) -> None:
        """Begin a hypothesis.

        Args:
            bias: Towards the terms.
            watched: The tokens whose log-probabilities `choose` gets, in ascending order.
        """
        self._bias = bias
        self._watched = watched
        self._column = {int(token): column for column, token in enumerate(watched)}
        self._first = np.full(
            len(watched), -np.inf, np.float32
        )  # bonus of each column where no term is begun
        self._first[[self._column[token] for token in bias.first]] = bias.strength.first
        self._begun_at: int | None = None  # place of the favoured token that began the term; None: no term
        self._refused: dict[int, set[int]] = {}  # favoured tokens that failed, by their place

    @property
    def is_in_term(self) -> bool:
        """Whether a term was begun against the model's own choice and is not complete yet."""
        return self._begun_at is not None

    def choose(self, history: Sequence[int], best: Choice, log_probability: Floats) -> Choice:
        """Choose the next token.

        Args:
            history: All tokens so far.
            best: The most probable next token.
            log_probability: Of the watched tokens, shape (watched,).
        """
        refused = self._refused.get(len(history), set())
        if len(refused) >= _ATTEMPTS and not self.is_in_term:
            return best
        bonus = self._first.copy()
        for token in self._bias.continuing(history):
            bonus[self._column[token]] = self._bias.strength.later
        for token in refused:
            bonus[self._column[token]] = -np.inf
        favoured = log_probability + bonus
        column = int(np.argmax(favoured))
        own = self._column.get(best.token)
        if own == column or float(favoured[column]) <= best.log_probability:
            return best
        if own is not None and float(favoured[column]) <= float(favoured[own]):
            return best
        return Choice(int(self._watched[column]), float(log_probability[column]), is_favoured=True)

    def track(self, tokens: Sequence[int], *, is_favoured: bool, is_end: bool = False) -> int | None:
        """Take note of a token that was added.

        Args:
            tokens: All tokens, that one included.
            is_favoured: Whether it replaces a token that is more probable without the bias.
            is_end: Whether no token follows.

        Returns:
            How many tokens to go back to; None to continue.
        """
        if self._begun_at is None and is_favoured:
            self._begun_at = len(tokens) - 1
        place = self._begun_at
        if place is None:
            return None
        fate = self._bias.fate(tokens, place)
        if fate is Fate.COMPLETE:
            self._begun_at = None
            return None
        if fate is Fate.OPEN and not is_end:
            return None
        self._begun_at = None
        self._refused.setdefault(place, set()).add(tokens[place])
        return place
