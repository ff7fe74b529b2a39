"""The sessions that are open, those that are over, their owners, and what these use."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, Final

from vivavoce.errors import ProtocolViolation
from vivavoce.server.access.usage import DailyUsage, day_of
from vivavoce.store import KeyLimits
from vivavoce.types import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Ledger", "too_many"]

_MAX_REMEMBERED: Final = 10_000
_NO_LIMITS: Final = KeyLimits()


class Ledger:
    """Counts open sessions and the audio of a day by owner, and remembers the latest sessions that are over.

    Attributes:
        usage: The audio of each day.
    """

    def __init__(
        self, max_per_owner: int | None, limits_of: Callable[[str], KeyLimits] | None = None
    ) -> None:
        """Begin empty.

        Args:
            max_per_owner: Largest number of open sessions of any owner; None: no limit.
            limits_of: Returns the present limits of one owner; None: there are none, and audio is not
                counted.
        """
        self.usage = DailyUsage()
        self._max_per_owner = max_per_owner
        self._limits_of = limits_of or (lambda _: _NO_LIMITS)
        self._counts_audio = limits_of is not None
        self._open: dict[str, str] = {}  # session id -> owner
        self._heard_s: dict[str, float] = {}  # session id -> seconds of audio so far
        self._open_by_owner: Counter[str] = Counter()
        self._over: deque[str] = deque(maxlen=_MAX_REMEMBERED)  # session ids

    def begin(self, session_id: str, owner: str, unix_now: float = 0.0) -> None:
        """Note that a session begins.

        Args:
            session_id: Its id.
            owner: Whose it is.
            unix_now: In seconds since 1970.

        Raises:
            ProtocolViolation: Its owner has as many open sessions as the limit allows, or has used up the
                audio of the day.
        """
        limit = self.limit_of(owner)
        if limit is not None and self._open_by_owner[owner] >= limit:
            raise too_many(limit)
        self._check_minutes(owner, unix_now)
        self._open[session_id] = owner
        self._heard_s[session_id] = 0.0
        self._open_by_owner[owner] += 1

    def limit_of(self, owner: str) -> int | None:
        """Return how many open sessions an owner may have; None: there is no limit."""
        limits = [self._max_per_owner, self._limits_of(owner).sessions]
        return min((each for each in limits if each is not None), default=None)

    @property
    def open_by_owner(self) -> Mapping[str, int]:
        """How many sessions each owner has open; those with none are missing."""
        return self._open_by_owner

    def note_audio(self, session_id: str, audio_s: float, unix_now: float) -> None:
        """Note how much audio an open session has received.

        Args:
            session_id: Its id.
            audio_s: All of it since the session began, over all channels, in seconds.
            unix_now: In seconds since 1970.

        Raises:
            ProtocolViolation: Its owner has used up the audio of the day.
        """
        owner = self._open[session_id]
        more_s = audio_s - self._heard_s[session_id]
        if self._counts_audio and more_s > 0:
            self._heard_s[session_id] = audio_s
            self.usage.add(owner, more_s, day_of(unix_now))
        self._check_minutes(owner, unix_now)

    def _check_minutes(self, owner: str, unix_now: float) -> None:
        minutes = self._limits_of(owner).daily_minutes
        if minutes is not None and self.usage.used_s(owner, day_of(unix_now)) >= 60 * minutes:
            raise ProtocolViolation(
                Failure.NO_FUNDS,
                f"the {minutes:g} audio minutes a day of this key are used up until 00:00 UTC",
            )

    def end(self, session_id: str) -> None:
        """Note that a session is over."""
        owner = self._open.pop(session_id)
        del self._heard_s[session_id]
        self._open_by_owner[owner] -= 1
        if not self._open_by_owner[owner]:
            del self._open_by_owner[owner]
        self._over.append(session_id)

    def resume_error(self, session_id: str) -> ProtocolViolation:
        """Return why a client cannot resume a session: a session ends with its WebSocket."""
        if session_id in self._open:
            return ProtocolViolation(Failure.SESSION_ELSEWHERE)
        known = session_id in self._over
        return ProtocolViolation(Failure.SESSION_OVER if known else Failure.SESSION_UNKNOWN)


def too_many(limit: int) -> ProtocolViolation:
    """Return why an owner with as many sessions as its limit allows gets no other one."""
    return ProtocolViolation(Failure.BUSY, f"at most {limit} at a time with one key")
