"""Running the decoder's graph: the prompts of a batch at once, then one token per row and step."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from vivavoce.asr.models.moonshine.sizes import END, HEAD_SIZE, HEADS, START, STATES, WORD_HEADS

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Batch", "Decoder", "Output", "Prompted", "Stepper"]

Floats: TypeAlias = npt.NDArray[np.float32]
Ints: TypeAlias = npt.NDArray[np.int64]

_MASKED: Final = np.float32(-1e9)
# Sums over whole blocks round alike however many masked frames or tokens follow. So a span has the same
# result alone and beside longer ones, and an exact span the same result with and without a draft.
_FRAME_BLOCK: Final = 64
_TOKEN_BLOCK: Final = 32
_CACHE_STEP: Final = 32


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
        frames = _whole_blocks(max(n_frames), _FRAME_BLOCK)
        cross = np.zeros((STATES, len(spans), HEADS, frames, HEAD_SIZE), np.float32)
        cross_bias = np.full((len(spans), 1, 1, frames), _MASKED, np.float32)
        for row, span in enumerate(spans):
            cross[:, row, :, : n_frames[row]] = span
            cross_bias[row, ..., : n_frames[row]] = 0
        return cls(cross, cross_bias, n_frames, watched)

    def __len__(self) -> int:
        return len(self.n_frames)

    def select(self, rows: Sequence[int]) -> Batch:
        """The batch of these rows."""
        if len(rows) == len(self):
            return self
        return Batch(
            np.ascontiguousarray(self.cross[:, rows]),
            self.cross_bias[rows],
            tuple(self.n_frames[row] for row in rows),
            self.watched,
        )

    def inputs(self, past: Floats) -> dict[str, npt.NDArray[Any]]:
        """These inputs, and the keys and values of past tokens, by their names in the graph.

        Args:
            past: Shape (12, batch, 8, tokens, 36), float32.
        """
        feed: dict[str, npt.NDArray[Any]] = {"cross_bias": self.cross_bias, "watched": self.watched}
        for kind, states in (("past", past), ("cross", self.cross)):
            for index, array in enumerate(states):
                feed[f"{kind}_{('key', 'value')[index % 2]}_{index // 2}"] = array
        return feed


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
    """Runs the decoder's graph; keeps nothing between calls."""

    def __init__(self, session: Any) -> None:
        """Take the session of the graph that `build_decoder` wrote."""
        self._session = session

    def prompt(self, batch: Batch, given: Sequence[Sequence[int]], *, in_blocks: bool) -> Prompted:
        """Run the start mark and the given tokens of all rows at once.

        Args:
            batch: The spans.
            given: Tokens of each row.
            in_blocks: Whether to run whole blocks of tokens, so that no sum depends on their number.
        """
        new = 1 + max(len(tokens) for tokens in given)
        if in_blocks:
            new = _whole_blocks(new, _TOKEN_BLOCK)
        tokens = np.full((len(batch), new), END, np.int64)
        tokens[:, 0] = START
        for row, each in enumerate(given):
            tokens[row, 1 : 1 + len(each)] = each
        bias = np.where(np.tri(new, dtype=bool), np.float32(0), _MASKED)
        wanted = [np.arange(1 + len(each)) + row * new for row, each in enumerate(given)]
        best, log_probability, watched, fresh, attention = self._session.run(
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

    def stepper(self, prompted: Prompted, rows: Sequence[int], lengths: Sequence[int]) -> Stepper:
        """Continue some of the prompted rows; see `Stepper`."""
        return Stepper(self._session, prompted, rows, lengths)


class Stepper:
    """Decodes one more token per row and step, with the keys and values of all tokens before it."""

    def __init__(self, session: Any, prompted: Prompted, rows: Sequence[int], lengths: Sequence[int]) -> None:
        """Begin after the prompts.

        Args:
            session: Of the decoder's graph.
            prompted: The outputs of the prompts.
            rows: Rows of the prompts that are continued.
            lengths: How many prompted tokens of each such row are kept, the start mark included.
        """
        self._session = session
        self._prompted = prompted
        self._rows = list(rows)  # of the prompts, one for each row of this batch
        self._lengths = list(lengths)  # tokens in the cache of each row
        new = prompted.states.shape[3]
        room = _whole_blocks(new + _CACHE_STEP // 2, _CACHE_STEP)
        cache = np.zeros((STATES, len(rows), HEADS, room, HEAD_SIZE), np.float32)
        for place, row in enumerate(rows):
            cache[:, place, :, :new] = prompted.states[row]
        self._buffers = _Buffers(session, prompted.batch.select(rows), cache, self._lengths)

    def step(self, tokens: Sequence[int]) -> list[Output]:
        """Decode the next token of each row.

        Args:
            tokens: The last token of each row.

        Returns:
            One output per row; the next step overwrites its arrays.
        """
        buffers = self._buffers
        room = buffers.cache.shape[3]
        if max(self._lengths) >= room:
            grown = np.zeros((*buffers.cache.shape[:3], room + _CACHE_STEP, HEAD_SIZE), np.float32)
            grown[:, :, :, :room] = buffers.cache
            buffers = self._buffers = _Buffers(self._session, buffers.batch, grown, self._lengths)
        buffers.tokens[:, 0] = tokens
        buffers.positions[:, 0] = self._lengths
        self._session.run_with_iobinding(buffers.binding)
        for row, length in enumerate(self._lengths):
            buffers.append(row, length)
            self._lengths[row] = length + 1
        return buffers.outputs()

    def rewind(self, row: int, length: int, n_prompted: int) -> None:
        """Drop the last tokens of a row.

        Args:
            row: The row.
            length: Tokens that stay, the start mark included.
            n_prompted: How many of them, from the first on, were prompted; their states are restored.
        """
        states = self._prompted.states[self._rows[row]]
        self._buffers.cache[:, row, :, :n_prompted] = states[:, :, :n_prompted]
        self._buffers.show(row, length)
        self._lengths[row] = length

    def select(self, rows: Sequence[int]) -> None:
        """Drop all rows but these."""
        self._rows = [self._rows[row] for row in rows]
        self._lengths = [self._lengths[row] for row in rows]
        cache = np.ascontiguousarray(self._buffers.cache[:, rows])
        self._buffers = _Buffers(self._session, self._buffers.batch.select(rows), cache, self._lengths)


class _Buffers:
    """Arrays of a step that are bound to the session once, so that no run allocates or copies any.

    Attributes:
        batch: The spans.
        cache: Keys and values of the tokens so far, shape (12, batch, 8, room, 36), float32.
        tokens: The last token of each row, shape (batch, 1), int64.
        positions: Its position, shape (batch, 1), int64.
        binding: Of all inputs and outputs.
    """

    def __init__(self, session: Any, batch: Batch, cache: Floats, lengths: Sequence[int]) -> None:
        n = len(batch)
        self.batch = batch
        self.cache = cache
        self.tokens = np.zeros((n, 1), np.int64)
        self.positions = np.zeros((n, 1), np.int64)
        self.binding = session.io_binding()
        self._wanted = np.arange(n)  # the output after every token
        self._bias = np.full(
            (n, 1, 1, cache.shape[3] + 1), _MASKED, np.float32
        )  # the last one is of the token
        self._bias[..., -1] = 0
        self._best = np.zeros((n, 2), np.int64)
        self._log_probability = np.zeros((n, 2), np.float32)
        self._watched = np.zeros((n, len(batch.watched)), np.float32)
        self._fresh = np.zeros((n, STATES * HEADS, 1, HEAD_SIZE), np.float32)  # states of the token
        self._attention = np.zeros((n, len(WORD_HEADS), 1, batch.cross.shape[3]), np.float32)
        # Both with their axes in the order (batch, 12, 8, 36), in the cache after that of the tokens.
        self._fresh_by_row = self._fresh.reshape(n, STATES, HEADS, HEAD_SIZE)
        self._cache_by_row = cache.transpose(1, 3, 0, 2, 4)
        for row, length in enumerate(lengths):
            self.show(row, length)
        self._bind()

    def _bind(self) -> None:
        inputs = {
            **self.batch.inputs(self.cache),
            "tokens": self.tokens,
            "positions": self.positions,
            "wanted": self._wanted,
            "self_bias": self._bias,
        }
        outputs: dict[str, npt.NDArray[Any]] = {
            "best": self._best,
            "log_probability": self._log_probability,
            "watched_log_probability": self._watched,
            "fresh": self._fresh,
            "attention": self._attention,
        }
        for name, array in inputs.items():
            self.binding.bind_cpu_input(name, array)
        for name, array in outputs.items():
            self.binding.bind_output(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)

    def show(self, row: int, length: int) -> None:
        """Let a row see the first tokens of its cache, and no other."""
        self._bias[row, 0, 0, :length] = 0
        self._bias[row, 0, 0, length:-1] = _MASKED

    def append(self, row: int, length: int) -> None:
        """Put the states of a row's last token after those of its first tokens."""
        self._cache_by_row[row, length] = self._fresh_by_row[row]
        self._bias[row, 0, 0, length] = 0

    def outputs(self) -> list[Output]:
        """The outputs of the last run, one per row."""
        return [
            Output(
                self._best[row],
                self._log_probability[row],
                self._watched[row],
                self._attention[row, :, 0, :n_frames],
            )
            for row, n_frames in enumerate(self.batch.n_frames)
        ]


def _whole_blocks(n: int, size: int) -> int:
    """The next multiple of a block's size."""
    return -(-n // size) * size
