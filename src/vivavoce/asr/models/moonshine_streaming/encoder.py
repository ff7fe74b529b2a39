"""Encoding a span that grows from pass to pass: what is final is computed once, in blocks of fixed places.

Blocks of 16 frames begin at multiples of 16 frames from the start of the span. As soon as the audio of a
block is complete, the block is encoded and the state after it is kept. The frames behind the last complete
block, and those that the encoder holds back because it would look further ahead, are encoded at the end of
each pass, with the context there is, from a state that is then dropped. So the result is a function of the
samples alone: how they were cut into passes has no influence, to the last bit.
"""

from __future__ import annotations

import dataclasses
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
# A frame needs one feature beyond those of the frames before it, and not all four.
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
class FrontFrames:
    """The front end's frames that are not in a complete block, and its state after them.

    Attributes:
        count: Frames from the start of the span.
        frames: Those behind the last complete block, shape (1, n, width), float32.
        state: Inputs of the front end's next run, by their names.
    """

    count: int
    frames: Floats
    state: _State


@dataclass(frozen=True, slots=True)
class Heard:
    """The state after the samples of a span.

    Attributes:
        start: Position of the span's first sample.
        front: State of the front end, after all whole frames.
        blocks: Complete blocks that were encoded.
        states: State of the encoder after them: inputs of its next run, by their names.
        finished: The frames that left the encoder.
    """

    start: int
    front: FrontFrames
    blocks: int
    states: _State
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
    """Runs the graphs of front end and encoder; keeps nothing between calls."""

    def __init__(self, front: Any, encoder: Any, config: StreamingConfig, *, merges: bool) -> None:
        """Take the sessions of the graphs that `build_front` and `build_encoder` wrote.

        Args:
            front: Session of the front end.
            encoder: Session of the encoder.
            config: The sizes they were written for.
            merges: Whether any number of frames may pass the front end in one run, and the encoder the last
                complete block together with what follows it. Only products of integers allow that: a product
                of floats might round otherwise among more rows.
        """
        self._front = front
        self._encoder = encoder
        self._config = config
        self._merges = merges
        self._front_at_once = BLOCK_FRAMES * 4 if merges else 1
        rights = [window.right for window in config.windows]
        # How many frames each block, and the end of the encoder, is behind the newest frame.
        self._behind = (0, *itertools.accumulate(rights))
        self._front_names = ["frames", *_state_names(front)]
        self._names = ["cross", *_state_names(encoder)]

    @property
    def look_ahead_frames(self) -> int:
        """Frames after a frame on which it depends."""
        return self._behind[-1]

    def encode(
        self, samples: Samples, start: int = 0, before: Heard | None = None, *, zeros: int = 0
    ) -> Encoded:
        """Encode a span.

        One at a time: the matrices of a block are large enough to fill a core.

        Args:
            samples: Shape (n,), float32, 16 kHz. What does not fill a feature of 80 samples at the end is
                left out.
            start: Position of the first of them.
            before: Of an earlier span that began with the same samples; ignored if it began elsewhere, or was
                longer.
            zeros: Number of zero samples to append; the next pass does not go on from them.
        """
        size = self._config.feature_samples
        n_heard = -(-(len(samples) // size) // FEATURES_PER_FRAME)
        if before is None or before.start != start or before.front.count > n_heard:
            before = self.beginning(start)
        front = self._more_frames(samples, before.front, n_heard)
        missing = max(zeros, size - len(samples))
        padded = np.pad(samples, (0, missing)) if missing > 0 else samples
        n_frames = -(-(len(padded) // size) // FEATURES_PER_FRAME)
        frames = self._more_frames(padded, front, n_frames).frames
        array = before.finished.taken(whole_blocks(n_frames, FRAME_BLOCK))
        heard = self._run_blocks(frames, n_heard, before, array)
        behind = BLOCK_FRAMES * (heard.blocks - before.blocks)
        front = dataclasses.replace(front, frames=front.frames[:, behind:])
        return Encoded(array, n_frames, dataclasses.replace(heard, front=front))

    def beginning(self, start: int) -> Heard:
        """The state before the first sample of a span."""
        config, sizes = self._config, self._config.decoder
        inner = config.heads * config.head_size
        front = {
            "features": np.zeros((1, LEAD, config.width), np.float32),
            "steps": np.zeros((1, LEAD, 2 * config.width), np.float32),
        }
        states = {}
        for n, (left, right) in enumerate(config.windows):
            states[f"states_{n}"] = np.zeros((1, left + right, 3 * inner), np.float32)
            if right:
                states[f"held_{n}"] = np.zeros((1, right, config.width), np.float32)
        none = np.zeros((sizes.states, sizes.heads, 0, sizes.head_size), np.float32)
        no_frames = FrontFrames(0, np.zeros((1, 0, config.width), np.float32), front)
        return Heard(start, no_frames, 0, states, FinishedFrames(none, 0, []))

    def _more_frames(self, samples: Samples, before: FrontFrames, count: int) -> FrontFrames:
        """Run the front end up to so many frames from the start of the span."""
        parts, state = [before.frames], before.state
        size = self._config.feature_samples
        for at in range(before.count, count, self._front_at_once):
            new = min(self._front_at_once, count - at)
            first = (FEATURES_PER_FRAME * at - _EARLY_FEATURES) * size
            taken = samples[max(0, first) : first + FEATURES_PER_FRAME * new * size]
            if first < 0:
                taken = np.concatenate([np.zeros(-first, np.float32), taken])
            inputs = {**state, "samples": taken[None], "present": _present(new, is_first=at == 0)}
            frames, *after = self._front.run(self._front_names, inputs)
            parts.append(frames)
            state = _next_state(self._front_names[1:], after)
        return FrontFrames(count, np.concatenate(parts, axis=1), state) if len(parts) > 1 else before

    def _run_blocks(self, frames: Floats, n_heard: int, before: Heard, array: Floats) -> Heard:
        """Encode all frames behind the blocks that were encoded before.

        Args:
            frames: From the front end, shape (1, n, width), float32.
            n_heard: Frames of the span, without zeros that were appended.
            before: The state after those blocks.
            array: Gets the decoder's keys and values.

        Returns:
            The state after the blocks that were complete without these zeros, with all that they finished.
        """
        first = BLOCK_FRAMES * before.blocks
        blocks = (first + frames.shape[1]) // BLOCK_FRAMES
        kept = min(blocks, n_heard // BLOCK_FRAMES)
        states, kept_states = before.states, before.states
        for block in range(before.blocks, blocks):
            at = BLOCK_FRAMES * block - first
            is_last = self._merges and block == blocks - 1
            end = frames.shape[1] if is_last else at + BLOCK_FRAMES
            states = self.run_encoder(frames[:, at:end], block, BLOCK_FRAMES, states, array)
            if block < kept:
                kept_states = states
        rest = frames[:, BLOCK_FRAMES * blocks - first :]
        if not (self._merges and blocks > before.blocks) and rest.shape[1] + self.look_ahead_frames:
            self.run_encoder(rest, blocks, 0, states, array)
        finished = FinishedFrames(array, max(0, BLOCK_FRAMES * kept - self.look_ahead_frames), [None])
        return Heard(before.start, before.front, kept, kept_states, finished)

    def run_encoder(self, frames: Floats, block: int, final: int, states: _State, array: Floats) -> _State:
        """Run the encoder from the start of a block to the end of these frames.

        Args:
            frames: From the front end, shape (1, final + rest, width), float32.
            block: Number of the block.
            final: How many frames are not provisional: a whole block, or none.
            states: What the run over the block before left.
            array: Gets the decoder's keys and values, shape (states, heads, room, head_size), float32.

        Returns:
            The state after the final frames.
        """
        config = self._config
        first = BLOCK_FRAMES * block - self.look_ahead_frames
        after = first + frames.shape[1] + self.look_ahead_frames
        inputs: dict[str, npt.NDArray[Any]] = {
            **states,
            "frames": frames,
            "final": np.array([final]),
            "places": np.arange(first, after).clip(0, config.positions - 1),
        }
        rest = frames.shape[1] - final
        for n, window in enumerate(config.windows):
            left, right = window
            first_key = BLOCK_FRAMES * block - self._behind[n] - right - left
            rest_n = self._behind[n] + rest
            inputs[f"final_bias_{n}"] = _bias(window, final, final, min(first_key, 0))
            inputs[f"rest_bias_{n}"] = _bias(window, right + rest_n, rest_n, min(first_key + final, 0))
        cross, *next_states = self._encoder.run(self._names, inputs)
        skipped = max(0, -first)  # frames before the first
        array[:, :, first + skipped : after] = cross[:, :, skipped:]
        return _next_state(self._names[1:], next_states)


def _state_names(session: Any) -> list[str]:
    """Outputs that are the state for the next run."""
    return [output.name for output in session.get_outputs() if output.name.startswith("next_")]


def _next_state(names: list[str], values: list[Floats]) -> _State:
    """Inputs of the next run, from the outputs of one."""
    return {name.removeprefix("next_"): value for name, value in zip(names, values, strict=True)}


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
