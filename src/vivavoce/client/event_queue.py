"""Events of a session that wait to be read."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MANY", "EventQueue"]

MANY: Final = 256
"""Number of events from which a new state of an unfinished turn replaces the unread state before it."""

Event = TypeVar("Event")


class EventQueue(Generic[Event]):
    """A queue that never drops a finished turn, and of an unread unfinished turn keeps only the newest state.

    So a session without a reader adds one event for each turn.

    Args:
        supersedes: Returns whether its first argument replaces its second, the event before it.
    """

    def __init__(self, supersedes: Callable[[Event, Event], bool]) -> None:
        self._supersedes = supersedes
        self._events: deque[Event] = deque()

    def __bool__(self) -> bool:
        return bool(self._events)

    def append(self, event: Event) -> None:
        """Add an event."""
        if len(self._events) >= MANY and self._supersedes(event, self._events[-1]):
            self._events.pop()
        self._events.append(event)

    def take(self) -> Event | None:
        """Remove and return the oldest event; None if there is none."""
        return self._events.popleft() if self._events else None
