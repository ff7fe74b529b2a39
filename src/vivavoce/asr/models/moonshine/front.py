"""The convolutional front end, which need not hear the same sound twice.

Its first two convolutions are local, and the group norm between them is linear: so the rows behind the
second are kept as they are before that norm, with the sums from which its mean and deviation come. A
window that grew, or that begins some frames later, needs new rows at its end only, and they are the same
to the last bit. What is behind (a bidirectional transformer) is another matter: see `Encoder`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from vivavoce.asr.audio import Samples

__all__ = ["FRAME_SAMPLES", "MIN_SAMPLES", "FrontEnd", "Heard"]

MIN_SAMPLES: Final = 895  # give one frame
_STEP: Final = 64  # samples between two rows of the first convolution
_ROW: Final = 3 * _STEP  # and of the second
FRAME_SAMPLES: Final = 2 * _ROW  # and of the encoder's frames
_FEATURES: Final = 288
_EPSILON: Final = 1e-5

Floats: TypeAlias = npt.NDArray[np.float32]


def _step_count(n_samples: int) -> int:
    """Rows behind the first convolution."""
    return (n_samples - 127) // _STEP + 1


def _row_count(n_samples: int) -> int:
    """Rows behind the second convolution."""
    return (_step_count(n_samples) - 7) // 3 + 1


@dataclass(frozen=True, slots=True)
class Heard:
    """What the front end made of a span.

    Attributes:
        start: Position of the span's first sample, in samples.
        rows: Behind the second convolution, before the norm: shape (rows, 576), float32; one row
            for 192 samples.
        sums: Sum and sum of squares over the features of each row behind the first convolution:
            shape (steps, 2), float64; one row for 64 samples.
    """

    start: int
    rows: Floats
    sums: npt.NDArray[np.float64]

    def since(self, start: int) -> Heard | None:
        """The part behind a later position; None if that is not on the grid of rows, or is earlier."""
        n, rest = divmod(start - self.start, _ROW)
        if rest or n < 0 or n >= len(self.rows):
            return None
        return Heard(start, self.rows[n:], self.sums[3 * n :])

    @property
    def frames(self) -> int:
        """Encoder frames of the span, about one for 384 samples; at least one for 895 samples."""
        return (len(self.rows) - 3) // 2 + 1

    @property
    def norm(self) -> Floats:
        """Mean and reciprocal deviation of the group norm: shape (2,), float32."""
        total, squares = self.sums.sum(axis=0) / (len(self.sums) * _FEATURES)
        return np.array([total, 1 / np.sqrt(squares - total**2 + _EPSILON)], np.float32)


class FrontEnd:
    """Runs the first two convolutions; keeps nothing between calls."""

    def __init__(self, session: Any) -> None:
        """Take the graph that `build_front` wrote, opened."""
        self._session = session

    def hear(self, samples: Samples, start: int = 0, heard: Heard | None = None) -> Heard:
        """Hear a span.

        Args:
            samples: Of the whole span, shape (n,), n >= 895, float32, 16 kHz.
            start: Position of the first of them.
            heard: What was made of a span of the same sound that ended earlier.
        """
        n_steps, n_rows = _step_count(len(samples)), _row_count(len(samples))
        known = heard.since(start) if heard is not None else None
        # The last row was quantised together with steps of which not all had been heard.
        n = 0 if known is None else min(len(known.rows), n_rows) - 1
        new = n_rows - n
        padded = np.zeros((1, _STEP * (3 * new + 7)), np.float32)
        taken = samples[_ROW * n : _ROW * n + padded.shape[1]]
        padded[0, : len(taken)] = taken
        rows, sums = self._session.run(None, {"samples": padded})
        rows, sums = rows[0], sums[0, : n_steps - 3 * n].astype(np.float64)
        if known is not None:
            rows = np.concatenate([known.rows[:n], rows])
            sums = np.concatenate([known.sums[: 3 * n], sums])
        return Heard(start, rows, sums)
