"""Encoding a span, and what the next span of the same audio can reuse.

The encoder attends to both sides, so the states of a frame depend on all frames after it, but the less the
later these are. A partial pass therefore reuses the states of the older frames from the pass before, and
encodes the newer frames, which attend to all. Every few passes, and for each exact span, all frames are
encoded together. Keeping the past of streaming attention: N. Moritz et al., "Streaming automatic speech
recognition with the transformer model", 2020; here with a model that was not trained for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from vivavoce.asr.models.moonshine.front import MIN_SAMPLES, FrontEnd, FrontRows
from vivavoce.asr.models.moonshine.sizes import FRAME_SAMPLES, TINY_ENCODER

if TYPE_CHECKING:
    from vivavoce.asr.audio import Samples
    from vivavoce.asr.models.moonshine.sizes import EncoderSizes

__all__ = ["Encoded", "Encoder", "Past"]

# Chosen by measurement.
_SETTLED_FRAMES: Final = 33  # frames at the end whose states still change too much to be reused
_MOST_REUSES: Final = 3
_LEAST_REUSED_FRAMES: Final = 16

Floats: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Past:
    """Encoded frames that a later pass can reuse.

    Attributes:
        states: The encoder's own keys and values, shape (states, 1, heads, frames, head_size), float32.
        cross: The decoder's keys and values, shape (states, heads, frames, head_size), float32.
        place: Of the first frame, among those that were last encoded together.
        reuses: Passes since then.
    """

    states: Floats
    cross: Floats
    place: int = 0
    reuses: int = 0


@dataclass(frozen=True, slots=True)
class Encoded:
    """What the next pass over the same audio may use.

    Attributes:
        front: The front end's output.
        past: The encoder's; None if the next pass has to encode all frames anyway.
    """

    front: FrontRows
    past: Past | None = None


class Encoder:
    """Runs the front end and the encoder; keeps nothing between calls."""

    def __init__(self, front: Any, encoder: Any, sizes: EncoderSizes = TINY_ENCODER) -> None:
        """Take the sessions of the graphs that `build_front` and `build_encoder` wrote, and their sizes."""
        self._front = FrontEnd(front)
        self._encoder = encoder
        shape = (sizes.states, 1, sizes.heads, 0, sizes.head_size)
        self._no_states: Floats = np.zeros(shape, np.float32)  # of a span without a past

    def encode(
        self, samples: Samples, start: int = 0, before: Encoded | None = None, *, exact: bool = False
    ) -> tuple[Floats, Encoded]:
        """Encode a span.

        One at a time: on one thread a batch of several gains nothing, and would need masks.

        Args:
            samples: Shape (n,), float32, 16 kHz.
            start: Position of the first of them.
            before: The second result for an earlier span of the same audio.
            exact: Whether all frames must be encoded together.

        Returns:
            The decoder's keys and values, shape (states, heads, frames, head_size), float32, and what the
            next pass may use.
        """
        if len(samples) < MIN_SAMPLES:
            cross, memory = self.encode(np.pad(samples, (0, MIN_SAMPLES - len(samples))), start, exact=True)
            return cross, Encoded(memory.front.without_rows())  # other samples may come where zeros were
        front = self._front.run(samples, start, before.front if before is not None else None)
        past = None if exact or before is None else _reusable(before, front)
        kept, place, states = 0, 0, self._no_states
        if past is not None:
            kept, place, states = past.cross.shape[2], past.place, past.states
        new_rows = front.rows[2 * kept : 2 * front.frames + 2]
        rows = np.zeros((1, 2 * (front.frames - kept) + 2, new_rows.shape[1]), np.float32)
        rows[0, : len(new_rows)] = new_rows
        cross, states = self._encoder.run(
            None,
            {"rows": rows, "norm": front.norm[None], "place": np.array([place + kept]), "past": states},
        )
        cross = cross[:, 0]
        if exact:  # the states of a whole utterance take much memory, and no later pass uses them
            return cross, Encoded(front)
        if past is None:
            return cross, Encoded(front, Past(states, cross))
        cross = np.concatenate([past.cross, cross], axis=2)
        return cross, Encoded(front, Past(states, cross, past.place, past.reuses + 1))


def _reusable(before: Encoded, front: FrontRows) -> Past | None:
    """The frames of the pass before that can stay as they are, if there are any."""
    dropped, rest = divmod(front.start - before.front.start, FRAME_SAMPLES)
    kept = min(before.front.frames - _SETTLED_FRAMES - dropped, front.frames - 1)
    past = before.past
    if past is None or past.reuses >= _MOST_REUSES or rest or dropped < 0 or kept < _LEAST_REUSED_FRAMES:
        return None
    frames = slice(dropped, dropped + kept)
    states = np.ascontiguousarray(past.states[:, :, :, frames])
    return Past(states, past.cross[:, :, frames], past.place + dropped, past.reuses)
