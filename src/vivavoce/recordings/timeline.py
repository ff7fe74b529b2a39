"""Places decoded audio on the clock of its container, so that captions fit the film."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

__all__ = ["Timeline"]

_TOLERANCE_S: Final = 0.05  # containers round the times of frames to milliseconds, or to video frames
_LONGEST_GAP_S: Final = 3_600.0  # where the length of the recording is unknown
_LONGEST_JUMP_S: Final = 10.0  # in a broadcast; a longer one is another clock
_SLACK_S: Final = 1.0  # between the length that a container states and its end


@dataclass(slots=True)
class Timeline:
    """Decides how much silence belongs before a frame.

    Only a time that the next frame confirms counts: a damaged one stands alone. Audio that comes early
    follows what came before, since dropping it would lose words.

    Attributes:
        duration_s: Length of the recording, in seconds; None: unknown.
        has_jumps: Whether the clock of the container may jump, as those of broadcasts do.
        shift_s: Subtracted from the time of every frame, in seconds: the start of the container's clock, and
            the jumps so far.
    """

    duration_s: float | None
    has_jumps: bool
    shift_s: float

    def silence_before(
        self, time_s: float | None, end_s: float | None, next_s: float | None, position_s: float
    ) -> float:
        """Return the length of the silence before a frame, in seconds.

        Args:
            time_s: Time of the frame on the container's clock; None: it states none.
            end_s: Time at which it ends.
            next_s: Time of the next frame; None: there is none, or it states none.
            position_s: Length of the audio before the frame, silence included.
        """
        if time_s is None or end_s is None or not math.isfinite(time_s):
            return 0.0
        gap_s = time_s - self.shift_s - position_s
        if abs(gap_s) <= _TOLERANCE_S or (next_s is not None and abs(next_s - end_s) > _TOLERANCE_S):
            return 0.0
        if self.has_jumps and abs(gap_s) > _LONGEST_JUMP_S and position_s > 0:
            self.shift_s += gap_s
            return 0.0
        return gap_s if 0 < gap_s <= self._longest_gap_s(position_s) else 0.0

    def _longest_gap_s(self, position_s: float) -> float:
        if self.duration_s is None:
            return _LONGEST_GAP_S
        return self.duration_s + _SLACK_S - position_s
