"""Audio in any of the types that programs have it in, cut anew into messages that the protocol takes."""

from __future__ import annotations

import itertools
import math
import sys
from array import array
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Buffer  # of the type checker, not of the program

__all__ = ["Audio", "Chunker", "as_bytes", "is_audio"]

if TYPE_CHECKING:
    Audio = Buffer
    """Samples of one channel: bytes, or an array (NumPy's or Python's) of int16 or of floats in -1..1."""
else:
    Audio = object

_SHORTEST_MS: Final = 100  # of v2, whose longest is 2,000 ms
_BYTES: Final = frozenset("Bbc")
_FLOATS: Final = frozenset("fd")
_INT16: Final = "h"


def _little_endian(samples: array[int]) -> memoryview:
    if sys.byteorder == "big":
        samples.byteswap()
    return memoryview(samples).cast("B")


def _from_floats(values: Iterable[float]) -> array[int]:
    # Clipped, not wrapped round; not a number is silence.
    return array(
        _INT16, (0 if math.isnan(value) else round(max(-1.0, min(1.0, value)) * 32767) for value in values)
    )


def as_bytes(data: object, *, is_pcm: bool = True) -> memoryview:
    """See audio as the bytes that are to be sent, without copying where they are those already.

    Args:
        data: ``bytes``, ``bytearray``, ``memoryview``, or any array of one channel that Python can look
            into, such as NumPy's: 8-bit ones are taken as they are, int16 as samples, floats as samples
            in -1..1.
        is_pcm: Whether 16-bit PCM is sent; if not, bytes only are taken.

    Raises:
        TypeError: It is none of them.
    """
    if isinstance(data, str) or data is None:
        raise TypeError(f"audio must be bytes or an array of samples, got {type(data).__name__}")
    try:
        view = memoryview(data)  # type: ignore[arg-type]
    except (TypeError, BufferError, ValueError):
        raise TypeError(
            f"audio must be bytes, bytearray, memoryview or an array of samples, got {type(data).__name__}"
        ) from None
    if view.nbytes == 0:
        return memoryview(b"")
    if sum(length > 1 for length in view.shape or ()) > 1:
        raise TypeError(f"audio must have one channel, got an array of shape {view.shape}")
    kind = view.format.lstrip("@=<")
    if kind in _BYTES:
        flat = view if view.c_contiguous else memoryview(view.tobytes())
        return flat.cast("B")
    if is_pcm and kind == _INT16:
        if sys.byteorder == "big":
            return _little_endian(array(_INT16, view.tobytes()))
        return view.cast("B") if view.c_contiguous else memoryview(view.tobytes())
    if is_pcm and kind in _FLOATS:
        return _little_endian(_from_floats(array(kind, view.tobytes())))
    wanted = "bytes, int16 or float32" if is_pcm else "bytes"
    raise TypeError(f"samples must be {wanted}, got {type(data).__name__} with format {view.format!r}")


def is_audio(data: object) -> bool:
    """Whether it is one piece of audio, and not something that gives pieces."""
    if isinstance(data, bytes | bytearray | memoryview | str):
        return True  # a string is refused as audio
    try:
        memoryview(data)  # type: ignore[arg-type]
    except TypeError:
        return False
    except (BufferError, ValueError):
        return True
    return True


class Chunker:
    """Gathers what is too short, divides what is too long.

    Whatever comes in, the same bytes go out in the same order, in chunks of one to just under two times
    the shortest length that is taken: nothing that is long enough is held back. Only the tail may be
    shorter.

    Args:
        sample_rate: Rate of the audio, in Hz.
        bytes_per_sample: Width of a sample.
        shortest_ms: The least that a message may carry, in milliseconds.
    """

    def __init__(self, sample_rate: int, bytes_per_sample: int, shortest_ms: int = _SHORTEST_MS) -> None:
        samples = -(-sample_rate * shortest_ms // 1000)  # rounded up
        self._width_bytes = bytes_per_sample
        self._chunk_bytes = samples * bytes_per_sample
        self._pending = bytearray()

    @property
    def pending_bytes(self) -> int:
        """How much waits for more."""
        return len(self._pending)

    def push(self, data: memoryview | bytes | bytearray) -> list[bytes]:
        """Take some audio and give the chunks that are ready."""
        self._pending += data
        count = len(self._pending) // self._chunk_bytes
        if not count:
            return []
        usable_bytes = len(self._pending) - len(self._pending) % self._width_bytes
        cuts = [index * self._chunk_bytes for index in range(count)] + [usable_bytes]
        chunks = [bytes(self._pending[start:end]) for start, end in itertools.pairwise(cuts)]
        del self._pending[:usable_bytes]
        return chunks

    def finish(self) -> bytes:
        """Give what is left, which may be short or nothing. Half a sample at the very end is dropped."""
        usable_bytes = len(self._pending) - len(self._pending) % self._width_bytes
        tail = bytes(self._pending[:usable_bytes])
        self._pending.clear()
        return tail
