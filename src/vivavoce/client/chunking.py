"""Converts audio of any type to bytes, and cuts it into messages of the length that a protocol requires."""

from __future__ import annotations

import itertools
import math
import sys
from array import array
from typing import TYPE_CHECKING, Final

from vivavoce.errors import ConfigurationError
from vivavoce.protocol.aai_v2.messages import MIN_AUDIO_MS

if TYPE_CHECKING:
    from typing_extensions import Buffer  # for the type checker only

__all__ = ["Audio", "Chunker", "as_bytes", "check_source_rate", "is_audio"]

if TYPE_CHECKING:
    Audio = Buffer
    """Samples of one channel: bytes, or an array (NumPy's or Python's) of int16 or of floats in -1..1."""
else:
    Audio = object

_BYTES: Final = frozenset("Bbc")
_FLOATS: Final = frozenset("fd")
_INT16: Final = "h"

_LOUDEST: Final = 8.0  # 18 dB over full scale: beyond it floats are not samples in -1..1


def _little_endian(samples: array[int]) -> memoryview:
    if sys.byteorder == "big":
        samples.byteswap()
    return memoryview(samples).cast("B")


def _from_floats(values: array[float]) -> array[int]:
    # Values a little outside -1..1 are clipped; NaN becomes silence.
    finite = [value for value in values if math.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    peak = max(-low, high)
    if peak > _LOUDEST or (peak > 1 and all(value.is_integer() for value in finite)):
        raise ConfigurationError(
            f"samples as floats must be in -1..1, got values in {low:g}..{high:g}; "
            "divide them by 32768, or convert them to int16"
        )
    return array(
        _INT16, (0 if math.isnan(value) else round(max(-1.0, min(1.0, value)) * 32767) for value in values)
    )


def as_bytes(data: object, *, is_pcm: bool = True) -> memoryview:
    """Return audio as the bytes to send, without a copy if possible.

    Args:
        data: ``bytes``, ``bytearray``, ``memoryview``, or an array of one channel with the buffer protocol,
            such as NumPy's: shape (n,), or (n, 1), of 8-bit values, which are sent as they are, of int16, or
            of float32 or float64 in -1..1.
        is_pcm: Whether 16-bit PCM is sent; otherwise only bytes are valid.

    Raises:
        ConfigurationError: Floats have the values of 16-bit samples.
        TypeError: It is none of these.
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


def check_source_rate(source: object, sample_rate: int | None) -> None:
    """Check that a source that states its ``sample_rate``, such as a microphone, has that of the session.

    Args:
        source: Anything that a program sends.
        sample_rate: The session's rate, in Hz; None where the encoding carries it.

    Raises:
        ConfigurationError: The rates differ.
    """
    rate = getattr(source, "sample_rate", None)
    if isinstance(rate, int) and sample_rate is not None and rate != sample_rate:
        raise ConfigurationError(
            f"the source has {rate} Hz and the session {sample_rate} Hz; "
            f"open {type(source).__name__} with sample_rate={sample_rate}, or the session with {rate}"
        )


def is_audio(data: object) -> bool:
    """Return whether `data` is one piece of audio rather than an iterable of pieces."""
    if isinstance(data, bytes | bytearray | memoryview | str):
        return True  # as_bytes() refuses a string
    try:
        memoryview(data)  # type: ignore[arg-type]
    except TypeError:
        return False
    except (BufferError, ValueError):
        return True
    return True


class Chunker:
    """Joins audio that is too short for a message and divides audio that is too long.

    The same bytes come out in the same order, in chunks of one to just under two times the shortest length:
    audio that is long enough never waits. Only the last chunk may be shorter.

    Args:
        sample_rate: Rate of the audio, in Hz.
        bytes_per_sample: Width of a sample of all channels.
        shortest_ms: Least audio in a message, in milliseconds.
    """

    def __init__(self, sample_rate: int, bytes_per_sample: int, shortest_ms: int = MIN_AUDIO_MS) -> None:
        samples = -(-sample_rate * shortest_ms // 1000)  # rounded up
        self._width_bytes = bytes_per_sample
        self._chunk_bytes = samples * bytes_per_sample
        self._pending = bytearray()  # too short for a message

    @property
    def pending_bytes(self) -> int:
        """Size of the audio that waits for more, in bytes."""
        return len(self._pending)

    def push(self, data: memoryview | bytes | bytearray) -> list[bytes]:
        """Add audio; return the chunks that are complete."""
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
        """Return the rest, which may be short or empty. An incomplete sample at its end is dropped."""
        usable_bytes = len(self._pending) - len(self._pending) % self._width_bytes
        tail = bytes(self._pending[:usable_bytes])
        self._pending.clear()
        return tail
