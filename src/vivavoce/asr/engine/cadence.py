"""How often partials are decoded: as often as configured while there is time, less often under load."""

from __future__ import annotations

import math
from typing import Final

__all__ = ["CadenceControl"]

_LONGEST_MS: Final = 1_600.0
_LEAST_STRETCH: Final = 1.5  # of a cadence that is slow already: partials give way before sessions do
_TARGET_WAIT_S: Final = 0.15
_GAIN: Final = 0.2  # change of the logarithm per second, for no wait or a wait of twice the target
_MEMORY_S: Final = 0.5
_SATURATED_WAIT_S: Final = 0.8
_FORGET_S: Final = 5.0
_LONGEST_STEP_S: Final = 0.5


class CadenceControl:
    """Stretches the cadence while requests wait and lets it recover when they don't.

    A proportional control: the cadence changes in proportion to how much longer or shorter than the target
    requests wait. It is slow, because a change shows its effect one cadence later; a faster control swings
    between idle cores and a long queue. After some seconds without a pass the load is forgotten. Pure: the
    engine reports the waits.
    """

    def __init__(self, shortest_ms: float) -> None:
        """Begin without load.

        Args:
            shortest_ms: The configured cadence, in milliseconds of audio.
        """
        self._shortest_ms = shortest_ms
        self._longest_ms = max(_LONGEST_MS, _LEAST_STRETCH * shortest_ms)
        self._cadence_ms = shortest_ms
        self._wait_s = 0.0  # smoothed over _MEMORY_S
        self._noted = -math.inf  # wall time of the last wait

    @property
    def cadence_ms(self) -> float:
        """Audio between two partials of an utterance, in milliseconds."""
        return self._cadence_ms

    @property
    def least_share(self) -> float:
        """The part of its partials that the present cadence could come down to: 0 to 1."""
        return self._cadence_ms / self._longest_ms

    def is_saturated(self, now: float) -> bool:
        """Whether requests wait long although partials are as rare as they can be.

        Args:
            now: Wall time, in seconds.
        """
        is_busy = self._cadence_ms >= self._longest_ms and self._wait_s > _SATURATED_WAIT_S
        return is_busy and now - self._noted <= _FORGET_S

    def note_wait(self, wait_s: float, now: float) -> None:
        """Note the longest wait in the queue when a batch was planned.

        Args:
            wait_s: In seconds.
            now: Wall time, in seconds.
        """
        since_s = now - self._noted
        if since_s > _FORGET_S:
            self._cadence_ms, self._wait_s = self._shortest_ms, 0.0
        self._noted = now
        since_s = min(max(since_s, 0.0), _LONGEST_STEP_S)
        self._wait_s += (wait_s - self._wait_s) * -math.expm1(-since_s / _MEMORY_S)
        excess = min(self._wait_s / _TARGET_WAIT_S - 1, 1.0)
        stretched = self._cadence_ms * math.exp(_GAIN * excess * since_s)
        self._cadence_ms = min(self._longest_ms, max(self._shortest_ms, stretched))
