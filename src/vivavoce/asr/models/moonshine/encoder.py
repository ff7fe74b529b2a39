"""Encoding a span, and what is kept of it for the next span of the same sound.

The encoder looks both ways, so what it makes of a frame depends on all that follows, but less and less
on what follows late. A partial pass therefore takes the older frames as the pass before left them and
encodes the newer ones, which look at all; now and then, and for whatever must be exact, all of them are
encoded together again. Keeping the past of streaming attention: N. Moritz et al., "Streaming automatic
speech recognition with the transformer model", 2020; here with a model that was not trained for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from vivavoce.asr.models.moonshine.front import FRAME_SAMPLES, MIN_SAMPLES, FrontEnd, Heard

if TYPE_CHECKING:
    from vivavoce.asr.audio import Samples

__all__ = ["Encoded", "Encoder", "Past"]

# By measurement, see docs/architecture.md.
_SETTLED_FRAMES: Final = 33
_MOST_REUSES: Final = 3
_LEAST_REUSED_FRAMES: Final = 16

Floats: TypeAlias = npt.NDArray[np.float32]

_NO_STATES: Final[Floats] = np.zeros((12, 1, 8, 0, 36), np.float32)


@dataclass(frozen=True, slots=True)
class Past:
    """Frames of a span that were encoded.

    Attributes:
        states: The encoder's own keys and values, shape (12, 1, 8, frames, 36), float32.
        cross: The decoder's keys and values, shape (12, 8, frames, 36), float32.
        place: Of the first frame, among those that were last encoded together.
        reuses: Passes since then.
    """

    states: Floats
    cross: Floats
    place: int = 0
    reuses: int = 0


@dataclass(frozen=True, slots=True)
class Encoded:
    """What was made of a span.

    Attributes:
        heard: By the front end.
        past: By the encoder; None where the next pass has to encode all frames anyway.
    """

    heard: Heard
    past: Past | None = None


class Encoder:
    """Runs the front end and the encoder; keeps nothing between calls."""

    def __init__(self, front: Any, encoder: Any) -> None:
        """Take the graphs that `build_front` and `build_encoder` wrote, opened."""
        self._front = FrontEnd(front)
        self._encoder = encoder

    def encode(
        self, samples: Samples, start: int = 0, before: Encoded | None = None, *, exact: bool = False
    ) -> tuple[Floats, Encoded]:
        """Encode a span.

        One at a time: on one thread a batch of several gains nothing, and would need masks.

        Args:
            samples: Shape (n,), float32, 16 kHz.
            start: Position of the first of them.
            before: What was made of an earlier span of the same sound.
            exact: Whether all frames must be encoded together.

        Returns:
            The decoder's keys and values, (12, 8, frames, 36), and what the next pass may be given.
        """
        if len(samples) < MIN_SAMPLES:
            samples = np.pad(samples, (0, MIN_SAMPLES - len(samples)))
        heard = self._front.hear(samples, start, before.heard if before is not None else None)
        past = None if exact or before is None else _reusable(before, heard)
        kept, place, states = 0, 0, _NO_STATES
        if past is not None:
            kept, place, states = past.cross.shape[2], past.place, past.states
        new_rows = heard.rows[2 * kept : 2 * heard.frames + 2]
        rows = np.zeros((1, 2 * (heard.frames - kept) + 2, new_rows.shape[1]), np.float32)
        rows[0, : len(new_rows)] = new_rows
        cross, states = self._encoder.run(
            None,
            {"rows": rows, "norm": heard.norm[None], "place": np.array([place + kept]), "past": states},
        )
        cross = cross[:, 0]
        if exact:  # states of a whole utterance would take much room, and never be used
            return cross, Encoded(heard)
        if past is None:
            return cross, Encoded(heard, Past(states, cross))
        cross = np.concatenate([past.cross, cross], axis=2)
        return cross, Encoded(heard, Past(states, cross, past.place, past.reuses + 1))


def _reusable(before: Encoded, heard: Heard) -> Past | None:
    """The frames of the pass before that can stay as they are in a span, if there are any."""
    dropped, rest = divmod(heard.start - before.heard.start, FRAME_SAMPLES)
    kept = min(before.heard.frames - _SETTLED_FRAMES - dropped, heard.frames - 1)
    past = before.past
    if past is None or past.reuses >= _MOST_REUSES or rest or dropped < 0 or kept < _LEAST_REUSED_FRAMES:
        return None
    frames = slice(dropped, dropped + kept)
    states = np.ascontiguousarray(past.states[:, :, :, frames])
    return Past(states, past.cross[:, :, frames], past.place + dropped, past.reuses)
