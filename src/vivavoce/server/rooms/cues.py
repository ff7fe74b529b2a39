"""The captions of a room, made as its lines come: a long talk is never broken into cues twice."""

from __future__ import annotations

import asyncio
import copy
from typing import TYPE_CHECKING

from vivavoce.captions import Captioner, captions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.captions import Cue
    from vivavoce.server.rooms.room import Line, Room

__all__ = ["GrowingCues", "RoomCues"]


class GrowingCues:
    """The cues of lines that are only added, as a rule. It has no threads and no clock."""

    def __init__(self) -> None:
        self._captioner = Captioner()
        self._lines: tuple[Line, ...] = ()  # that the captioner got
        self._complete: list[Cue] = []  # of these, without those that the next line may still change

    def update(self, lines: tuple[Line, ...]) -> list[Cue]:
        """Return the cues of all lines, as `captions` makes them.

        Only new lines are broken into cues, as long as one speaker speaks and no line is corrected. Cues of
        lines that are gone, because there are too many, are dropped.

        Args:
            lines: All lines now.
        """
        if len({line.source for line in lines}) > 1:  # speakers share time, so each line may move all others
            return captions(lines)
        n_dropped = lines[0].id - self._lines[0].id if lines and self._lines else 0
        known = self._lines[max(0, n_dropped) :]
        if n_dropped < 0 or lines[: len(known)] != known:
            self._captioner, self._complete, known = Captioner(), [], ()
        elif n_dropped:
            self._complete = [cue for cue in self._complete if cue.end_ms > lines[0].start_ms]
        for line in lines[len(known) :]:
            self._complete += self._captioner.add(line)
        self._lines = lines
        return [*self._complete, *copy.deepcopy(self._captioner).finish()]


class RoomCues:
    """The cues of one room, up to date whenever somebody asks for them."""

    def __init__(self, room: Room) -> None:
        """Prepare to make cues.

        Args:
            room: The room.
        """
        self._room = room
        self._growing = GrowingCues()
        self._number = -1  # of the room's last change that the cues contain
        self._cues: Sequence[Cue] = ()
        self._lock = asyncio.Lock()  # one update at a time

    async def get(self) -> Sequence[Cue]:
        """Return the cues so far, in the order of time.

        They are made on a thread: those of a talk that nobody has asked about yet take a while.
        """
        async with self._lock:
            number = self._room.number
            if number != self._number:
                self._cues = await asyncio.to_thread(self._growing.update, self._room.lines)
                self._number = number
            return self._cues
