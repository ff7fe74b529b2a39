"""How fast the audio of a live session is read: as fast as it comes at first, then at a bounded speed.

What a client sends faster than speech is decoded before anybody speaks it, at the cost of those who do speak.
A client that is read more slowly is slowed down by TCP and loses nothing.
"""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from typing import Final

__all__ = ["FastSenders", "ReadingPace"]

_FREE_S: Final = 20.0  # what a client sends again after a lost connection, and an SDK sends ahead
_SPEED: Final = 10.0
_SLOW_FREE_S: Final = 2.0
_SLOW_SPEED: Final = 2.0  # a client in time is not slowed down, and one that lost its connection catches up
_TOO_OFTEN: Final = 3  # others may have the same address
_REMEMBERED_S: Final = 60.0
_MOST_REMEMBERED: Final = 10_000


class ReadingPace:
    """Says how long to wait before more audio is read: a bucket that leaks. Pure; the time goes in."""

    def __init__(self, *, is_slow: bool = False) -> None:
        """Begin a session.

        Args:
            is_slow: Whether the client has sent too fast lately.
        """
        self._free_s = _SLOW_FREE_S if is_slow else _FREE_S
        self._speed = _SLOW_SPEED if is_slow else _SPEED
        self._level_s = 0.0  # audio that came and did not leak out
        self._received_s = 0.0
        self._at = -math.inf  # when audio came last

    def wait_s(self, received_s: float, now: float) -> float:
        """Note how much audio has come; return for how long no more should be read, in seconds.

        Args:
            received_s: All audio since the session began, in seconds.
            now: In seconds of any steady clock.
        """
        leaked_s = self._speed * max(0.0, now - self._at)
        self._level_s = max(0.0, self._level_s - leaked_s) + received_s - self._received_s
        self._received_s, self._at = received_s, now
        return max(0.0, (self._level_s - self._free_s) / self._speed)


class FastSenders:
    """Knows who was refused again and again because of audio that came too fast. Pure."""

    def __init__(self) -> None:
        self._noted: OrderedDict[str, deque[float]] = OrderedDict()  # when each was refused, the latest last

    def note(self, who: str, now: float) -> None:
        """Remember that a client was refused.

        Args:
            who: Its key or its address.
            now: In seconds of any steady clock.
        """
        self._noted.setdefault(who, deque(maxlen=_TOO_OFTEN)).append(now)
        self._noted.move_to_end(who)
        if len(self._noted) > _MOST_REMEMBERED:
            self._noted.popitem(last=False)

    def has(self, who: str, now: float) -> bool:
        """Whether a client was refused three times within the last minute.

        Args:
            who: As for `note`.
            now: The same.
        """
        times = self._noted.get(who)
        return times is not None and len(times) == _TOO_OFTEN and now - times[0] <= _REMEMBERED_S
