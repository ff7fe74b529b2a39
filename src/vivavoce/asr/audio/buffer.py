"""The samples of a session that may still be needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from vivavoce.asr.audio.pcm import Samples

__all__ = ["SampleBuffer"]

_FIRST_CAPACITY = 16_384


class SampleBuffer:
    """Samples addressed by their position since the session began; old ones can be dropped.

    Memory is one array that grows by doubling; dropping moves nothing until half of it is dead.
    """

    def __init__(self) -> None:
        self._array = np.zeros(_FIRST_CAPACITY, dtype=np.float32)
        self._offset = 0  # index in the array of the first kept sample
        self._start = 0  # its position in the session
        self._length = 0

    @property
    def start(self) -> int:
        """Position of the oldest kept sample."""
        return self._start

    @property
    def end(self) -> int:
        """Position behind the newest sample."""
        return self._start + self._length

    def append(self, samples: Samples) -> None:
        """Add samples at the end."""
        needed = self._offset + self._length + len(samples)
        if needed > len(self._array):
            self._make_room(self._length + len(samples))
        tail = self._offset + self._length
        self._array[tail : tail + len(samples)] = samples
        self._length += len(samples)

    def _make_room(self, length: int) -> None:
        capacity = _FIRST_CAPACITY
        while capacity < 2 * length:
            capacity *= 2
        array = np.zeros(capacity, dtype=np.float32)
        array[: self._length] = self._array[self._offset : self._offset + self._length]
        self._array = array
        self._offset = 0

    def drop_before(self, position: int) -> None:
        """Forget everything before a position."""
        n = min(max(0, position - self._start), self._length)
        self._offset += n
        self._start += n
        self._length -= n

    def copy(self, start: int, end: int) -> Samples:
        """Samples from ``start`` up to, not including, ``end``, as an array of their own.

        Raises:
            IndexError: Part of them was dropped or has not come yet.
        """
        if not self._start <= start <= end <= self.end:
            raise IndexError(f"{start}..{end} is not within {self._start}..{self.end}")
        first = self._offset + start - self._start
        return self._array[first : first + end - start].copy()
