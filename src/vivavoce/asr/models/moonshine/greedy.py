"""Greedy decoding of one span: verifies a draft, follows expected terms, stops loops."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from vivavoce.asr.models.guards import cut_loop
from vivavoce.asr.models.moonshine.sizes import END
from vivavoce.asr.models.moonshine.term_bias import Choice, TermTracker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vivavoce.asr.models.moonshine.decoder import Output
    from vivavoce.asr.models.terms import TermBias

__all__ = ["Decoded", "Job", "Kept", "SpanDecoding"]

Floats: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Kept:
    """The beginning of an earlier text of the same span, which is not decoded again.

    Attributes:
        tokens: At least one.
        log_probabilities: One for each token.
        attention: One array for each token, shape (word_rows, frames), float32; there may be more frames now.
        states: The decoder's keys and values of the start mark and of these tokens but the last, shape
            (states, heads, tokens, head_size), float32.
    """

    tokens: tuple[int, ...]
    log_probabilities: tuple[float, ...]
    attention: tuple[Floats, ...]
    states: Floats

    def beginning(self, given: Sequence[int]) -> Kept | None:
        """The part of it with which a text begins, if there is any."""
        n = 0
        while n < min(len(given), len(self.tokens)) and given[n] == self.tokens[n]:
            n += 1
        if n == 0:
            return None
        return Kept(self.tokens[:n], self.log_probabilities[:n], self.attention[:n], self.states[:, :, :n])


@dataclass(frozen=True, slots=True)
class Job:
    """One span to decode.

    Attributes:
        cross: The decoder's keys and values of the span, shape (states, heads, frames, head_size), float32.
        limit: The largest number of tokens.
        prefix: Tokens that the result begins with, however improbable they are.
        draft: Tokens that may follow; they are kept up to the first that the model does not choose itself.
        exact: Whether the result must be independent of the draft, bit for bit.
        bias: Towards expected terms, if there are any.
        n_frames: Frames of the span, if ``cross`` is as `Batch.alone` takes it; None: all are its own.
        kept: Tokens that are not decoded again, as far as the result begins with them; never of an exact job.
        end: The token after the last one of a text.
    """

    cross: Floats
    limit: int
    prefix: tuple[int, ...] = ()
    draft: tuple[int, ...] = ()
    exact: bool = False
    bias: TermBias | None = None
    n_frames: int | None = None
    kept: Kept | None = None
    end: int = END

    @property
    def given(self) -> tuple[int, ...]:
        """Prefix and draft, within the limit."""
        return (self.prefix + self.draft)[: max(self.limit, len(self.prefix))]

    def redrafted(self, decoded: Decoded) -> Job:
        """The same span with a result of it as the draft; unchanged if that result is empty."""
        if not decoded.tokens:
            return self
        return dataclasses.replace(self, draft=tuple(decoded.tokens[len(self.prefix) :]))


@dataclass(slots=True)
class Decoded:
    """A span that was decoded, or is being decoded.

    Attributes:
        tokens: Without start and end.
        log_probabilities: One for each token, and one for the end if the model chose it.
        attention: That gives word times, shape (word_rows, frames), float32: one for each token, and one for
            the end if the model chose it.
        is_done: Whether no token can follow.
        states: The decoder's keys and values of the start mark and of the tokens that were given, as far as
            the result begins with them, shape (states, heads, tokens, head_size), float32; None until it is
            done.
        end: The token after the last one of a text.
    """

    tokens: list[int] = field(default_factory=list)
    log_probabilities: list[float] = field(default_factory=list)
    attention: list[Floats] = field(default_factory=list)
    is_done: bool = False
    states: Floats | None = None
    end: int = END

    def accept(self, token: int, log_probability: float, attention: Floats, limit: int) -> None:
        """Add the next token; the end and the limit finish the span."""
        if token != self.end and len(self.tokens) >= limit:
            self.is_done = True
            return
        self.log_probabilities.append(log_probability)
        self.attention.append(attention.copy())
        if token == self.end:
            self.is_done = True
        else:
            self.tokens.append(token)

    def truncate(self, n_tokens: int) -> None:
        """Keep the first tokens, and nothing that follows them."""
        del self.tokens[n_tokens:], self.log_probabilities[n_tokens:], self.attention[n_tokens:]


class SpanDecoding:
    """One span while it is decoded: turns the decoder's outputs, one by one, into tokens.

    The outputs for a prefix and a draft are known from the start. As long as the tokens are those of the
    prompt, they come from these outputs; after the first that differs, each comes from a step of the decoder.
    """

    def __init__(
        self,
        job: Job,
        tracker: TermTracker | None,
        prompted: Callable[[int], Output],
        kept: Kept | None = None,
    ) -> None:
        """Take all tokens that are kept, and all that the prompt yields.

        Args:
            job: The span.
            tracker: Favours expected terms; None without any.
            prompted: Returns the output after the n-th token of the prompt; the start mark is number 0.
            kept: What the result begins with; the outputs before its last token are not asked for.
        """
        self.result = Decoded(end=job.end)
        if kept is not None:
            frames = job.cross.shape[2] if job.n_frames is None else job.n_frames
            self.result.tokens += kept.tokens
            self.result.log_probabilities += kept.log_probabilities
            self.result.attention += [_widened(attention, frames) for attention in kept.attention]
        self._given = job.given
        self._prefix = job.prefix
        self._limit = max(job.limit, len(job.prefix))
        self._tracker = tracker
        self._prompted = prompted
        self._before_term: Output | None = None  # the output at which the last term was begun
        self._first_stepped: int | None = None  # index of the first token from a step; None: there is none
        self._take_prompted()

    @property
    def is_done(self) -> bool:
        """Whether the span is decoded."""
        return self.result.is_done

    @property
    def is_confirmed(self) -> bool:
        """Whether the span is decoded, and each of its tokens and its end comes from the prompt."""
        return self.result.is_done and self._first_stepped is None

    @property
    def n_agreed(self) -> int:
        """How many tokens are those of the prompt, from the first on."""
        tokens, n = self.result.tokens, 0
        while n < min(len(tokens), len(self._given)) and tokens[n] == self._given[n]:
            n += 1
        return n

    def step(self, output: Output) -> bool:
        """Take the output after the last token, and those of the prompt that follow it.

        Returns:
            Whether earlier tokens were taken back, so that the decoder's cache must be rewound.
        """
        if self._first_stepped is None:
            self._first_stepped = len(self.result.tokens)
        went_back = self._take(output)
        went_back = self._take_prompted() or went_back
        loop = None if self.is_done else cut_loop(self.result.tokens)
        if loop is not None:
            self.result.truncate(max(loop, len(self._prefix)))
            self.result.is_done = True
        return went_back

    def _take_prompted(self) -> bool:
        """Continue while the tokens are those of the prompt."""
        tokens, went_back = self.result.tokens, False
        while not self.is_done and tuple(tokens) == self._given[: len(tokens)]:
            went_back = self._take(self._prompted(len(tokens))) or went_back
        return went_back

    def _take(self, output: Output) -> bool:
        """Choose the next token; returns whether earlier tokens were taken back."""
        result, tracker = self.result, self._tracker
        place = len(result.tokens)
        choice = Choice(int(output.best[0]), float(output.log_probability[0]), is_favoured=False)
        if place < len(self._prefix):
            if choice.token != self._prefix[place]:  # its own probability is known only if it is second
                choice = Choice(self._prefix[place], float(output.log_probability[1]), is_favoured=False)
        elif tracker is not None:
            choice = tracker.choose(result.tokens, choice, output.watched)
            if choice.is_favoured and not tracker.is_in_term:
                self._before_term = output.copy()
        result.accept(choice.token, choice.log_probability, output.attention, self._limit)
        if tracker is None:
            return False
        was_added = len(result.tokens) > place  # not the end, and not a token beyond the limit
        back_to = tracker.track(
            result.tokens, is_favoured=choice.is_favoured and was_added, is_end=result.is_done
        )
        if back_to is None:
            return False
        self._go_back(back_to)
        return True

    def _go_back(self, place: int) -> None:
        """Take tokens back, and choose again at the place where the failed term was begun."""
        self.result.truncate(place)
        self.result.is_done = False
        if self._first_stepped is not None and place < self._first_stepped:
            self._first_stepped = None
        if self._before_term is not None:
            self._take(self._before_term)


def _widened(attention: Floats, frames: int) -> Floats:
    """Attention over so many frames; there was none to those that are new."""
    if attention.shape[1] == frames:
        return attention
    wide = np.zeros((len(attention), frames), np.float32)
    wide[:, : attention.shape[1]] = attention[:, :frames]
    return wide
