"""Encoding a span that grows from pass to pass: what is final is computed once, in blocks of fixed places.

Blocks of 16 frames begin at multiples of 16 frames from the start of the span. As soon as the audio of a
block is complete, the block is encoded and the state after it is kept. The frames behind the last complete
block, and those that the encoder holds back because it would look further ahead, are encoded at the end of
each pass, with the context there is, from a state that is then dropped. So the result is a function of the
samples alone: how they were cut into passes has no influence, to the last bit.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from vivavoce.asr.models.moonshine.decoder import FRAME_BLOCK, MASKED, whole_blocks
from vivavoce.asr.models.moonshine_streaming.config import FEATURES_PER_FRAME, Window
from vivavoce.asr.models.moonshine_streaming.encoder_graph import LEAD

if TYPE_CHECKING:
    from vivavoce.asr.audio import Samples
    from vivavoce.asr.models.moonshine_streaming.config import StreamingConfig

__all__ = ["BLOCK_FRAMES", "Encoded", "FinishedFrames", "Heard", "StreamingEncoder"]

BLOCK_FRAMES: Final = 16
"""Frames that are encoded in one run: 320 ms, the cadence of partial passes."""
# The last frame of a block needs one feature beyond the three frames before it, and no more: so a block is
# complete this many features before its four features a frame are.
_EARLY_FEATURES: Final = 3
_STEPS_PER_FRAME: Final = 2

Floats: TypeAlias = npt.NDArray[np.float32]
_State: TypeAlias = "dict[str, npt.NDArray[np.float32]]"


@dataclass(frozen=True, slots=True)
class FinishedFrames:
    """The decoder's keys and values of frames that no later sample changes.

    Passes share one array, to which each appends. Only the newest of them may do so: it takes the lease with
    it. Another pass from the same frames copies them.

    Attributes:
        array: Shape (states, heads, room, head_size), float32; the room is a multiple of `FRAME_BLOCK`.
        count: How many of them are finished.
        lease: Holds one item until a pass has taken it.
    """

    array: Floats
    count: int
    lease: list[None]

    def taken(self, room: int) -> Floats:
        """An array that begins with these frames, and that only the caller writes from now on."""
        try:
            self.lease.pop()  # in one step: two threads never both succeed
        except IndexError:
            pass
        else:
            if self.array.shape[2] >= room:
                return self.array
        states, heads, _, head_size = self.array.shape
        array = np.zeros((states, heads, max(room, FRAME_BLOCK), head_size), np.float32)
        array[:, :, : self.count] = self.array[:, :, : self.count]
        return array


@dataclass(frozen=True, slots=True)
class Heard:
    """The state after the complete blocks of a span.

    Attributes:
        start: Position of the span's first sample.
        blocks: Blocks that were encoded.
        state: Inputs of the encoder's next run, by their names.
        finished: The frames that left the encoder.
    """

    start: int
    blocks: int
    state: _State
    finished: FinishedFrames


@dataclass(frozen=True, slots=True)
class Encoded:
    """An encoded span.

    Attributes:
        cross: The decoder's keys and values, shape (states, heads, room, head_size), float32. The room is a
            multiple of `FRAME_BLOCK`, and what lies behind the span's frames has no meaning.
        n_frames: Frames of the span, at least 1.
        heard: What the next pass may go on from.
    """

    cross: Floats
    n_frames: int
    heard: Heard


class StreamingEncoder:
    """Runs the encoder's graph; keeps nothing between calls."""

    def __init__(self, session: Any, config: StreamingConfig) -> None:
        """Take the session of the graph that `build_encoder` wrote, and the sizes it was written for."""
        self._session = session
        self._config = config
        rights = [window.right for window in config.windows]
        # How many frames each block, and the end of the encoder, is behind the newest frame.
        self._behind = (0, *itertools.accumulate(rights))
        self._state_names = [
            output.name for output in session.get_outputs() if output.name.startswith("next_")
        ]
        self._last_place = config.positions - 1

    @property
    def look_ahead_frames(self) -> int:
        """Frames after a frame on which it depends."""
        return self._behind[-1]

    def encode(
        self, samples: Samples, start: int = 0, before: Heard | None = None, *, zeros: int = 0
    ) -> Encoded:
        """Encode a span.

        One at a time: the matrices of a block are large enough to fill a core, and spans of a batch are at
        different places.

        Args:
            samples: Shape (n,), float32, 16 kHz. What does not fill a feature of 80 samples at the end is
                left out.
            start: Position of the first of them.
            before: Of an earlier span that began with the same samples; ignored if it began elsewhere, or was
                longer.
            zeros: Number of zero samples to append; the next pass does not go on from them.
        """
        size = self._config.feature_samples
        blocks = _complete_blocks(len(samples) // size)
        if before is None or before.start != start or before.blocks > blocks:
            before = self._beginning(start)
        if zeros:
            samples = np.pad(samples, (0, zeros))
        elif len(samples) < size:
            samples = np.pad(samples, (0, size - len(samples)))
        n_features = len(samples) // size
        n_frames = -(-n_features // FEATURES_PER_FRAME)
        array = before.finished.taken(whole_blocks(n_frames, FRAME_BLOCK))
        state, heard = before.state, before
        for block in range(before.blocks, _complete_blocks(n_features)):
            if block == blocks:
                heard = self._heard(start, block, state, array)
            state = self._run_block(samples, block, state, array)
        after = _complete_blocks(n_features)
        if after == blocks:
            heard = self._heard(start, blocks, state, array)
        self._run_tail(samples, after, n_frames, state, array)
        return Encoded(array, n_frames, heard)

    def _beginning(self, start: int) -> Heard:
        """The state before the first sample."""
        config, sizes = self._config, self._config.decoder
        inner = config.heads * config.head_size
        state = {
            "features": np.zeros((1, LEAD, config.width), np.float32),
            "steps": np.zeros((1, LEAD, 2 * config.width), np.float32),
        }
        for n, (left, right) in enumerate(config.windows):
            state[f"states_{n}"] = np.zeros((1, left + right, 3 * inner), np.float32)
            if right:
                state[f"held_{n}"] = np.zeros((1, right, config.width), np.float32)
        none = np.zeros((sizes.states, sizes.heads, 0, sizes.head_size), np.float32)
        return Heard(start, 0, state, FinishedFrames(none, 0, []))

    def _heard(self, start: int, blocks: int, state: _State, array: Floats) -> Heard:
        finished = max(0, BLOCK_FRAMES * blocks - self.look_ahead_frames)
        return Heard(start, blocks, state, FinishedFrames(array, finished, [None]))

    def _run_block(self, samples: Samples, block: int, state: _State, array: Floats) -> _State:
        """Encode a complete block; returns the state after it."""
        names = ["cross", *self._state_names]
        cross, *after = self._session.run(
            names, self._inputs(samples, block, BLOCK_FRAMES, state, holds_back=True)
        )
        self._write(array, cross, block)
        return {name.removeprefix("next_"): value for name, value in zip(names[1:], after, strict=True)}

    def _run_tail(self, samples: Samples, block: int, n_frames: int, state: _State, array: Floats) -> None:
        """Encode what is not final: the frames of an incomplete block, and those held back."""
        new = n_frames - BLOCK_FRAMES * block
        if new + self.look_ahead_frames:
            inputs = self._inputs(samples, block, new, state, holds_back=False)
            self._write(array, self._session.run(["cross"], inputs)[0], block)

    def _write(self, array: Floats, cross: Floats, block: int) -> None:
        """Put frames at their places, without those before the first."""
        first = BLOCK_FRAMES * block - self.look_ahead_frames
        skipped = max(0, -first)
        array[:, :, first + skipped : first + cross.shape[2]] = cross[:, :, skipped:]

    def _inputs(
        self, samples: Samples, block: int, new: int, state: _State, *, holds_back: bool
    ) -> dict[str, npt.NDArray[Any]]:
        """Inputs of a run over so many new frames from the start of a block."""
        config = self._config
        size = config.feature_samples
        first = BLOCK_FRAMES * block
        from_sample = (FEATURES_PER_FRAME * first - _EARLY_FEATURES) * size
        taken = samples[max(0, from_sample) : from_sample + FEATURES_PER_FRAME * new * size]
        if from_sample < 0 and new:
            taken = np.concatenate([np.zeros(-from_sample, np.float32), taken])
        rows = new if holds_back else new + self.look_ahead_frames
        places = np.arange(first - self.look_ahead_frames, first - self.look_ahead_frames + rows)
        inputs: dict[str, npt.NDArray[Any]] = {
            **state,
            "samples": taken[None],
            "present": _present(new, is_first=block == 0),
            "places": places.clip(0, self._last_place),
        }
        for n, window in enumerate(config.windows):
            entering = new if holds_back else new + self._behind[n]
            leaving = new if holds_back else entering + window.right
            if window.right:
                inputs[f"leaving_{n}"] = np.array([leaving])
            first_key = first - self._behind[n] - window.right - window.left
            inputs[f"bias_{n}"] = _bias(window, leaving, entering, min(first_key, 0))
        return inputs


def _complete_blocks(n_features: int) -> int:
    """Blocks whose audio is complete."""
    return (n_features + _EARLY_FEATURES) // (FEATURES_PER_FRAME * BLOCK_FRAMES)


@functools.lru_cache(64)
def _present(new: int, *, is_first: bool) -> Floats:
    """Which steps of the first convolution exist: the first run has one before the span."""
    present = np.ones((1, _STEPS_PER_FRAME * new, 1), np.float32)
    if is_first:
        present[:, :1] = 0
    return present


@functools.lru_cache(1024)
def _bias(window: Window, leaving: int, entering: int, first_key: int) -> Floats:
    """Where frames attend: shape (1, 1, leaving, left + right + entering), float32.

    Args:
        window: Of the block.
        leaving: Frames that attend.
        entering: New frames that are attended to, after the left + right frames of the state.
        first_key: Position of the first frame that is attended to; below 0 it is before the span.
    """
    left, right = window
    query = np.arange(leaving)[:, None] + left
    key = np.arange(left + right + entering)
    attends = (key >= query - left) & (key <= query + right) & (key + first_key >= 0)
    return np.where(attends, np.float32(0), MASKED)[None, None]
