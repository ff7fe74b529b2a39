"""Converts the sample formats of WAV files to 16-bit samples, without NumPy.

The command line must read audio files where only the SDK is installed. Slices and translation tables move
the bytes at the speed of C.
"""

from __future__ import annotations

import sys
from array import array
from typing import Final

__all__ = ["FLOAT", "MULAW", "PCM", "peak", "to_s16le"]

PCM: Final = 1
FLOAT: Final = 3
MULAW: Final = 7
_SIGN_FLIP: Final = bytes(value ^ 0x80 for value in range(256))
_SAMPLE_MAX: Final = 32_767


def _expanded_mulaw(code: int) -> int:
    """Expand one byte of G.711 mu-law to a 16-bit sample."""
    inverted = ~code & 0xFF
    magnitude = (((inverted & 0x0F) << 3) + 0x84) << ((inverted >> 4) & 0x07)
    return 0x84 - magnitude if inverted & 0x80 else magnitude - 0x84


_MULAW_LOW: Final = bytes(_expanded_mulaw(code) & 0xFF for code in range(256))
_MULAW_HIGH: Final = bytes((_expanded_mulaw(code) >> 8) & 0xFF for code in range(256))


def _little_endian(samples: array[int] | array[float]) -> None:
    if sys.byteorder == "big":
        samples.byteswap()


def _from_float(data: bytes, code: str) -> bytes:
    floats = array(code, data)
    _little_endian(floats)
    shorts = array(
        "h",
        [
            int(max(-1.0, min(1.0, value)) * _SAMPLE_MAX) if value == value else 0  # noqa: PLR0124  - NaN
            for value in floats
        ],
    )
    _little_endian(shorts)
    return shorts.tobytes()


def to_s16le(data: bytes, *, tag: int, bits: int) -> bytes:
    """Convert samples to 16-bit little-endian ones.

    Args:
        data: Whole samples, little-endian.
        tag: WAV format: `PCM`, `FLOAT` or `MULAW`.
        bits: Size of one sample: 8, 16, 24 or 32 for PCM, 32 or 64 for float, 8 for mu-law.
    """
    if tag == FLOAT:
        return _from_float(data, "f" if bits == 32 else "d")  # noqa: PLR2004
    if tag == PCM and bits == 16:  # noqa: PLR2004
        return data
    width = bits // 8
    out = bytearray(2 * (len(data) // width))
    if tag == MULAW:
        out[0::2] = data.translate(_MULAW_LOW)
        out[1::2] = data.translate(_MULAW_HIGH)
    elif width == 1:  # 8-bit WAV is unsigned
        out[1::2] = data.translate(_SIGN_FLIP)
    else:  # the two upper bytes are the sample
        out[0::2] = data[width - 2 :: width]
        out[1::2] = data[width - 1 :: width]
    return bytes(out)


def peak(data: bytes) -> float:
    """Peak of 16-bit samples, 0 to 1; 0 for no samples."""
    samples = array("h", data)
    _little_endian(samples)
    return max(map(abs, samples), default=0) / (_SAMPLE_MAX + 1)
