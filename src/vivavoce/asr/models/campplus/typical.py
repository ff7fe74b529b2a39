"""What the embeddings of all voices have in common."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["typical_voice"]

# The network was trained on another mixture of languages and channels than it hears, so all its embeddings
# lean one way, and those of telephones lean further: without this, one threshold does not fit both. From
# `python -m benchmarks.typical_voice --kind accented-read`: thousandths, 122 readers of speechocean762.
_TYPICAL: Final = (
    13, 7, 10, -12, 13, 20, 33, -20, -40, -7, -46, -8, -34, -45, -13, 28,
    -21, 10, -22, -27, 51, -23, -28, 23, 11, 31, -63, 40, -49, -7, -24, -1,
    9, 2, 43, 26, -17, -41, 52, -1, 14, 16, -26, 13, -40, 0, 7, 31,
    22, 1, 42, -11, -19, 18, 31, 32, 45, 29, 18, 1, 8, 20, 49, 37,
    37, 7, 43, -23, -14, -47, 33, 3, -18, 11, -65, 13, 44, 32, 31, 38,
    -3, 8, 20, -9, 39, 20, 6, 41, -14, -16, -24, 5, 4, -21, 23, 38,
    36, 8, -34, -11, 50, 21, 44, -7, 8, -25, 31, -7, -49, -52, 0, 4,
    -15, 4, -14, 31, -7, 42, 34, 24, -31, 47, 28, -46, -30, 21, -46, -8,
    -9, 1, -37, -22, 21, -38, -4, 52, -57, -31, 17, -6, 12, 3, 2, 30,
    -10, -5, 38, -35, 33, -26, 2, -23, 17, 7, -2, -11, 21, -30, -21, 6,
    -10, -10, 24, 22, -11, 4, 17, 19, -23, 5, 46, -21, 7, -15, 18, -5,
    37, -31, 20, 22, 0, 19, 53, 25, 35, -57, -16, -57, 25, 3, 28, 28,
)  # fmt: skip


@cache
def typical_voice() -> npt.NDArray[np.float32]:
    """The mean embedding of many voices, shape (192,)."""
    return np.array(_TYPICAL, np.float32) / np.float32(1000)
