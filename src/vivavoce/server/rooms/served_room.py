"""A room with the readers that wait for its news, and a session's place in it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from typing import TYPE_CHECKING

from vivavoce.errors import ProtocolViolation
from vivavoce.server.rooms.commands import (
    Assign,
    Command,
    Correct,
    Join,
    Leave,
    Rename,
    Revise,
    SaidTurn,
    Update,
)
from vivavoce.server.rooms.cues import RoomCues
from vivavoce.server.rooms.feed import Feed
from vivavoce.server.rooms.replica import Replica
from vivavoce.store import StoredRoom
from vivavoce.types import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from vivavoce.protocol.events import RoomRequest, TurnUpdated
    from vivavoce.server.rooms.relay import Relay
    from vivavoce.server.rooms.room import Room
    from vivavoce.store import LineKey, VoiceKey

__all__ = ["Seat", "ServedRoom", "digest_of", "not_the_key"]


class ServedRoom:
    """A room with the readers that wait for its news.

    Attributes:
        replica: This server's copy of the room.
        feed: Encodes its changes.
        cues: Its captions.
        left_at: When its last speaker left, in seconds of the clock; None: somebody speaks, or nobody
            ever did.
        idle_since: Since when nobody here reads or speaks, in seconds of the clock; None: somebody does.
        is_closed: Whether its readers must leave.
    """

    def __init__(
        self,
        name: str,
        relay: Relay | None = None,
        on_foreign: Callable[[Command, object], None] | None = None,
    ) -> None:
        """Prepare a room that nobody has opened yet.

        Args:
            name: Its name.
            relay: Connects it with its copies on other servers; None: there are none.
            on_foreign: See `Replica`.
        """
        self.replica = Replica(name, "" if relay is None else relay.server, on_foreign=on_foreign)
        self.feed = Feed(self.room)
        self.cues = RoomCues(self.room)
        self.left_at: float | None = None
        self.idle_since: float | None = None
        self.is_closed = False
        self._relay = relay
        self._waiting: set[asyncio.Event] = set()  # one for each reader

    @property
    def room(self) -> Room:
        """The room as readers see it now."""
        return self.replica.room

    @property
    def n_readers(self) -> int:
        """Readers that follow it now."""
        return len(self._waiting)

    def close(self) -> None:
        """Let the readers leave."""
        self.is_closed = True
        self.ring()

    def ring(self) -> None:
        """Wake the readers: there is news."""
        for event in self._waiting:
            event.set()

    def refresh(self) -> None:
        """Show readers what has changed in this server's copy."""
        if self.feed.room is not self.room:
            self.feed.room = self.room
            self.cues.follow(self.room)
        self.ring()

    @contextlib.contextmanager
    def reading(self) -> Iterator[asyncio.Event]:
        """Follow the room until the block ends; the event is set when there is news."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            yield event
        finally:
            self._waiting.discard(event)

    def submit(self, command: Command) -> object:
        """Let something happen in the room, here and on other servers.

        Args:
            command: What.

        Returns:
            What `apply` returns.
        """
        result = self.replica.submit(command, 0 if self._relay is None else self._relay.next_seq())
        if result is not None and self._relay is not None:
            self._relay.send(self)
        self.refresh()
        return result

    def resubmit(self) -> None:
        """Note anew which sessions of this server speak in the room."""
        for command in self.replica.presence():
            self.submit(command)

    def update(self, session_id: str, turn: TurnUpdated, unix_now: float) -> None:
        """Take a turn of a session; see `Room.update`."""
        update = Update(session_id, SaidTurn.of(turn), unix_now)
        if turn.ended or not self.room.knows(session_id, turn.channel):
            self.submit(update)
            return
        self.room.glimpse(session_id, turn)
        if self._relay is not None:
            self._relay.glimpse(self, update)
        self.ring()

    def correct(self, line_id: int, text: str, part: int | None = None) -> LineKey | None:
        """Replace the text of a line; see `Room.correct`."""
        line = self.room.line(line_id)
        is_done = line is not None and self.submit(Correct(line.key, text, part)) is not None
        return line.key if line is not None and is_done else None

    def assign(self, line_id: int, name: str, part: int | None = None) -> tuple[LineKey, VoiceKey] | None:
        """Set who says a line; see `Room.assign`."""
        line = self.room.line(line_id)
        result = None if line is None else self.submit(Assign(line.key, name, part))
        return result if isinstance(result, tuple) else None

    def rename(self, voice: int, name: str) -> dict[VoiceKey, str] | None:
        """Give a speaker another name; see `Room.rename`."""
        key = self.room.voices.key(voice)
        result = None if key is None else self.submit(Rename(key, name))
        return result if isinstance(result, dict) else None


class Seat:
    """A session's place in a room."""

    def __init__(self, served: ServedRoom, request: RoomRequest, session_id: str, server: str = "") -> None:
        self._served = served
        self._request = request
        self._session_id = session_id
        self._server = server

    @property
    def refusal(self) -> ProtocolViolation | None:
        """Why the session may not speak here after all: one with another key did so first, elsewhere."""
        room = self._served.room
        fits = not room.is_open or (room.key_digest or b"") == digest_of(self._request.key)
        return None if fits else not_the_key(room.name)

    def stored(self) -> StoredRoom:
        """What the room needs to open again after a restart."""
        room = self._served.room
        return StoredRoom(room.name, room.began_unix or 0.0, room.key_digest, room.title)

    def join(self, unix_now: float) -> None:
        """Begin to speak.

        Args:
            unix_now: In seconds since 1970.
        """
        digest = digest_of(self._request.key) or None
        self._served.submit(Join(self._session_id, unix_now, self._request.title, digest, self._server))
        self._served.left_at = None

    def update(self, turn: TurnUpdated, unix_now: float) -> None:
        """Show a turn to the readers.

        Args:
            turn: The turn.
            unix_now: In seconds since 1970.
        """
        self._served.update(self._session_id, turn, unix_now)

    def revise(self, turns: Iterable[TurnUpdated]) -> None:
        """Show other speakers of finished turns to the readers."""
        self._served.submit(Revise(self._session_id, tuple(map(SaidTurn.of, turns))))

    def leave(self, now: float, *, ended: bool) -> None:
        """Leave the room.

        Args:
            now: In seconds of the server's clock.
            ended: Whether the client ended its session; if not, it may come back.
        """
        self._served.submit(Leave(self._session_id, ended))
        if not self._served.room.n_speakers:
            self._served.left_at = now


def not_the_key(name: str) -> ProtocolViolation:
    """Return why a session may not speak in a room."""
    return ProtocolViolation(
        Failure.UNAUTHORIZED, f"room_key is not the key of the room {name}: choose another room"
    )


def digest_of(key: str | None) -> bytes:
    """Return the digest of a room's key; empty: there is none."""
    return b"" if key is None else hashlib.sha256(key.encode()).digest()
