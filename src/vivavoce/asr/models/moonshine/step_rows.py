"""Running the decoder's graph token by token, for rows each of which joins and leaves between two steps.

Source of the method: G.-I. Yu et al., "Orca: A Distributed Serving System for Transformer-Based Generative
Models", 2022, there called iteration-level scheduling.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from vivavoce.asr.models.moonshine.decoder import MASKED, Batch, Output, attention_inputs, whole_blocks

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vivavoce.asr.models.moonshine.decoder import Decoder, Prompted

__all__ = ["StepRows"]

Floats: TypeAlias = npt.NDArray[np.float32]

_TOKEN_STEP: Final = 32  # the cache grows by a multiple of it


@dataclass(slots=True, eq=False)
class _Row:
    """A row of the batch.

    Attributes:
        prompted: The prompt from which it goes on, of one span.
        length: Tokens in its cache, the start mark included.
        cache: Keys and values of these tokens and room for more, shape (states, heads, room,
            head_size), float32; those of the prompt itself until the first step.
    """

    prompted: Prompted
    length: int
    cache: Floats

    @property
    def n_frames(self) -> int:
        return self.prompted.batch.n_frames[0]


class StepRows:
    """Decodes one more token per row and step, with the keys and values of all tokens before it.

    A row's outputs do not depend on the other rows.
    """

    def __init__(self, decoder: Decoder) -> None:
        """Begin without rows.

        Args:
            decoder: That of the prompts.
        """
        self._decoder = decoder
        self._rows: list[_Row] = []
        self._ports: _Ports | None = None  # of the rows as they are; None while it is out of date

    def add(self, prompted: Prompted, length: int) -> None:
        """Continue a span after its prompt, in a new last row.

        Args:
            prompted: The outputs of the prompt, of this span only.
            length: How many prompted tokens are kept, the start mark included.
        """
        self._rows.append(_Row(prompted, length, prompted.states[0]))
        self._ports = None

    def remove(self, row: int) -> None:
        """Drop a row; those after it move up."""
        del self._rows[row]
        self._ports = None

    def rewind(self, row: int, length: int, n_prompted: int) -> None:
        """Drop the last tokens of a row.

        Args:
            row: The row.
            length: Tokens that stay, the start mark included.
            n_prompted: How many of them, from the first on, were prompted; their states are restored.
        """
        it = self._rows[row]
        it.cache[:, :, :n_prompted] = it.prompted.states[0, :, :, :n_prompted]
        it.length = length

    def step(self, tokens: Sequence[int]) -> list[Output]:
        """Decode the next token of each row.

        Args:
            tokens: The last token of each row.

        Returns:
            One output per row; the next step overwrites its arrays.
        """
        ports = self._ports
        if ports is None or max(row.length for row in self._rows) >= ports.room:
            ports = self._ports = _Ports(self._decoder, self._rows)
        ports.run(tokens, [row.length for row in self._rows])
        for at, row in enumerate(self._rows):
            row.cache[:, :, row.length] = ports.states[at]
            row.length += 1
        return [ports.output(at, row.n_frames) for at, row in enumerate(self._rows)]


class _Ports:
    """Inputs and outputs of steps of the same rows, bound to the session once, so that no run copies any.

    Attributes:
        room: Tokens that the caches of the rows have room for.
        states: Keys and values of the last tokens, shape (rows, states, heads, head_size), float32.
    """

    def __init__(self, decoder: Decoder, rows: Sequence[_Row]) -> None:
        """Take rows; from now on, their caches are parts of one array here."""
        n, sizes = len(rows), decoder.sizes
        self._session = decoder.session
        watched = [row.prompted.batch.watched for row in rows]
        all_watched = np.unique(np.concatenate(watched))
        self._columns = [np.searchsorted(all_watched, each) for each in watched]  # of each row
        cross, cross_bias = _side_by_side(rows)
        frames = cross.shape[3]
        # Room for what the prompt holds, too, since a row can be rewound into it.
        longest = max(max(row.length, row.prompted.states.shape[3]) for row in rows)
        self.room = whole_blocks(longest + _TOKEN_STEP // 2, _TOKEN_STEP)
        cache = np.zeros((sizes.states, n, sizes.heads, self.room, sizes.head_size), np.float32)
        for at, row in enumerate(rows):
            cache[:, at, :, : row.length] = row.cache[:, :, : row.length]
            row.cache = cache[:, at]
        self._tokens = np.zeros((n, 1), np.int64)
        self._positions = np.zeros((n, 1), np.int64)
        self._bias = np.full((n, 1, 1, self.room + 1), MASKED, np.float32)
        self._bias[..., -1] = 0  # of the token itself
        self._best = np.zeros((n, 2), np.int64)
        self._log_probability = np.zeros((n, 2), np.float32)
        self._watched = np.zeros((n, len(all_watched)), np.float32)
        self._attention = np.zeros((n, sizes.word_rows, 1, frames), np.float32)
        fresh = np.zeros((n, sizes.states * sizes.heads, 1, sizes.head_size), np.float32)
        self.states = fresh.reshape(n, sizes.states, sizes.heads, sizes.head_size)
        self._inputs: dict[str, npt.NDArray[Any]] = {  # the binding does not keep them alive
            **attention_inputs(cache, cross),
            "cross_bias": cross_bias,
            "watched": all_watched,
            "tokens": self._tokens,
            "positions": self._positions,
            "wanted": np.arange(n),  # the output after every token
            "self_bias": self._bias,
        }
        outputs: dict[str, npt.NDArray[Any]] = {
            "best": self._best,
            "log_probability": self._log_probability,
            "watched_log_probability": self._watched,
            "fresh": fresh,
            "attention": self._attention,
        }
        self._binding = decoder.session.io_binding()
        self._moving = () if decoder.binds_once else tuple(filter(_changes, self._inputs))
        self._bind(name for name in self._inputs if name not in self._moving)
        for name, array in outputs.items():
            self._binding.bind_output(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)

    def _bind(self, names: Iterable[str]) -> None:
        for name in names:
            self._binding.bind_cpu_input(name, self._inputs[name])

    def run(self, tokens: Sequence[int], lengths: Sequence[int]) -> None:
        """Run a step of rows that have so many tokens in their caches."""
        self._tokens[:, 0] = tokens
        self._positions[:, 0] = lengths
        for at, length in enumerate(lengths):
            self._bias[at, 0, 0, :length] = 0
            self._bias[at, 0, 0, length : self.room] = MASKED
        self._bind(self._moving)
        self._session.run_with_iobinding(self._binding)

    def output(self, at: int, n_frames: int) -> Output:
        """The output of the last run for a row whose span has so many frames."""
        return Output(
            self._best[at],
            self._log_probability[at],
            self._watched[at, self._columns[at]],
            self._attention[at, :, 0, :n_frames],
        )


def _changes(name: str) -> bool:
    """Whether an input changes from step to step; the frames, by far the largest, do not."""
    return name in {"tokens", "positions", "self_bias"} or name.startswith("past_")


def _side_by_side(rows: Sequence[_Row]) -> tuple[Floats, Floats]:
    """Keys and values of the spans and their biases, as in `Batch`, padded to the longest."""
    batches = [row.prompted.batch for row in rows]
    if len(batches) == 1:  # as they are, without a copy
        return batches[0].cross, batches[0].cross_bias
    joined = Batch.of([batch.cross[:, 0, :, : batch.n_frames[0]] for batch in batches], batches[0].watched)
    return joined.cross, joined.cross_bias
