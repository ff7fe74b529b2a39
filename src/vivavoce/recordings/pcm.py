"""Samples of every width that WAV files hold, brought to 16-bit mono without a library.

The command line must read a recording where nothing numerical is installed. Bytes are moved by slices
and tables, which C does; only a mix of several channels runs a Python loop, at some hundred times the
speed of speech.
"""

from __future__ import annotations

import sys
from array import array
from typing import Final

__all__ = ["FLOAT", "MULAW", "PCM", "peak", "to_mono_s16le"]

PCM: Final = 1
FLOAT: Final = 3
MULAW: Final = 7
_SIGN_FLIP: Final = bytes(value ^ 0x80 for value in range(256))
_SAMPLE_MAX: Final = 32_767


def _expanded_mulaw(code: int) -> int:
    """One G.711 μ-law byte as a 16-bit sample."""
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


def _to_s16le(data: bytes, tag: int, bits: int) -> bytes:
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


def to_mono_s16le(data: bytes, *, tag: int, bits: int, channels: int) -> bytes:
    """Bring samples to 16 bits and one channel, the mean of all.

    Args:
        data: Whole frames.
        tag: WAV format: `PCM`, `FLOAT` or `MULAW`.
        bits: Of one sample.
        channels: How many are interleaved.
    """
    mono = _to_s16le(data, tag, bits)
    if channels == 1:
        return mono
    samples = array("h", mono)
    _little_endian(samples)
    mixed = array(
        "h",
        [
            sum(frame) // channels
            for frame in zip(*(samples[i::channels] for i in range(channels)), strict=True)
        ],
    )
    _little_endian(mixed)
    return mixed.tobytes()


def peak(data: bytes) -> float:
    """The loudest of 16-bit samples, 0 to 1; 0 without any."""
    samples = array("h", data)
    _little_endian(samples)
    return max(map(abs, samples), default=0) / (_SAMPLE_MAX + 1)
