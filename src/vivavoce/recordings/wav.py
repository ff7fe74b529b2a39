"""Reads the header of a WAV stream without seeking, so that the stream may be a pipe."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from vivavoce.errors import AudioError
from vivavoce.recordings.pcm import FLOAT, MULAW, PCM

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MAGICS", "MAGIC_BYTES", "RIFF_BYTES", "UnsupportedWavError", "WavFormat", "read_wav_header"]

MAGICS: Final = (b"RIFF", b"RF64", b"BW64")
MAGIC_BYTES: Final = 4
RIFF_BYTES: Final = 12
"""The magic, a size, and the kind of file, which is WAVE."""

_EXTENSIBLE: Final = 0xFFFE
_UNKNOWN_LENGTH_FROM: Final = 0x7FFF_0000  # written by programs that can't seek back to fill in the length
_LONGEST_SKIP: Final = 1 << 26  # cover art and editors' notes take megabytes; more is a damaged header
_READ_BYTES: Final = 65_536
_PLAIN_BYTES: Final = 16  # of the shortest format chunk
_EXTENSIBLE_BYTES: Final = 26  # up to and including the tag at 24, the start of the sub-format's GUID
_WIDTHS: Final = {PCM: (8, 16, 24, 32), FLOAT: (32, 64), MULAW: (8,)}


class UnsupportedWavError(AudioError):
    """A WAV file whose sample format needs a decoder."""


@dataclass(frozen=True, slots=True)
class WavFormat:
    """Format of the samples in a WAV stream.

    Attributes:
        tag: `PCM`, `FLOAT` or `MULAW`.
        channels: Number of interleaved channels.
        sample_rate: In Hz.
        bits: Size of one sample.
        length_bytes: Size of all samples; None: they end with the stream.
    """

    tag: int
    channels: int
    sample_rate: int
    bits: int
    length_bytes: int | None

    @property
    def frame_bytes(self) -> int:
        """Size of one frame, a sample of every channel, in bytes."""
        return self.channels * self.bits // 8

    @property
    def bytes_per_second(self) -> int:
        """Size of one second of samples, in bytes."""
        return self.frame_bytes * self.sample_rate

    def has_format_of(self, other: WavFormat) -> bool:
        """Whether the samples are of the same kind as those of another stream."""
        return replace(self, length_bytes=None) == replace(other, length_bytes=None)


def _exactly(read: Callable[[int], bytes], size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = read(size - len(data))
        if not piece:
            raise AudioError("the WAV header is cut off")
        data += piece
    return data


def _format(body: bytes) -> tuple[int, int, int, int]:
    if len(body) < _PLAIN_BYTES:
        raise AudioError("the WAV header is malformed")
    tag, channels, sample_rate, _, _, bits = struct.unpack_from("<HHIIHH", body)
    if tag == _EXTENSIBLE and len(body) >= _EXTENSIBLE_BYTES:
        (tag,) = struct.unpack_from("<H", body, 24)
    return tag, channels, sample_rate, bits


def read_wav_header(read: Callable[[int], bytes]) -> WavFormat:
    """Read a WAV header up to the first sample.

    Args:
        read: Returns up to the given number of bytes; none at the end of the stream. The magic number has
            been read already.

    Raises:
        UnsupportedWavError: The sample format needs a decoder.
        AudioError: The stream is not WAV, or its header is damaged.
    """
    if _exactly(read, 8)[4:] != b"WAVE":
        raise AudioError("a RIFF stream must be WAVE")
    found: tuple[int, int, int, int] | None = None
    while True:
        name, size = struct.unpack("<4sI", _exactly(read, 8))
        if name == b"data":
            break
        if size > _LONGEST_SKIP:
            raise AudioError("the WAV header is malformed")
        left = size + size % 2
        if name == b"fmt ":
            body = _exactly(read, min(left, _EXTENSIBLE_BYTES))
            left -= len(body)
            found = _format(body)
        while left:
            left -= len(_exactly(read, min(left, _READ_BYTES)))
    if found is None:
        raise AudioError("the WAV header has no format chunk before its samples")
    tag, channels, sample_rate, bits = found
    if bits not in _WIDTHS.get(tag, ()):
        raise UnsupportedWavError(f"WAV format {tag} with {bits} bits needs a decoder")
    if not channels or not sample_rate:
        raise AudioError("the WAV header is malformed")
    length = None if size == 0 or size >= _UNKNOWN_LENGTH_FROM else size
    return WavFormat(tag, channels, sample_rate, bits, length)
