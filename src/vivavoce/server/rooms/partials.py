"""The unfinished turns of a room: only the latest of each speaker counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vivavoce.server.rooms.content import Partial

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Partials"]


class Partials:
    """The latest unfinished turn of each speaker.

    Attributes:
        version: Grows with every change.
    """

    def __init__(self) -> None:
        """Begin without unfinished turns."""
        self.version = 0
        self._shown: dict[int, Partial] = {}  # by speaker
        self._versions: dict[int, int] = {}  # of the turn of each speaker, removed ones included

    @property
    def all(self) -> tuple[Partial, ...]:
        """The unfinished turns, one a speaker."""
        return tuple(self._shown.values())

    def since(self, version: int) -> list[Partial]:
        """Those that are newer than a version; of removed ones, empty turns."""
        return [
            self._shown.get(source, Partial(source))
            for source, newest in self._versions.items()
            if newest > version
        ]

    def show(self, partial: Partial) -> None:
        """Take an unfinished turn in place of the one before of its speaker; an empty one removes that."""
        if partial.stable or partial.tail:
            if self._shown.get(partial.source) == partial:
                return
            self._shown[partial.source] = partial
        elif self._shown.pop(partial.source, None) is None:
            return
        self.version += 1
        self._versions[partial.source] = self.version

    def copy(self) -> Partials:
        """Return a copy, which then lives on its own."""
        other = Partials()
        other.version, other._shown, other._versions = self.version, dict(self._shown), dict(self._versions)
        return other

    def take(self, others: Partials, sources: Mapping[int, int | None]) -> None:
        """Show what others show, and nothing else; readers of either see the newest.

        Args:
            others: The unfinished turns of another copy of the room.
            sources: What each of their speakers is here; None, or none: it is not here.
        """
        gone = {each.source for each in self.all}
        shown = [(sources.get(each.source), each) for each in others.all]
        self.version = max(self.version, others.version)
        for source in gone | {place for place in sources.values() if place is not None}:
            self.version += 1
            self._versions[source] = self.version
        self._shown = {
            source: Partial(source, each.start_ms, each.stable, each.tail)
            for source, each in shown
            if source is not None
        }
