"""Rotary position embeddings, for the graphs of encoder and decoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from onnx import TensorProto

if TYPE_CHECKING:
    from vivavoce.asr.models.onnx.quantised import Floats, Matrix

__all__ = ["FLOAT", "INT64", "pairs_apart", "rotation"]

FLOAT: Final = TensorProto.FLOAT
INT64: Final = TensorProto.INT64


def rotation(frequencies: Floats, positions: int) -> tuple[Floats, Floats]:
    """Cosines and sines of the first positions, each (positions, pairs), float32.

    Args:
        frequencies: Angle per position of each pair of dimensions, shape (pairs,), float32.
        positions: Their number.
    """
    angles = np.arange(positions, dtype=np.float32)[:, None] * frequencies
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


def pairs_apart(matrix: Matrix, heads: int, head_size: int, rotated: int) -> Matrix:
    """Reorder each head's outputs so that rotated pairs lie half of the rotated dimensions apart.

    The model rotates the neighbours (0, 1), (2, 3) and so on. Scores do not change if queries and keys are
    permuted alike, and the kernel that rotates the pairs (0, 16), (1, 17) and so on, of 32, is faster.

    Args:
        matrix: Yields queries or keys.
        heads: Its heads.
        head_size: Features of a head.
        rotated: How many of them are rotated, an even number.
    """
    head = np.concatenate([np.arange(0, rotated, 2), np.arange(1, rotated, 2), np.arange(rotated, head_size)])
    return matrix.reordered((np.arange(heads)[:, None] * head_size + head).reshape(-1))
