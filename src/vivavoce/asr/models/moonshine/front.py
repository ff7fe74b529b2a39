"""The convolutional front end; rows of a window that were computed before are not computed again.

Its first two convolutions are local, and the group norm between them is linear. So the rows of the second
convolution are kept as they are before that norm, with the sums that give its mean and deviation. A window
that has grown, or that begins some frames later, needs new rows at its end only, and all of its rows are
the same to the last bit. That is not so for the bidirectional transformer after it: see `Encoder`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from vivavoce.asr.models.moonshine.sizes import ROW_SAMPLES, STEP_SAMPLES

if TYPE_CHECKING:
    from vivavoce.asr.audio import Samples

__all__ = ["MIN_SAMPLES", "FrontEnd", "FrontRows"]

# Widths and strides of the convolutions: samples to steps, steps to rows, rows to frames.
_STEP_WIDTH_SAMPLES: Final = 127
_ROW_STEPS: Final = 3
_ROW_WIDTH_STEPS: Final = 7
_FRAME_ROWS: Final = 2
_FRAME_WIDTH_ROWS: Final = 3
MIN_SAMPLES: Final = 895
"""The shortest span that has a frame."""
_EPSILON: Final = 1e-5

Floats: TypeAlias = npt.NDArray[np.float32]


def _step_count(n_samples: int) -> int:
    """Rows of the first convolution."""
    return (n_samples - _STEP_WIDTH_SAMPLES) // STEP_SAMPLES + 1


def _row_count(n_samples: int) -> int:
    """Rows of the second convolution."""
    return (_step_count(n_samples) - _ROW_WIDTH_STEPS) // _ROW_STEPS + 1


@dataclass(frozen=True, slots=True)
class FrontRows:
    """The front end's output for a span.

    Attributes:
        start: Position of the span's first sample, in samples.
        rows: Of the second convolution, before the norm: shape (rows, 2 * hidden), float32, one row for 192
            samples.
        sums: Sum and sum of squares over the features of each row of the first convolution: shape (steps, 2),
            float64, one row for 64 samples.
    """

    start: int
    rows: Floats
    sums: npt.NDArray[np.float64]

    def since(self, start: int) -> FrontRows | None:
        """The part from a position on; None if that position is earlier, or is not on the grid of rows."""
        n, rest = divmod(start - self.start, ROW_SAMPLES)
        if rest or n < 0 or n >= len(self.rows):
            return None
        return FrontRows(start, self.rows[n:], self.sums[_ROW_STEPS * n :])

    def without_rows(self) -> FrontRows:
        """The same place without any row, so that all are computed again."""
        return FrontRows(self.start, self.rows[:0], self.sums[:0])

    @property
    def frames(self) -> int:
        """Encoder frames of the span: about one for 384 samples, at least one for 895 samples."""
        return (len(self.rows) - _FRAME_WIDTH_ROWS) // _FRAME_ROWS + 1

    @property
    def norm(self) -> Floats:
        """Mean and reciprocal deviation of the group norm: shape (2,), float32."""
        hidden = self.rows.shape[1] // 2
        total, squares = self.sums.sum(axis=0) / (len(self.sums) * hidden)
        return np.array([total, 1 / np.sqrt(squares - total**2 + _EPSILON)], np.float32)


class FrontEnd:
    """Runs the first two convolutions; keeps nothing between calls."""

    def __init__(self, session: Any) -> None:
        """Take the session of the graph that `build_front` wrote."""
        self._session = session

    def run(self, samples: Samples, start: int = 0, before: FrontRows | None = None) -> FrontRows:
        """Compute the rows of a span.

        Args:
            samples: Of the whole span, shape (n,), n >= 895, float32, 16 kHz.
            start: Position of the first of them.
            before: Rows of an earlier span of the same audio, which ended earlier.
        """
        n_steps, n_rows = _step_count(len(samples)), _row_count(len(samples))
        known = before.since(start) if before is not None else None
        # The last known row was quantised together with steps that were not complete: it is computed again.
        n = 0 if known is None else min(len(known.rows), n_rows) - 1
        new = n_rows - n
        padded = np.zeros((1, STEP_SAMPLES * (_ROW_STEPS * new + _ROW_WIDTH_STEPS)), np.float32)
        taken = samples[ROW_SAMPLES * n : ROW_SAMPLES * n + padded.shape[1]]
        padded[0, : len(taken)] = taken
        rows, sums = self._session.run(None, {"samples": padded})
        rows, sums = rows[0], sums[0, : n_steps - _ROW_STEPS * n].astype(np.float64)
        if known is not None:
            rows = np.concatenate([known.rows[:n], rows])
            sums = np.concatenate([known.sums[: _ROW_STEPS * n], sums])
        return FrontRows(start, rows, sums)
