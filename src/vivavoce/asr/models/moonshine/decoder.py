"""Running the decoder's graph over prompts: all their tokens at once."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from vivavoce.asr.models.moonshine.sizes import END, HEAD_SIZE, HEADS, START, STATES

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "MASKED",
    "Batch",
    "Decoder",
    "Output",
    "Prompted",
    "attention_inputs",
    "whole_blocks",
]

Floats: TypeAlias = npt.NDArray[np.float32]
Ints: TypeAlias = npt.NDArray[np.int64]

MASKED: Final = np.float32(-1e9)
# Sums over whole blocks round alike however many masked frames or tokens follow. So a span has the same
# result alone and beside longer ones, and an exact span the same result with and without a draft.
_FRAME_BLOCK: Final = 64
_TOKEN_BLOCK: Final = 32


class Output(NamedTuple):
    """The decoder's output after one token.

    Attributes:
        best: The two most probable next tokens, shape (2,), int64.
        log_probability: Of these two, shape (2,), float32.
        watched: Log-probabilities of the watched tokens, shape (watched,), float32.
        attention: Of the word heads, shape (2, frames), float32.
    """

    best: Ints
    log_probability: Floats
    watched: Floats
    attention: Floats

    def copy(self) -> Output:
        """The same values in arrays that no later step overwrites."""
        return Output(
            self.best.copy(), self.log_probability.copy(), self.watched.copy(), self.attention.copy()
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """Inputs that stay the same while a batch is decoded.

    Attributes:
        cross: The decoder's keys and values of all spans, shape (12, batch, 8, frames, 36), float32.
        cross_bias: 0 for the frames of a span, else very negative, shape (batch, 1, 1, frames), float32.
        n_frames: Frames of each span.
        watched: Tokens whose log-probabilities are in every output, in ascending order, int64.
    """

    cross: Floats
    cross_bias: Floats
    n_frames: tuple[int, ...]
    watched: Ints

    @classmethod
    def of(cls, spans: Sequence[Floats], watched: Ints) -> Batch:
        """Pad spans to a common length.

        Args:
            spans: Keys and values of each span, shape (12, 8, frames, 36), float32.
            watched: See the attribute.
        """
        n_frames = tuple(span.shape[2] for span in spans)
        frames = whole_blocks(max(n_frames), _FRAME_BLOCK)
        cross = np.zeros((STATES, len(spans), HEADS, frames, HEAD_SIZE), np.float32)
        cross_bias = np.full((len(spans), 1, 1, frames), MASKED, np.float32)
        for row, span in enumerate(spans):
            cross[:, row, :, : n_frames[row]] = span
            cross_bias[row, ..., : n_frames[row]] = 0
        return cls(cross, cross_bias, n_frames, watched)

    def __len__(self) -> int:
        return len(self.n_frames)

    def inputs(self, past: Floats) -> dict[str, npt.NDArray[Any]]:
        """These inputs, and the keys and values of past tokens, by their names in the graph.

        Args:
            past: Shape (12, batch, 8, tokens, 36), float32.
        """
        return {
            **attention_inputs(past, self.cross),
            "cross_bias": self.cross_bias,
            "watched": self.watched,
        }


@dataclass(frozen=True, slots=True)
class Prompted:
    """The decoder's outputs for the prompts of a batch.

    Attributes:
        batch: The spans.
        states: Keys and values of the prompts' tokens, shape (batch, 12, 8, new, 36), float32.
        best: The two most probable tokens after each prompted one, row after row, shape (tokens, 2), int64.
        log_probability: Of these two, shape (tokens, 2), float32.
        watched: Log-probabilities of the watched tokens, shape (tokens, watched), float32.
        attention: Of the word heads, shape (batch, 2, new, frames), float32.
        firsts: Index in ``best`` of the first token of each row.
    """

    batch: Batch
    states: Floats
    best: Ints
    log_probability: Floats
    watched: Floats
    attention: Floats
    firsts: tuple[int, ...]

    def output(self, row: int, place: int) -> Output:
        """The output after one of a row's tokens; the first token is the start mark."""
        at = self.firsts[row] + place
        attention = self.attention[row, :, place, : self.batch.n_frames[row]]
        return Output(self.best[at], self.log_probability[at], self.watched[at], attention)


class Decoder:
    """Runs the decoder's graph; keeps nothing between calls.

    Attributes:
        session: Of the graph.
    """

    def __init__(self, session: Any) -> None:
        """Take the session of the graph that `build_decoder` wrote."""
        self.session: Final = session

    def prompt(self, batch: Batch, given: Sequence[Sequence[int]], *, in_blocks: bool) -> Prompted:
        """Run the start mark and the given tokens of all rows at once.

        Args:
            batch: The spans.
            given: Tokens of each row.
            in_blocks: Whether to run whole blocks of tokens, so that no sum depends on their number.
        """
        new = 1 + max(len(tokens) for tokens in given)
        if in_blocks:
            new = whole_blocks(new, _TOKEN_BLOCK)
        tokens = np.full((len(batch), new), END, np.int64)
        tokens[:, 0] = START
        for row, each in enumerate(given):
            tokens[row, 1 : 1 + len(each)] = each
        bias = np.where(np.tri(new, dtype=bool), np.float32(0), MASKED)
        wanted = [np.arange(1 + len(each)) + row * new for row, each in enumerate(given)]
        best, log_probability, watched, fresh, attention = self.session.run(
            None,
            {
                **batch.inputs(np.zeros((STATES, len(batch), HEADS, 0, HEAD_SIZE), np.float32)),
                "tokens": tokens,
                "positions": np.ascontiguousarray(np.broadcast_to(np.arange(new), tokens.shape)),
                "self_bias": np.ascontiguousarray(np.broadcast_to(bias, (len(batch), 1, new, new))),
                "wanted": np.concatenate(wanted),
            },
        )
        states = fresh.reshape(len(batch), STATES, HEADS, new, HEAD_SIZE)
        firsts = (0, *itertools.accumulate(map(len, wanted)))
        return Prompted(batch, states, best, log_probability, watched, attention, firsts)


def attention_inputs(past: Floats, cross: Floats) -> dict[str, npt.NDArray[Any]]:
    """Keys and values that are attended to, by their names in the graph.

    Args:
        past: Of past tokens, shape (12, batch, 8, tokens, 36), float32.
        cross: Of the spans, shape (12, batch, 8, frames, 36), float32.
    """
    feed: dict[str, npt.NDArray[Any]] = {}
    for kind, states in (("past", past), ("cross", cross)):
        for index, array in enumerate(states):
            feed[f"{kind}_{('key', 'value')[index % 2]}_{index // 2}"] = array
    return feed


def whole_blocks(n: int, size: int) -> int:
    """The next multiple of a block's size."""
    return -(-n // size) * size
