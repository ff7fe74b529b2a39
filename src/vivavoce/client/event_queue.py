"""Events that wait to be read."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from vivavoce.client.events import TurnEvent

if TYPE_CHECKING:
    from vivavoce.client.events import Event

__all__ = ["MANY", "EventQueue"]

MANY: Final = 256
"""Above it, a new state of an unfinished turn replaces the one before it that nobody has read."""


class EventQueue:
    """Loses nothing that counts, and does not grow without end where nobody reads.

    A finished turn is never dropped, so for every turn that nobody reads one event stays.
    """

    def __init__(self) -> None:
        self._events: deque[Event] = deque()

    def __bool__(self) -> bool:
        return bool(self._events)

    def append(self, event: Event) -> None:
        """Add the newest event."""
        if len(self._events) >= MANY and isinstance(event, TurnEvent):
            last = self._events[-1]
            if isinstance(last, TurnEvent) and not last.end_of_turn and last.turn_order == event.turn_order:
                self._events.pop()
        self._events.append(event)

    def take(self) -> Event | None:
        """The oldest event, or None."""
        return self._events.popleft() if self._events else None
