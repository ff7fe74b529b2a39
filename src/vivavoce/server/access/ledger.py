"""Which sessions there are and were, and whose they are."""

from __future__ import annotations

from collections import Counter, deque
from typing import Final

from vivavoce.errors import ProtocolViolation
from vivavoce.types import Failure

__all__ = ["Ledger"]

_REMEMBERED: Final = 10_000


class Ledger:
    """Counts sessions by owner, and remembers the newest of those that are over."""

    def __init__(self, max_per_owner: int | None) -> None:
        """Begin empty.

        Args:
            max_per_owner: How many sessions an owner may have open; None: no limit.
        """
        self._max_per_owner = max_per_owner
        self._open: dict[str, str] = {}
        self._owned: Counter[str] = Counter()
        self._over: deque[str] = deque(maxlen=_REMEMBERED)

    def begin(self, session_id: str, owner: str) -> None:
        """Note that a session begins.

        Raises:
            ProtocolViolation: Its owner has as many as allowed.
        """
        limit = self._max_per_owner
        if limit is not None and self._owned[owner] >= limit:
            raise ProtocolViolation(Failure.BUSY, f"at most {limit} at a time with one key")
        self._open[session_id] = owner
        self._owned[owner] += 1

    def end(self, session_id: str) -> None:
        """Note that a session is over."""
        owner = self._open.pop(session_id)
        self._owned[owner] -= 1
        if not self._owned[owner]:
            del self._owned[owner]
        self._over.append(session_id)

    def refuse_return(self, session_id: str) -> ProtocolViolation:
        """Say why nobody can return to a session: it lives and dies with its WebSocket."""
        if session_id in self._open:
            return ProtocolViolation(Failure.SESSION_ELSEWHERE)
        known = session_id in self._over
        return ProtocolViolation(Failure.SESSION_OVER if known else Failure.SESSION_UNKNOWN)
