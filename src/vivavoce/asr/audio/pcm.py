"""Decoding of raw samples, PCM and mu-law, to floats."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from vivavoce.types import Encoding

__all__ = ["Samples", "decode_samples"]

Samples: TypeAlias = npt.NDArray[np.float32]
"""Mono samples, shape (n,), float32, full scale ±1."""


def _mulaw_table() -> Samples:
    """All 256 codes of G.711 mu-law as linear samples.

    Source: ITU-T G.711 (11/88), table 2a. A code consists of a sign, 3 bits of exponent and 4 of mantissa,
    all inverted; 33 is the bias that the encoder adds before it chooses the segment. Values are on a
    14-bit scale.
    """
    code = ~np.arange(256, dtype=np.uint8)
    exponent = (code >> 4) & 0x07
    mantissa = (code & 0x0F).astype(np.int32)
    magnitude = (((mantissa << 1) + 33) << exponent) - 33
    linear = np.where(code & 0x80, -magnitude, magnitude)
    return (linear / 8192.0).astype(np.float32)


_MULAW = _mulaw_table()


def decode_samples(data: bytes, encoding: Encoding) -> Samples:
    """Decode raw mono audio.

    Args:
        data: A whole number of samples.
        encoding: Of the samples.

    Returns:
        Shape (n,), float32, full scale ±1.
    """
    if encoding is Encoding.PCM_MULAW:
        return _MULAW[np.frombuffer(data, dtype=np.uint8)]
    return np.frombuffer(data, dtype="<i2").astype(np.float32) / np.float32(32768.0)
