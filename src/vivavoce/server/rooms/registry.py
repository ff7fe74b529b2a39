"""All rooms of a server: found by name, opened by sessions, followed by readers, forgotten in time."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from vivavoce.errors import ProtocolViolation
from vivavoce.server.rooms.cues import RoomCues
from vivavoce.server.rooms.feed import Feed
from vivavoce.server.rooms.room import Room
from vivavoce.store import StoredRoom, VoiceNames
from vivavoce.types import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from vivavoce.protocol.events import RoomRequest, TurnUpdated
    from vivavoce.store import StoredLine, StoredSession, VoiceKey

__all__ = ["Rooms", "RoomsFull", "Seat", "ServedRoom"]

_MAX_ROOMS: Final = 1_000
_KEEP_S: Final = 4 * 3600.0
_MAX_READERS: Final = 5_000


class RoomsFull(Exception):  # noqa: N818 - it is a state of the server
    """The server has no place for another reader or room."""


class ServedRoom:
    """A room with the readers that wait for its news.

    Attributes:
        room: The room.
        feed: Encodes its changes.
        cues: Its captions.
        left_at: When its last speaker left, in seconds of the clock; None: somebody speaks, or nobody
            ever did.
        is_closed: Whether its readers must leave.
    """

    def __init__(self, name: str) -> None:
        """Prepare a room that nobody has opened yet."""
        self.room = Room(name)
        self.feed = Feed(self.room)
        self.cues = RoomCues(self.room)
        self.left_at: float | None = None
        self.is_closed = False
        self._waiting: set[asyncio.Event] = set()  # one for each reader

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

    @contextlib.contextmanager
    def reading(self) -> Iterator[asyncio.Event]:
        """Follow the room until the block ends; the event is set when there is news."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            yield event
        finally:
            self._waiting.discard(event)


class Seat:
    """A session's place in a room."""

    def __init__(self, served: ServedRoom, request: RoomRequest, session_id: str) -> None:
        self._served = served
        self._request = request
        self._session_id = session_id

    def stored(self) -> StoredRoom:
        """What the room needs to open again after a restart."""
        room = self._served.room
        return StoredRoom(room.name, room.began_unix or 0.0, room.key_digest, room.title)

    def join(self, unix_now: float) -> None:
        """Begin to speak.

        Args:
            unix_now: In seconds since 1970.
        """
        self._served.room.join(self._session_id, unix_now, self._request.title)
        self._served.left_at = None
        self._served.ring()

    def update(self, turn: TurnUpdated, unix_now: float) -> None:
        """Show a turn to the readers.

        Args:
            turn: The turn.
            unix_now: In seconds since 1970.
        """
        self._served.room.update(self._session_id, turn, unix_now)
        self._served.ring()

    def revise(self, turns: Iterable[TurnUpdated]) -> None:
        """Show other speakers of finished turns to the readers."""
        for turn in turns:
            self._served.room.revise(self._session_id, turn)
        self._served.ring()

    def leave(self, now: float, *, ended: bool) -> None:
        """Leave the room.

        Args:
            now: In seconds of the server's clock.
            ended: Whether the client ended its session; if not, it may come back.
        """
        self._served.room.leave(self._session_id, ended=ended)
        if not self._served.room.n_speakers:
            self._served.left_at = now
        self._served.ring()


class Rooms:
    """The rooms of one server.

    Attributes:
        keep_s: How long a room is kept after its last speaker left, in seconds.
    """

    def __init__(self, *, keep_s: float = _KEEP_S, max_readers: int = _MAX_READERS) -> None:
        """Begin without rooms.

        Args:
            keep_s: How long a room is kept after its last speaker left, in seconds.
            max_readers: The most readers of all rooms.
        """
        self._rooms: dict[str, ServedRoom] = {}
        self.keep_s = keep_s
        self._max_readers = max_readers

    @property
    def n_readers(self) -> int:
        """Readers of all rooms."""
        return sum(served.n_readers for served in self._rooms.values())

    def find(self, name: str) -> ServedRoom | None:
        """Return a room that a session has opened; None: there is none of that name."""
        served = self._rooms.get(name)
        return served if served is not None and served.room.is_open else None

    def enter(self, name: str) -> ServedRoom:
        """Return the room of a name, for a reader; one that nobody has opened yet if need be.

        Raises:
            RoomsFull: There are too many readers, or too many rooms.
        """
        if self.n_readers >= self._max_readers:
            raise RoomsFull
        return self._get(name)

    def check_key(self, served: ServedRoom, key: str | None) -> bool:
        """Whether a key is that of a room; a room without a key accepts none."""
        digest = served.room.key_digest
        return digest is not None and hmac.compare_digest(digest, _digest(key))

    def check(self, request: RoomRequest) -> None:
        """Check that a session may speak in a room.

        Args:
            request: What the session asked for.

        Raises:
            ProtocolViolation: The room has another key, or there are too many rooms.
        """
        try:
            room = self._get(request.name).room
        except RoomsFull:
            raise ProtocolViolation(Failure.CANNOT_BEGIN, "the server has too many rooms") from None
        if room.is_open and not hmac.compare_digest(room.key_digest or b"", _digest(request.key)):
            raise ProtocolViolation(
                Failure.UNAUTHORIZED,
                f"room_key is not the key of the room {request.name}: choose another room",
            )

    def seat(self, request: RoomRequest, session_id: str) -> Seat:
        """Return the place of a session in a room, which it opens if need be; `check` has allowed it.

        Args:
            request: What the session asked for.
            session_id: Its id.
        """
        served = self._get(request.name)
        if not served.room.is_open:
            served.room.key_digest = _digest(request.key) or None
        return Seat(served, request, session_id)

    def restore(
        self,
        stored: StoredRoom,
        lines: Iterable[tuple[StoredSession, StoredLine]],
        names: Mapping[VoiceKey, str],
        now: float,
    ) -> None:
        """Open a room again that was kept when the server stopped.

        Args:
            stored: The room.
            lines: Its lines with their sessions, in order.
            names: The names that people gave to their speakers.
            now: In seconds of the server's clock.
        """
        served = self._get(stored.name)
        served.left_at = now
        room = served.room
        room.began_unix, room.key_digest, room.title = stored.began_unix, stored.key_digest, stored.title
        room.voices = VoiceNames(names)
        for session, line in lines:
            room.restore(line, session.began_unix)

    def tick(self, now: float) -> None:
        """Forget rooms that were left long ago.

        Args:
            now: In seconds of the server's clock.
        """
        for name, served in list(self._rooms.items()):
            is_unread = not served.room.is_open and not served.n_readers
            is_old = served.left_at is not None and now - served.left_at > self.keep_s
            if is_unread or is_old:
                del self._rooms[name]
                served.close()

    def close(self) -> None:
        """Let all readers leave: the server stops."""
        for served in self._rooms.values():
            served.close()

    def _get(self, name: str) -> ServedRoom:
        served = self._rooms.get(name)
        if served is None:
            if len(self._rooms) >= _MAX_ROOMS:
                raise RoomsFull
            served = self._rooms[name] = ServedRoom(name)
        return served


def _digest(key: str | None) -> bytes:
    return b"" if key is None else hashlib.sha256(key.encode()).digest()
