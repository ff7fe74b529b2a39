"""The changes of a room that no reader may miss: numbered, and kept for those that come back."""

from __future__ import annotations

import zlib
from collections import deque
from typing import TYPE_CHECKING, Final

import msgspec

from vivavoce.server.rooms.content import Change

if TYPE_CHECKING:
    from vivavoce.server.rooms.content import Line, StateChange, VoicesChange

__all__ = ["Changes"]

_MAX_CHANGES: Final = 1_000  # a reader that missed more gets a new snapshot


class Changes:
    """The latest changes of a room.

    Attributes:
        number: Of the last one; 0: there was none.
        chain: A checksum of all of them: where it is the same, so were they.
    """

    def __init__(self, number: int = 0, chain: int = 0) -> None:
        """Begin without changes.

        Args:
            number: How many there were before.
            chain: The checksum of those.
        """
        self.number = number
        self.chain = chain
        self._latest: deque[Change] = deque(maxlen=_MAX_CHANGES)
        self._before = number, chain  # the oldest place whose checksum is known

    def begin_with(self, content: object) -> None:
        """Let the checksum depend on what is there before the first change."""
        self.chain = zlib.crc32(msgspec.msgpack.encode(content), self.chain)
        self._before = self.number, self.chain

    def note(
        self, content: Line | StateChange | VoicesChange, *, is_replacement: bool = False, salt: str = ""
    ) -> None:
        """Add a change.

        Args:
            content: What readers learn.
            is_replacement: Whether a line takes the place of an earlier one.
            salt: What else tells it from others.
        """
        self.number += 1
        self.chain = zlib.crc32(msgspec.msgpack.encode((content, salt)), self.chain)
        self._latest.append(Change(self.number, content, is_replacement, self.chain))

    def since(self, number: int) -> list[Change] | None:
        """The changes after the one of a number; None if they are no longer all known."""
        missed = self.number - number
        if number < 0 or missed < 0 or missed > len(self._latest):
            return None
        return [self._latest[place] for place in range(len(self._latest) - missed, len(self._latest))]

    def chain_at(self, number: int) -> int | None:
        """The checksum of all changes up to the one of a number; None if it is no longer known."""
        if number == self.number:
            return self.chain
        if number == self._before[0]:
            return self._before[1]
        following = self.since(number - 1) if number > 0 else None
        return following[0].chain if following else None

    def copy(self) -> Changes:
        """Return a copy, which then lives on its own."""
        other = Changes(self.number, self.chain)
        other._latest.extend(self._latest)
        other._before = self._before
        return other
