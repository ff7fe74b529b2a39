"""Matrices for graphs: of bytes, with a scale and a zero point for each output, or of floats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Bytes", "Dense", "Floats", "Linear", "Matrix", "quantise", "side_by_side"]

Floats: TypeAlias = npt.NDArray[np.float32]
Bytes: TypeAlias = npt.NDArray[np.uint8]

_UNIT: Final = 127  # codes between 0 and the largest weight of an output
_ZERO: Final = 128  # the code of 0


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

    def reordered(self, order: npt.NDArray[np.int64]) -> Linear:
        """This matrix with its outputs in another order; it must have no bias."""
        return Linear(self.quantised[:, order], self.scale[order], self.zero_point[order])


@dataclass(frozen=True, slots=True)
class Dense:
    """A matrix of floats, which is used as it is.

    Attributes:
        values: float32 (inputs, outputs).
        bias: float32 (outputs,) or None.
    """

    values: Floats
    bias: Floats | None = None

    @property
    def inputs(self) -> int:
        """Number of input features."""
        return int(self.values.shape[0])

    @property
    def outputs(self) -> int:
        """Number of output features."""
        return int(self.values.shape[1])

    def dense(self) -> Floats:
        """The matrix as float32 (inputs, outputs)."""
        return self.values

    def scaled(self, factor: float) -> Dense:
        """This matrix, and its bias, times a factor."""
        bias = None if self.bias is None else self.bias * np.float32(factor)
        return Dense(self.values * np.float32(factor), bias)

    def reordered(self, order: npt.NDArray[np.int64]) -> Dense:
        """This matrix with its outputs in another order; it must have no bias."""
        return Dense(self.values[:, order])


Matrix: TypeAlias = Linear | Dense


def side_by_side(parts: Sequence[Matrix]) -> Matrix:
    """One matrix with the outputs of all parts, one after another; no part may have a bias.

    Args:
        parts: All quantised, or none of them.
    """
    quantised = [part for part in parts if isinstance(part, Linear)]
    if len(quantised) < len(parts):
        return Dense(np.concatenate([part.dense() for part in parts], axis=1))
    return Linear(
        np.concatenate([part.quantised for part in quantised], axis=1),
        np.concatenate([part.scale for part in quantised]),
        np.concatenate([part.zero_point for part in quantised]),
    )


def quantise(matrix: Dense) -> Linear:
    """The nearest matrix of bytes, with a scale for each output; 0 stays 0."""
    scale = np.abs(matrix.values).max(axis=0) / np.float32(_UNIT)
    scale = np.where(scale > 0, scale, np.float32(1)).astype(np.float32)
    codes = (np.rint(matrix.values / scale) + _ZERO).astype(np.uint8)
    return Linear(codes, scale, np.full(matrix.outputs, _ZERO, np.uint8), matrix.bias)
