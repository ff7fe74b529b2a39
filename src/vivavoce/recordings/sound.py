"""A stream of mono audio in chunks of whole samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vivavoce.types import Encoding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["CHUNK_MS", "Sound", "chunk_bytes", "regrouped"]

CHUNK_MS: Final = 100
"""Length of a chunk, in milliseconds: the least that one message of Realtime v2 may carry."""

_READ_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True)
class Sound:
    """A stream of mono audio.

    Attributes:
        chunks: Pieces of `CHUNK_MS` of whole samples; the last may be shorter.
        sample_rate: In Hz.
        encoding: Of the samples.
        channels: Number of channels before they were mixed into one.
        duration_s: Length of the audio, in seconds; None where the source does not say.
    """

    chunks: Iterable[bytes]
    sample_rate: int
    encoding: Encoding = Encoding.PCM_S16LE
    channels: int = 1
    duration_s: float | None = None

    @property
    def bytes_per_second(self) -> int:
        """Size of one second of audio, in bytes."""
        return self.sample_rate * self.encoding.bytes_per_sample


def chunk_bytes(sample_rate: int, frame_bytes: int, chunk_ms: int = CHUNK_MS) -> int:
    """Size of a chunk, in bytes: at least `chunk_ms`, in whole frames."""
    return -(-sample_rate * chunk_ms // 1000) * frame_bytes


def regrouped(read: Callable[[int], bytes], size: int, frame_bytes: int) -> Iterator[bytes]:
    """Read a stream in chunks of one size.

    Args:
        read: Returns up to the given number of bytes; none at the end of the stream.
        size: Of a chunk, in bytes.
        frame_bytes: Of one sample of all channels. An incomplete frame at the end is dropped.
    """
    waiting = bytearray()
    while data := read(_READ_BYTES):
        waiting += data
        while len(waiting) >= size:
            yield bytes(waiting[:size])
            del waiting[:size]
    del waiting[len(waiting) - len(waiting) % frame_bytes :]
    if waiting:
        yield bytes(waiting)
