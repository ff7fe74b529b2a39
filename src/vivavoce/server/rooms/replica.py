"""A room on one of several servers: pure, without sockets or a clock.

All servers apply the commands of one log in its order, so their copies of the room are equal. A server
applies its own commands at once, since its readers must not wait for the log. When a command of another
server then comes before them in the log, it applies all of them again, in the order of the log.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import msgspec

from vivavoce.server.rooms.commands import Command, Join, Leave, Merge, apply
from vivavoce.server.rooms.content import RoomState
from vivavoce.server.rooms.image import RoomImage  # noqa: TC001  - msgspec reads it
from vivavoce.server.rooms.room import Room

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from vivavoce.server.rooms.content import Line

__all__ = ["Entry", "Replica", "Snapshot", "decode_entry", "decode_snapshot"]

_MAX_PENDING: Final = 2_000
_MERGED_LINES: Final = 200  # in one command


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """A command in the log of a room.

    Attributes:
        server: Where it comes from.
        seq: Its number there; numbers grow, so that one that was sent twice is taken once.
        command: The command.
    """

    server: str
    seq: int
    command: Command


class Snapshot(msgspec.Struct, frozen=True, array_like=True):
    """What the log up to some place has made of a room.

    Attributes:
        image: The room.
        seen: The last number of each server.
    """

    image: RoomImage
    seen: dict[str, int]


# Decoders are made once: two threads that decode a type for the first time at once crash (msgspec 0.22).
decode_entry: Final = msgspec.msgpack.Decoder(Entry).decode
decode_snapshot: Final = msgspec.msgpack.Decoder(Snapshot).decode


class Replica:
    """A server's copy of a room.

    Attributes:
        room: The room as this server's readers see it.
        number: Of the last command of the log that it contains.
        pending: Commands of this server that the log has not returned yet, in order.
        seats: The sessions of this server that speak in the room, with what they joined by.
        is_cut: Whether there was too much to keep it pending: the log must be read again, which shows what
            it lacks.
    """

    def __init__(
        self, name: str, server: str = "", *, on_foreign: Callable[[Command, object], None] | None = None
    ) -> None:
        """Begin with a room that nobody has opened.

        Args:
            name: Of the room.
            server: Identifies this server; empty: there is no other one, and no log.
            on_foreign: Called with each command of another server, and with what `apply` returned.
        """
        self.room = Room(name)
        self.number = 0
        self.pending: deque[Entry] = deque()
        self.seats: dict[str, Join] = {}
        self._server = server
        self._seq = 0
        self._seen: dict[str, int] = {}  # the last number of each server in the log
        self._common: Room | None = None  # without what is pending; None: nothing is
        self.is_cut = False
        self._on_foreign = on_foreign

    # --- what happens here ------------------------------------------------------------------------

    def submit(self, command: Command, seq: int = 0) -> object:
        """Apply a command of this server at once; it is pending until the log returns it.

        Args:
            command: The command.
            seq: Its number, larger than those before.

        Returns:
            What `apply` returns; if that is None, nothing has happened.
        """
        common = self.room.copy() if self._server and self._common is None else self._common
        result = apply(self.room, command)
        if isinstance(command, Join) and result is not None:
            self.seats[command.session] = command
        elif isinstance(command, Leave):
            self.seats.pop(command.session, None)
        if result is not None and self._server:
            self._common = common
            self.pending.append(Entry(self._server, seq, command))
            if len(self.pending) > _MAX_PENDING:
                self.pending.clear()
                self.is_cut = True
        return result

    def restore(self, room: Room) -> None:
        """Take a room that was kept when the server stopped; the log may have more of it, or less."""
        self.room, self._common = room, None

    # --- what the log says ------------------------------------------------------------------------

    def receive(self, entries: Iterable[tuple[int, Entry]]) -> bool:
        """Apply commands of the log.

        Args:
            entries: Each with its number; those that it has already are skipped.

        Returns:
            False: some are missing before them, so that the log must be read again.
        """
        is_reordered = is_complete = False
        for number, entry in entries:
            if number <= self.number:
                continue
            if number != self.number + 1:
                break
            self.number = number
            is_reordered |= self._take(entry)
        else:
            is_complete = True
        if is_reordered:
            self._reapply()
        elif self._common is not None and not self.pending and not self.is_cut:
            self._common = None
        return is_complete

    def adopt(self, snapshot: Snapshot, number: int) -> None:
        """Take the state of the log in place of what this server knows of it.

        Args:
            snapshot: The state.
            number: Of the last command in it.
        """
        self.number = number
        self._seen = dict(snapshot.seen)
        self._common = Room.of(snapshot.image)
        last = self._seen.get(self._server, 0)
        self.pending = deque(entry for entry in self.pending if entry.seq > last)
        self._reapply()

    def snapshot(self) -> Snapshot:
        """The state of the log as far as this server knows it."""
        return Snapshot((self._common or self.room).image(), dict(self._seen))

    def differences(self, before: Room) -> list[Command]:
        """What the log lacks although it was in the room: commands that bring it there.

        The log lacks it if it was lost with the memory of its machine, or if there was too much to send.

        Args:
            before: The room as it was here before the log was read again.
        """
        if self.is_cut:
            self.is_cut = False
            self._reapply()
        now = self.room
        if not before.is_open or (now.is_open and now.key_digest != before.key_digest):
            return []
        lines = [line for line in before.lines if self._lacks(line)]
        given = now.voices.given
        names = tuple(each for each in before.voices.given.items() if each[0] not in given)
        found: list[Command] = []
        for first in range(0, len(lines), _MERGED_LINES) or ([0] if names else []):
            some = tuple(lines[first : first + _MERGED_LINES])
            began_unix = before.began_unix or 0.0
            found.append(Merge(began_unix, before.key_digest, before.title, some, names))
        return found

    def presence(self) -> list[Command]:
        """Commands that correct which sessions of this server the room believes to speak."""
        speaking = self.room.sessions
        ended = self.room.state is RoomState.ENDED
        found: list[Command] = [join for each, join in self.seats.items() if each not in speaking]
        gone = (
            each for each, server in speaking.items() if server == self._server and each not in self.seats
        )
        return [*found, *(Leave(each, ended) for each in gone)]

    # --- within -----------------------------------------------------------------------------------

    def _take(self, entry: Entry) -> bool:
        """Apply one command of the log; returns whether pending ones must now be applied again."""
        if entry.seq <= self._seen.get(entry.server, 0):
            return False
        self._seen[entry.server] = entry.seq
        if self._common is None:
            self._apply_foreign(self.room, entry)
            return False
        if self.pending and entry.server == self._server and entry.seq == self.pending[0].seq:
            self.pending.popleft()
            apply(self._common, entry.command)
            return False
        self._apply_foreign(self._common, entry)
        return True

    def _apply_foreign(self, room: Room, entry: Entry) -> None:
        result = apply(room, entry.command)
        if self._on_foreign is not None and entry.server != self._server:
            self._on_foreign(entry.command, result)

    def _reapply(self) -> None:
        """Make the room again of what all servers have and what is pending."""
        if self._common is None:
            return
        room = self._common.copy() if self.pending or self.is_cut else self._common
        for entry in self.pending:
            apply(room, entry.command)
        room.take_partials(self.room)
        self.room = room
        if room is self._common:
            self._common = None

    def _lacks(self, line: Line) -> bool:
        number = self.room.line_id(line.key)
        if number is None:
            return True
        here = self.room.line(number)
        is_touched = here is not None and (here.is_corrected or here.is_assigned)
        return (line.is_corrected or line.is_assigned) and not is_touched
