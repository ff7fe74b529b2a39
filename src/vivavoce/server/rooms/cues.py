"""The captions of a room, made as its lines come: a long talk is never broken into cues twice."""

from __future__ import annotations

import asyncio
import copy
import threading
from typing import TYPE_CHECKING, Final

from vivavoce.captions import Captioner, SpeakerMark, Style, captions
from vivavoce.server.rooms.content import named_turn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.captions import Cue
    from vivavoce.server.rooms.content import Line
    from vivavoce.server.rooms.room import Room
    from vivavoce.store.words import NamedTurn

__all__ = ["GrowingCues", "RoomCues"]

_APART_MS: Final = Style().max_ms + Style().gap_ms
"""After a silence this long no cue depends on what was said before it, in milliseconds."""


class _Block:
    """Lines without a long silence between them, and their cues."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.begin_ms = 0
        self.end_ms = 0
        self._turns: list[NamedTurn] = []  # the lines, with the names of their speakers
        self._captioner = Captioner(speakers=SpeakerMark.NAME)
        self._complete: list[Cue] = []  # by the captioner, without those that the next line may still change
        self._has_one_source = True

    def add(self, line: Line, names: tuple[str, ...]) -> None:
        self._has_one_source = self._has_one_source and (
            not self.lines or line.source == self.lines[0].source
        )
        if not self.lines:
            self.begin_ms = line.start_ms
        self.lines.append(line)
        self._turns.append(named_turn(line, names))
        self.end_ms = max(self.end_ms, line.end_ms)
        if self._has_one_source:
            self._complete += self._captioner.add(self._turns[-1])

    def drop_before(self, line: Line) -> None:
        """Drop the lines before another one, and their cues."""
        n_gone = sum(each.id < line.id for each in self.lines)
        del self.lines[:n_gone], self._turns[:n_gone]
        self._complete = [cue for cue in self._complete if cue.end_ms > line.start_ms]

    def cues(self) -> list[Cue]:
        """The cues so far. Sources share time, so where there are several all lines are broken again."""
        if not self._has_one_source:
            turns = sorted(self._turns, key=lambda turn: turn.words[0].start_ms)  # however they were added
            return captions(turns, speakers=SpeakerMark.NAME)
        return [*self._complete, *copy.deepcopy(self._captioner).finish()]


class GrowingCues:
    """The cues of lines that are only added, as a rule: those before a long silence are never made again."""

    def __init__(self) -> None:
        self._lines: tuple[Line, ...] = ()  # whose cues are known
        self._names: tuple[str, ...] = ()  # of the voices then
        self._settled: list[Cue] = []  # of all blocks but the last
        self._block = _Block()
        self._lock = threading.Lock()  # a caller that was cancelled may have left a thread here

    def update(self, lines: tuple[Line, ...], names: tuple[str, ...] = ()) -> list[Cue]:
        """Return the cues of all lines, in the order of time.

        All of them are made again only if a line is corrected, a speaker gets another name, or a speaker ends
        a turn that began before all that was said since the last long silence. Cues of lines that are gone,
        because there are too many, are dropped.

        Args:
            lines: All lines now.
            names: The names of the room's voices, by number.
        """
        with self._lock:
            is_renamed = names[: len(self._names)] != self._names
            self._names = names
            n_dropped = lines[0].id - self._lines[0].id if lines and self._lines else 0
            known = self._lines[max(0, n_dropped) :]
            fresh = lines[len(known) :]
            is_late = any(line.start_ms < self._block.begin_ms for line in fresh)
            if n_dropped < 0 or lines[: len(known)] != known or is_late or is_renamed:
                self._settled, self._block, fresh = [], _Block(), lines
            elif n_dropped:
                self._settled = [cue for cue in self._settled if cue.end_ms > lines[0].start_ms]
                self._block.drop_before(lines[0])
            self._lines = ()  # if this fails, everything is made again
            for line in sorted(fresh, key=lambda line: line.start_ms):
                if self._block.lines and line.start_ms - self._block.end_ms >= _APART_MS:
                    self._settled += self._block.cues()
                    self._block = _Block()
                self._block.add(line, names)
            self._lines = lines
            return [*self._settled, *self._block.cues()]


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

    def follow(self, room: Room) -> None:
        """Make the cues of a copy of the room from now on."""
        self._room = room
        self._number = -1

    async def get(self) -> Sequence[Cue]:
        """Return the cues so far, in the order of time.

        They are made on a thread: those of a talk that nobody has asked about yet take a while.
        """
        async with self._lock:
            number = self._room.number
            if number != self._number:
                self._cues = await asyncio.to_thread(
                    self._growing.update, self._room.lines, self._room.voices.names
                )
                self._number = number
            return self._cues
