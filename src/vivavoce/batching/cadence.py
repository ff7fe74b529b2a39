"""How often partials are decoded: as often as wanted while there is time, less often under load."""

from __future__ import annotations

import math
from typing import Final

__all__ = ["CadenceControl"]

_LONGEST_MS: Final = 1_600.0
_BUSY_WAIT_S: Final = 0.12
_IDLE_WAIT_S: Final = 0.05
_UP: Final = 1.08
_DOWN: Final = 0.97
_SATURATED_WAIT_S: Final = 0.4
_MEMORY: Final = 0.9
_FORGET_S: Final = 5.0


class CadenceControl:
    """Stretches the cadence while passes wait and lets it recover when they don't.

    A multiplicative rise and a slower fall, so that the cadence creeps back to where the load allows it.
    Where no pass was made for a while there is no load, whatever there was before. Pure: whoever serves
    passes tells how long they waited.
    """

    def __init__(self, shortest_ms: float) -> None:
        """Begin at ease.

        Args:
            shortest_ms: The cadence that is wanted, in milliseconds of audio.
        """
        self._shortest_ms = shortest_ms
        self._cadence_ms = shortest_ms
        self._wait_s = 0.0
        self._noted = -math.inf

    @property
    def cadence_ms(self) -> float:
        """Audio between two partials of an utterance, in milliseconds."""
        return self._cadence_ms

    def is_saturated(self, now: float) -> bool:
        """Whether passes wait long although partials are as rare as they may be.

        Args:
            now: Wall time, in seconds.
        """
        is_busy = self._cadence_ms >= _LONGEST_MS and self._wait_s > _SATURATED_WAIT_S
        return is_busy and now - self._noted <= _FORGET_S

    def waited(self, wait_s: float, now: float) -> None:
        """Note how long the longest waiting pass of a batch had waited.

        Args:
            wait_s: In seconds.
            now: Wall time, in seconds.
        """
        if now - self._noted > _FORGET_S:
            self._cadence_ms, self._wait_s = self._shortest_ms, 0.0
        self._noted = now
        self._wait_s = _MEMORY * self._wait_s + (1 - _MEMORY) * wait_s
        if self._wait_s > _BUSY_WAIT_S:
            self._cadence_ms = min(_LONGEST_MS, self._cadence_ms * _UP)
        elif self._wait_s < _IDLE_WAIT_S:
            self._cadence_ms = max(self._shortest_ms, self._cadence_ms * _DOWN)
