"""Running the decoder's graph over prompts: all their tokens at once."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from vivavoce.asr.models.moonshine.sizes import TINY_DECODER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.models.moonshine.sizes import DecoderSizes

__all__ = [
    "FRAME_BLOCK",
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
FRAME_BLOCK: Final = 64
_TOKEN_BLOCK: Final = 32


class Output(NamedTuple):
    """The decoder's output after one token.

    Attributes:
        best: The two most probable next tokens, shape (2,), int64.
        log_probability: Of these two, shape (2,), float32.
        watched: Log-probabilities of the watched tokens, shape (watched,), float32.
        attention: That gives word times, shape (word_rows, frames), float32.
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
        cross: The decoder's keys and values of all spans, shape (states, batch, heads, frames, head_size),
            float32.
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
            spans: Keys and values of each span, shape (states, heads, frames, head_size), float32.
            watched: See the attribute.
        """
        n_frames = tuple(span.shape[2] for span in spans)
        frames = whole_blocks(max(n_frames), FRAME_BLOCK)
        states, heads, _, head_size = spans[0].shape
        cross = np.zeros((states, len(spans), heads, frames, head_size), np.float32)
        for row, span in enumerate(spans):
            cross[:, row, :, : n_frames[row]] = span
        return cls(cross, _frame_bias(n_frames, frames), n_frames, watched)

    @classmethod
    def alone(cls, span: Floats, n_frames: int, watched: Ints) -> Batch:
        """Take one span without copying it.

        Args:
            span: Its keys and values, shape (states, heads, frames, head_size), float32, contiguous. The
                number of frames is a multiple of `FRAME_BLOCK`; those after the span's own may hold anything
                finite.
            n_frames: Frames of the span.
            watched: See the attribute.
        """
        return cls(span[:, None], _frame_bias((n_frames,), span.shape[2]), (n_frames,), watched)

    def __len__(self) -> int:
        return len(self.n_frames)

    def inputs(self, past: Floats) -> dict[str, npt.NDArray[Any]]:
        """These inputs, and the keys and values of past tokens, by their names in the graph.

        Args:
            past: Shape (states, batch, heads, tokens, head_size), float32.
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
        states: Keys and values of the past tokens and the prompts', shape (batch, states, heads, past + new,
            head_size), float32.
        best: The two most probable tokens after each prompted one, row after row, shape (tokens, 2), int64.
        log_probability: Of these two, shape (tokens, 2), float32.
        watched: Log-probabilities of the watched tokens, shape (tokens, watched), float32.
        attention: That gives word times, shape (batch, word_rows, new, frames), float32.
        firsts: Index in ``best`` of the first new token of each row.
        n_past: How many tokens of each row were past.
    """

    batch: Batch
    states: Floats
    best: Ints
    log_probability: Floats
    watched: Floats
    attention: Floats
    firsts: tuple[int, ...]
    n_past: int = 0

    def output(self, row: int, place: int) -> Output:
        """The output after one of a row's tokens that was not past; the start mark has the place 0."""
        place -= self.n_past
        at = self.firsts[row] + place
        attention = self.attention[row, :, place, : self.batch.n_frames[row]]
        return Output(self.best[at], self.log_probability[at], self.watched[at], attention)


class Decoder:
    """Runs the decoder's graph; keeps nothing between calls.

    Attributes:
        session: Of the graph.
        sizes: Of the decoder.
        binds_once: Whether the session reads bound inputs where they are, as on the CPU; a GPU gets a copy of
            what they hold when they are bound.
    """

    def __init__(self, session: Any, sizes: DecoderSizes = TINY_DECODER, *, binds_once: bool = True) -> None:
        """Take the session of the graph that `write_decoder` wrote, and the sizes it was written for."""
        self.binds_once: Final = binds_once
        self.session: Final = session
        self.sizes: Final = sizes

    def prompt(
        self,
        batch: Batch,
        given: Sequence[Sequence[int]],
        *,
        in_blocks: bool,
        past: Floats | None = None,
    ) -> Prompted:
        """Run the start mark and the given tokens of all rows at once.

        Args:
            batch: The spans.
            given: Tokens of each row.
            in_blocks: Whether to run whole blocks of tokens, so that no sum depends on their number.
            past: Keys and values of the start mark and the first of the given tokens, which are then not run,
                shape (states, batch, heads, tokens, head_size), float32; None: all are run.
        """
        sizes = self.sizes
        if past is None:
            past = np.zeros((sizes.states, len(batch), sizes.heads, 0, sizes.head_size), np.float32)
        n_past = past.shape[3]
        lines = [[sizes.start, *each][n_past:] for each in given]
        new = max(map(len, lines))
        if in_blocks:
            new = whole_blocks(new, _TOKEN_BLOCK)
        tokens = np.full((len(batch), new), sizes.end, np.int64)
        for row, line in enumerate(lines):
            tokens[row, : len(line)] = line
        bias = np.where(np.tri(new, n_past + new, n_past, dtype=bool), np.float32(0), MASKED)
        wanted = [np.arange(len(line)) + row * new for row, line in enumerate(lines)]
        best, log_probability, watched, fresh, attention = self.session.run(
            None,
            {
                **batch.inputs(past),
                "tokens": tokens,
                "positions": np.ascontiguousarray(
                    np.broadcast_to(np.arange(n_past, n_past + new), tokens.shape)
                ),
                "self_bias": np.ascontiguousarray(np.broadcast_to(bias, (len(batch), 1, *bias.shape))),
                "wanted": np.concatenate(wanted),
            },
        )
        states = fresh.reshape(len(batch), sizes.states, sizes.heads, new, sizes.head_size)
        if n_past:
            states = np.concatenate([past.swapaxes(0, 1), states], axis=3)
        firsts = (0, *itertools.accumulate(map(len, wanted)))
        return Prompted(batch, states, best, log_probability, watched, attention, firsts, n_past)


def attention_inputs(past: Floats, cross: Floats) -> dict[str, npt.NDArray[Any]]:
    """Keys and values that are attended to, by their names in the graph.

    Args:
        past: Of past tokens, shape (states, batch, heads, tokens, head_size), float32.
        cross: Of the spans, shape (states, batch, heads, frames, head_size), float32.
    """
    feed: dict[str, npt.NDArray[Any]] = {}
    for kind, states in (("past", past), ("cross", cross)):
        for index, array in enumerate(states):
            feed[f"{kind}_{('key', 'value')[index % 2]}_{index // 2}"] = array
    return feed


def whole_blocks(n: int, size: int) -> int:
    """The next multiple of a block's size."""
    return -(-n // size) * size


def _frame_bias(n_frames: Sequence[int], frames: int) -> Floats:
    """0 for the first frames of each row, else very negative, shape (rows, 1, 1, frames), float32."""
    bias = np.full((len(n_frames), 1, 1, frames), MASKED, np.float32)
    for row, n in enumerate(n_frames):
        bias[row, ..., :n] = 0
    return bias
