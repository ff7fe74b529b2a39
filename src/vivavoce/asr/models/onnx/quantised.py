"""Matrices of bytes, with a scale and a zero point for each output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Bytes", "Floats", "Linear"]

Floats: TypeAlias = npt.NDArray[np.float32]
Bytes: TypeAlias = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Linear:
    """A quantised matrix: ``weight ≈ (quantised - zero_point) * scale``.

    Attributes:
        quantised: uint8 (inputs, outputs).
        scale: float32 (outputs,); the shipped files have one scale per matrix.
        zero_point: uint8 (outputs,).
        bias: float32 (outputs,) or None.
    """

    quantised: Bytes
    scale: Floats
    zero_point: Bytes
    bias: Floats | None = None

    @property
    def inputs(self) -> int:
        """Number of input features."""
        return int(self.quantised.shape[0])

    @property
    def outputs(self) -> int:
        """Number of output features."""
        return int(self.quantised.shape[1])

    def dense(self) -> Floats:
        """The matrix as float32 (inputs, outputs)."""
        shifted = self.quantised.astype(np.float32) - self.zero_point.astype(np.float32)
        return shifted * self.scale

    def scaled(self, factor: float) -> Linear:
        """This matrix times a factor; only the scales and the bias change."""
        bias = None if self.bias is None else (self.bias * np.float32(factor)).astype(np.float32)
        scale = (self.scale * np.float32(factor)).astype(np.float32)
        return Linear(self.quantised, scale, self.zero_point, bias)

    @staticmethod
    def side_by_side(parts: list[Linear]) -> Linear:
        """One matrix with the outputs of all parts, one after another; no part may have a bias."""
        return Linear(
            np.concatenate([part.quantised for part in parts], axis=1),
            np.concatenate([part.scale for part in parts]),
            np.concatenate([part.zero_point for part in parts]),
        )
