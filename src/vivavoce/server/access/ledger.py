"""The sessions that are open, those that are over, and their owners."""

from __future__ import annotations

from collections import Counter, deque
from typing import Final

from vivavoce.errors import ProtocolViolation
from vivavoce.types import Failure

__all__ = ["Ledger"]

_MAX_REMEMBERED: Final = 10_000


class Ledger:
    """Counts open sessions by owner, and remembers the latest of those that are over."""

    def __init__(self, max_per_owner: int | None) -> None:
        """Begin empty.

        Args:
            max_per_owner: Largest number of open sessions of one owner; None: no limit.
        """
        self._max_per_owner = max_per_owner
        self._open: dict[str, str] = {}  # session id -> owner
        self._open_by_owner: Counter[str] = Counter()
        self._over: deque[str] = deque(maxlen=_MAX_REMEMBERED)  # session ids

    def begin(self, session_id: str, owner: str) -> None:
        """Note that a session begins.

        Raises:
            ProtocolViolation: Its owner has as many open sessions as the limit allows.
        """
        limit = self._max_per_owner
        if limit is not None and self._open_by_owner[owner] >= limit:
            raise ProtocolViolation(Failure.BUSY, f"at most {limit} at a time with one key")
        self._open[session_id] = owner
        self._open_by_owner[owner] += 1

    def end(self, session_id: str) -> None:
        """Note that a session is over."""
        owner = self._open.pop(session_id)
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
