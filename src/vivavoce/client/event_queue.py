"""Events that wait to be read."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MANY", "EventQueue"]

MANY: Final = 256
"""Above it, a new state of an unfinished turn replaces the one before it that nobody has read."""

Event = TypeVar("Event")


class EventQueue(Generic[Event]):
    """Loses nothing that counts, and does not grow without end where nobody reads.

    A finished turn is never dropped, so for every turn that nobody reads one event stays.

    Args:
        supersedes: Whether the first of two events makes the one just before it superfluous.
    """

    def __init__(self, supersedes: Callable[[Event, Event], bool]) -> None:
        self._supersedes = supersedes
        self._events: deque[Event] = deque()

    def __bool__(self) -> bool:
        return bool(self._events)

    def append(self, event: Event) -> None:
        """Add the newest event."""
        if len(self._events) >= MANY and self._supersedes(event, self._events[-1]):
            self._events.pop()
        self._events.append(event)

    def take(self) -> Event | None:
        """The oldest event, or None."""
        return self._events.popleft() if self._events else None
