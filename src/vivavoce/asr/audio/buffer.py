"""The samples of a session that may still be needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from vivavoce.asr.audio.pcm import Samples

__all__ = ["SampleBuffer"]

_FIRST_CAPACITY: Final = 16_384


class SampleBuffer:
    """Samples addressed by their position since the start of the session; old samples can be dropped.

    The samples are in one array that grows by doubling. Dropping moves no sample until half of it is unused.
    """

    def __init__(self) -> None:
        self._array = np.zeros(_FIRST_CAPACITY, dtype=np.float32)
        self._offset = 0  # index in the array of the first kept sample
        self._start = 0  # position in the session of that sample
        self._length = 0  # number of kept samples

    @property
    def start(self) -> int:
        """Position of the oldest kept sample."""
        return self._start

    @property
    def end(self) -> int:
        """Position after the newest sample."""
        return self._start + self._length

    def append(self, samples: Samples) -> None:
        """Add samples at the end."""
        needed = self._offset + self._length + len(samples)
        if needed > len(self._array):
            self._reserve(self._length + len(samples))
        tail = self._offset + self._length
        self._array[tail : tail + len(samples)] = samples
        self._length += len(samples)

    def _reserve(self, length: int) -> None:
        """Move the kept samples to the start of an array of at least twice this length."""
        capacity = _FIRST_CAPACITY
        while capacity < 2 * length:
            capacity *= 2
        array = np.zeros(capacity, dtype=np.float32)
        array[: self._length] = self._array[self._offset : self._offset + self._length]
        self._array = array
        self._offset = 0

    def drop_before(self, position: int) -> None:
        """Drop all samples before a position."""
        n = min(max(0, position - self._start), self._length)
        self._offset += n
        self._start += n
        self._length -= n

    def copy(self, start: int, end: int) -> Samples:
        """Copy the samples from ``start`` up to, not including, ``end``.

        Raises:
            IndexError: Some of them were dropped, or are not there yet.
        """
        if not self._start <= start <= end <= self.end:
            raise IndexError(f"{start}..{end} must be within {self._start}..{self.end}")
        first = self._offset + start - self._start
        return self._array[first : first + end - start].copy()
