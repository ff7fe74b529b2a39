"""Rotary position embeddings, for the graphs of encoder and decoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from onnx import TensorProto

from vivavoce.asr.models.moonshine.sizes import HEAD_SIZE, HEADS
from vivavoce.asr.models.onnx.quantised import Linear

if TYPE_CHECKING:
    from vivavoce.asr.models.moonshine.weights import Weights
    from vivavoce.asr.models.onnx.quantised import Floats

__all__ = ["FLOAT", "INT64", "ROTATED", "pairs_apart", "rotation"]

FLOAT: Final = TensorProto.FLOAT
INT64: Final = TensorProto.INT64
ROTATED: Final = 32
"""How many of a head's dimensions are rotated."""


def rotation(weights: Weights, positions: int) -> tuple[Floats, Floats]:
    """Cosines and sines of the first positions, each (positions, 16), float32."""
    angles = np.arange(positions, dtype=np.float32)[:, None] * weights.frequencies
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


def pairs_apart(matrix: Linear) -> Linear:
    """Reorder each head's outputs so that rotated pairs lie half a head apart.

    The model rotates the neighbours (0, 1), (2, 3) and so on. Scores do not change if queries and keys are
    permuted alike, and the kernel that rotates the pairs (0, 16), (1, 17) and so on is faster.
    """
    head = np.concatenate([np.arange(0, ROTATED, 2), np.arange(1, ROTATED, 2), np.arange(ROTATED, HEAD_SIZE)])
    order = (np.arange(HEADS)[:, None] * HEAD_SIZE + head).reshape(-1)
    return Linear(matrix.quantised[:, order], matrix.scale[order], matrix.zero_point[order])
