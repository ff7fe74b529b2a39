"""Decoding with terms that are expected: which token is next, and going back where a term fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from vivavoce.asr.models.terms import Fate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.models.moonshine.runtime import Decoded, Job
    from vivavoce.asr.models.terms import TermBias

__all__ = ["Choice", "FavouredRow", "Favouring", "Output", "watched_tokens"]

Floats: TypeAlias = npt.NDArray[np.float32]
Ints: TypeAlias = npt.NDArray[np.int64]

# Tokens that are tried in vain at one place before the model has its way there.
_TRIALS: Final = 2


class Choice(NamedTuple):
    """The token that comes next.

    Attributes:
        token: Its id.
        log_probability: What the model gives it by itself.
        is_favoured: Whether the model by itself would have another one.
    """

    token: int
    log_probability: float
    is_favoured: bool


class Output(NamedTuple):
    """What the decoder says behind one token.

    Attributes:
        best: The two likeliest tokens, shape (2,), int64.
        log_probability: Of these two, shape (2,), float32.
        watched: Of the watched tokens, shape (watched,), float32.
        attention: Of the word heads, shape (2, frames), float32.
    """

    best: Ints
    log_probability: Floats
    watched: Floats
    attention: Floats

    def copied(self) -> Output:
        """The same in arrays of its own."""
        return Output(
            self.best.copy(), self.log_probability.copy(), self.watched.copy(), self.attention.copy()
        )


def watched_tokens(biases: Sequence[TermBias | None]) -> Ints:
    """All tokens that one of the biases may favour, in ascending order, int64."""
    return np.array(sorted({token for bias in biases if bias is not None for token in bias.tokens}), np.int64)


class Favouring:
    """The choices of one hypothesis.

    Where a term's token takes the place of a likelier one, the tokens behind it must complete the term;
    as soon as they do not, the hypothesis is gone back to that place, and the token is refused there.
    So each choice depends on the tokens before it, on the sound and on the terms, and on nothing else.
    """

    def __init__(self, bias: TermBias, watched: Ints) -> None:
        """Begin a hypothesis.

        Args:
            bias: Towards the terms.
            watched: The tokens whose log-probabilities will be given, in ascending order.
        """
        self._bias = bias
        self._watched = watched
        self._column = {int(token): column for column, token in enumerate(watched)}
        self._first = np.full(len(watched), -np.inf, np.float32)
        self._first[[self._column[token] for token in bias.first]] = bias.strength.first
        self._trial: int | None = None
        self._refused: dict[int, set[int]] = {}

    @property
    def is_trying(self) -> bool:
        """Whether a term was begun against the model's own choice and is not complete yet."""
        return self._trial is not None

    def choose(self, history: Sequence[int], best: Choice, log_probability: Floats) -> Choice:
        """The next token.

        Args:
            history: All tokens so far.
            best: What the model would have.
            log_probability: Of the watched tokens, shape (watched,).
        """
        refused = self._refused.get(len(history), set())
        if len(refused) >= _TRIALS and not self.is_trying:
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

    def took(self, tokens: Sequence[int], *, favoured: bool, is_end: bool = False) -> int | None:
        """Note that a token was taken.

        Args:
            tokens: All tokens, that one included.
            favoured: Whether the model by itself would have had another one.
            is_end: Whether it is the last.

        Returns:
            How many tokens to go back to; None to go on.
        """
        if self._trial is None and favoured:
            self._trial = len(tokens) - 1
        place = self._trial
        if place is None:
            return None
        fate = self._bias.fate(tokens, place)
        if fate is Fate.COMPLETE:
            self._trial = None
            return None
        if fate is Fate.OPEN and not is_end:
            return None
        self._trial = None
        self._refused.setdefault(place, set()).add(tokens[place])
        return place


class FavouredRow:
    """One span while it is decoded with terms."""

    def __init__(self, job: Job, favouring: Favouring, found: Decoded, prompted: Sequence[Output]) -> None:
        """Begin with the outputs behind the start mark and behind each token that is given.

        Args:
            job: The span.
            favouring: Makes its choices.
            found: Empty; is filled.
            prompted: One output more than tokens are given.
        """
        self._job = job
        self._given = job.given
        self._favouring = favouring
        self._found = found
        self._prompted = prompted
        self._before_trial: Output | None = None
        self._first_stepped: int | None = None
        self._went_back = False
        self._run()

    @property
    def is_confirmed(self) -> bool:
        """Whether every token that was kept, and the end, comes from the outputs that it began with."""
        return self._found.is_done and self._first_stepped is None

    def must_rewind(self) -> bool:
        """Whether the cache no longer fits the tokens; asked once after each step."""
        went_back, self._went_back = self._went_back, False
        return went_back

    def step(self, output: Output) -> None:
        """Take the output behind the last token, and all that is known already of what follows."""
        if self._first_stepped is None:
            self._first_stepped = len(self._found.tokens)
        self._take(output)
        self._run()

    def _run(self) -> None:
        """Go on as long as the tokens are those that were given."""
        tokens = self._found.tokens
        while not self._found.is_done and tuple(tokens) == self._given[: len(tokens)]:
            self._take(self._prompted[len(tokens)])

    def _take(self, output: Output) -> None:
        found, prefix = self._found, self._job.prefix
        place = len(found.tokens)
        best = Choice(int(output.best[0]), float(output.log_probability[0]), is_favoured=False)
        if place >= len(prefix):
            choice = self._favouring.choose(found.tokens, best, output.watched)
        elif best.token == prefix[place]:
            choice = best
        else:  # its own score is known only where it came second
            choice = Choice(prefix[place], float(output.log_probability[1]), is_favoured=False)
        if choice.is_favoured and not self._favouring.is_trying:
            self._before_trial = output.copied()
        found.accept(
            choice.token, choice.log_probability, output.attention, max(self._job.limit, len(prefix))
        )
        was_taken = len(found.tokens) > place  # the end is no token, and behind the limit there is none
        back = self._favouring.took(
            found.tokens, favoured=choice.is_favoured and was_taken, is_end=found.is_done
        )
        if back is not None:
            self._go_back(back)

    def _go_back(self, place: int) -> None:
        found = self._found
        del found.tokens[place:], found.log_probabilities[place:], found.attention[place:]
        found.is_done = False
        self._went_back = True
        if self._first_stepped is not None and place < self._first_stepped:
            self._first_stepped = None
        if self._before_trial is not None:
            self._take(self._before_trial)
