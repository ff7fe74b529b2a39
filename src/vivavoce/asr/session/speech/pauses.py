"""The usual pause of a speaker."""

from __future__ import annotations

import math
from collections import deque
from typing import Final

__all__ = ["Pauses"]

_SHORTEST_MS: Final = 320
_LONGEST_MS: Final = 1_280
_REMEMBERED: Final = 8
_PRIOR_MS: Final = 400
_PRIOR_WEIGHT: Final = 2


class Pauses:
    """The last pauses of a session after which speech continued, inside a turn or right after its end."""

    def __init__(self) -> None:
        self._logarithms: deque[float] = deque(maxlen=_REMEMBERED)  # of the pauses over 400 ms

    def note(self, pause_ms: float) -> None:
        """Note that speech continued after a pause, in milliseconds; very short and long ones are ignored."""
        if _SHORTEST_MS <= pause_ms < _LONGEST_MS:
            self._logarithms.append(math.log(pause_ms / _PRIOR_MS))

    @property
    def usual_ms(self) -> float:
        """Their geometric mean in milliseconds, with two pauses of 400 ms as a prior."""
        mean = sum(self._logarithms) / (len(self._logarithms) + _PRIOR_WEIGHT)
        return _PRIOR_MS * math.exp(mean)
