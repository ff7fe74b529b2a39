"""How long a speaker pauses before going on."""

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
    """The last pauses of a session behind which somebody went on, inside a turn or right after its end."""

    def __init__(self) -> None:
        self._logarithms: deque[float] = deque(maxlen=_REMEMBERED)

    def note(self, pause_ms: float) -> None:
        """Note that speech went on after a pause; shorter ones say nothing, longer ones are ends."""
        if _SHORTEST_MS <= pause_ms < _LONGEST_MS:
            self._logarithms.append(math.log(pause_ms / _PRIOR_MS))

    @property
    def usual_ms(self) -> float:
        """Their geometric mean; 400 ms, as if two such had been heard, until more is known."""
        mean = sum(self._logarithms) / (len(self._logarithms) + _PRIOR_WEIGHT)
        return _PRIOR_MS * math.exp(mean)
