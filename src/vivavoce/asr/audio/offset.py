"""Removes a constant offset from audio, as cheap sound cards add it, and leaves all other audio as it is."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from vivavoce.asr.audio.pcm import Samples

__all__ = ["OffsetRemover"]

_BLOCKS_PER_S: Final = 62.5
_OPENING_BLOCKS: Final = 4
_WINDOW_BLOCKS: Final = 32
_FOLLOW: Final = 1 / _WINDOW_BLOCKS  # share of a block in the mean that follows the offset
# Rumble and breath have strong means too, but these change; the recordings of the evaluation set stay below.
_LEAST_OPENING: Final = 0.02
_LEAST: Final = 0.004
_MAX_SPREAD: Final = 0.35  # of the means of the blocks, as a share of the offset


class OffsetRemover:
    """Subtracts the offset of one stream, from the first sample on, if it has one.

    A high-pass filter would change all audio. So the mean of each block of 16 ms is watched: an offset is a
    mean that stays the same for 64 ms at the beginning, or for 512 ms later. From then on the offset is
    subtracted and followed. Audio without one comes out bit by bit as it went in.

    What comes out depends on the samples alone, not on how they are divided into chunks. At the beginning
    samples are held until it is known whether they have an offset: 16 ms if not, 64 ms if so.
    """

    def __init__(self, rate_hz: int) -> None:
        """Begin a stream.

        Args:
            rate_hz: Its sample rate.
        """
        self._size = max(1, round(rate_hz / _BLOCKS_PER_S))  # samples in a block
        self._held: Samples | None = np.zeros(0, dtype=np.float32)  # the beginning; None: it is over
        self._offset = 0.0  # in force at the end of the block before
        self._step = 0.0  # by how much it changes within the block, sample by sample
        self._is_active = False  # an offset was found
        self._sum = 0.0  # of the samples of the block so far
        self._filled = 0  # how many these are
        self._means: deque[float] = deque(maxlen=_WINDOW_BLOCKS)  # of the newest blocks

    def feed(self, samples: Samples) -> Samples:
        """Take the next samples; returns those that are ready, shape (n,), float32."""
        if self._held is None:
            return self._remove(samples)
        self._held = np.concatenate([self._held, samples])
        n = min(len(self._held) // self._size, _OPENING_BLOCKS)
        if not n:
            return samples[:0]
        means = self._held[: n * self._size].reshape(n, self._size).mean(axis=1, dtype=np.float64)
        offset = _offset_of(means, _LEAST_OPENING)
        if offset and n < _OPENING_BLOCKS:
            return samples[:0]
        self._offset, self._is_active = offset, bool(offset)
        return self._release(self._held)

    def finish(self) -> Samples:
        """Return the samples that are still held; nothing may be fed after that."""
        return np.zeros(0, dtype=np.float32) if self._held is None else self._release(self._held)

    def _release(self, held: Samples) -> Samples:
        self._held = None
        return self._remove(held)

    def _remove(self, samples: Samples) -> Samples:
        pieces: list[Samples] = []
        at = 0
        while at < len(samples):
            piece = samples[at : at + self._size - self._filled]
            at += len(piece)
            if self._is_active:
                ramp = np.arange(self._filled + 1, self._filled + len(piece) + 1) * self._step
                pieces.append((piece - (self._offset + ramp)).astype(np.float32))
            else:
                pieces.append(piece)
            self._sum += float(piece.sum(dtype=np.float64))
            self._filled += len(piece)
            if self._filled == self._size:
                self._end_block()
        return np.concatenate(pieces) if len(pieces) > 1 else samples if not pieces else pieces[0]

    def _end_block(self) -> None:
        mean = self._sum / self._size
        self._means.append(mean)
        self._sum, self._filled = 0.0, 0
        self._offset += self._step * self._size
        change = 0.0
        if len(self._means) == _WINDOW_BLOCKS:
            # Asked 62 times a second, mostly without an offset; a sum costs a thirtieth of the answer.
            roughly = sum(self._means) / _WINDOW_BLOCKS - self._offset
            if abs(roughly) > _LEAST / 2:
                change = _offset_of(np.array(self._means) - self._offset, _LEAST)
        if change:
            self._is_active = True
        elif self._is_active:
            change = _FOLLOW * (mean - self._offset)
        self._step = change / self._size


def _offset_of(means: np.ndarray[tuple[int], np.dtype[np.float64]], least: float) -> float:
    """The offset of some blocks, full scale 1; 0 if their means are small or change."""
    offset = float(means.mean())
    is_constant = float(np.ptp(means)) <= _MAX_SPREAD * abs(offset)
    return offset if abs(offset) >= least and is_constant else 0.0
