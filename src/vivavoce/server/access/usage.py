"""How much audio each key has used today, over all servers that share its key store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DailyUsage", "day_of"]

_DAY_S: Final = 86_400
_KEPT_DAYS: Final = 2  # yesterday's, in case the clock is set back


def day_of(unix_now: float) -> int:
    """Return the day of UTC that a moment lies in, in days since 1970."""
    return int(unix_now // _DAY_S)


class DailyUsage:
    """Seconds of audio by day and owner: what the store holds, and what it does not hold yet.

    Each server adds to the store what it has served, and reads what others have added. Between two such
    exchanges it knows all of its own use and misses at most that much of the others'.
    """

    def __init__(self) -> None:
        self._stored: dict[tuple[int, str], float] = {}  # as last read from the store
        self._unsaved: dict[tuple[int, str], float] = {}  # served since then
        self._being_saved: dict[tuple[int, str], float] = {}  # while an exchange with the store is under way

    def add(self, owner: str, seconds: float, day: int) -> None:
        """Note audio.

        Args:
            owner: Whose it is.
            seconds: Its length, in seconds.
            day: As `day_of` returns it.
        """
        self._unsaved[day, owner] = self._unsaved.get((day, owner), 0.0) + seconds

    def used_s(self, owner: str, day: int) -> float:
        """Return the seconds of audio that an owner has used on a day."""
        return sum(part.get((day, owner), 0.0) for part in (self._stored, self._unsaved, self._being_saved))

    def begin_saving(self) -> dict[tuple[int, str], float]:
        """Return what the store does not hold yet; `saved` or `not_saved` must follow."""
        self._being_saved, self._unsaved = self._unsaved, {}
        return dict(self._being_saved)

    def saved(self, stored: Mapping[tuple[int, str], float], day: int) -> None:
        """Take what the store holds, after it has added what `begin_saving` returned.

        Args:
            stored: Seconds by day and owner, of today and yesterday at least.
            day: Today.
        """
        self._being_saved = {}
        self._stored = {key: seconds for key, seconds in stored.items() if key[0] > day - _KEPT_DAYS}

    def not_saved(self) -> None:
        """Keep what the store could not add."""
        lost, self._being_saved = self._being_saved, {}
        for (day, owner), seconds in lost.items():
            self.add(owner, seconds, day)
