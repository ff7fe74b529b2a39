"""Cutting audio anew, so that every message is one that the protocol takes."""

from __future__ import annotations

import itertools

__all__ = ["Cutter", "as_bytes"]

_CHUNKS_PER_SECOND = 10  # the shortest that v2 takes is 100 ms; its longest is 2,000 ms


def as_bytes(data: object) -> memoryview:
    """See any of the types that audio may come in as bytes, without copying it.

    Raises:
        TypeError: It is none of them.
    """
    if not isinstance(data, bytes | bytearray | memoryview):
        raise TypeError(f"audio must be bytes, bytearray or memoryview, got {type(data).__name__}")
    view = memoryview(data)
    return view.cast("B") if view.c_contiguous else memoryview(view.tobytes())


class Cutter:
    """Gathers what is too short, divides what is too long.

    Whatever comes in, the same bytes go out in the same order, in chunks of 100 ms to just under
    200 ms: nothing that is long enough is held back. Only the tail may be shorter.
    """

    def __init__(self, sample_rate: int, bytes_per_sample: int) -> None:
        samples = -(-sample_rate // _CHUNKS_PER_SECOND)  # rounded up, as 100 ms is the least
        self._width_bytes = bytes_per_sample
        self._chunk_bytes = samples * bytes_per_sample
        self._pending = bytearray()

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
