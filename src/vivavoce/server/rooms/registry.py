"""All rooms of a server: found by name, opened by sessions, followed by readers, forgotten in time."""

from __future__ import annotations

import contextlib
import hmac
from collections import Counter
from typing import TYPE_CHECKING, Final

from vivavoce.errors import ProtocolViolation
from vivavoce.server.rooms.room import Room
from vivavoce.server.rooms.served_room import Seat, ServedRoom, digest_of, not_the_key
from vivavoce.store import VoiceNames
from vivavoce.types import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from vivavoce.protocol.events import RoomRequest
    from vivavoce.server.rooms.commands import Command
    from vivavoce.server.rooms.relay import Relay
    from vivavoce.store import StoredLine, StoredRoom, StoredSession, VoiceKey

__all__ = ["KEEP_S", "Rooms", "RoomsFull"]

_MAX_ROOMS: Final = 1_000
KEEP_S: Final = 4 * 3600.0
"""How long a room is kept after its last speaker left, in seconds."""

_MAX_READERS: Final = 5_000
_IDLE_S: Final = 60.0  # a copy of a room that nobody here follows is kept for this long


class RoomsFull(Exception):  # noqa: N818 - it is a state of the server
    """The server has no place for another reader or room."""


class Rooms:
    """The rooms of one server, or this server's copies of the rooms of several.

    Attributes:
        keep_s: How long a room is kept after its last speaker left, in seconds.
    """

    def __init__(
        self,
        *,
        keep_s: float = KEEP_S,
        max_readers: int = _MAX_READERS,
        relay: Relay | None = None,
        on_foreign: Callable[[Command, object], None] | None = None,
    ) -> None:
        """Begin without rooms.

        Args:
            keep_s: How long a room is kept after its last speaker left, in seconds.
            max_readers: The most readers of all rooms.
            relay: Connects them with those of other servers; None: there are no others.
            on_foreign: Called with what happens in them on other servers; see `Replica`.
        """
        self._rooms: dict[str, ServedRoom] = {}
        self._held: Counter[str] = Counter()  # names of rooms that somebody waits to see what they hold
        self.keep_s = keep_s
        self._max_readers = max_readers
        self._relay = relay
        self._on_foreign = on_foreign

    @property
    def n_readers(self) -> int:
        """Readers of all rooms."""
        return sum(served.n_readers for served in self._rooms.values())

    def find(self, name: str) -> ServedRoom | None:
        """Return a room that a session has opened; None: there is none of that name."""
        served = self._rooms.get(name)
        return served if served is not None and served.room.is_open else None

    async def look_up(self, name: str) -> ServedRoom | None:
        """Return a room that a session has opened, here or on another server; None: there is none."""
        if self._relay is None:
            return self.find(name)
        # Names that somebody guesses make no copies, of which there may be only so many.
        if name not in self._rooms and not await self._relay.knows(name):
            return None
        try:
            with self._holding(name) as served:
                await self._relay.ready(served)
        except RoomsFull:
            return None
        return self.find(name)

    async def claim(self, request: RoomRequest) -> None:
        """Check that a session may speak in a room, as `check` does, and ask the other servers too.

        Args:
            request: What the session asked for.

        Raises:
            ProtocolViolation: The room has another key, or there are too many rooms.
        """
        self.check(request)
        if self._relay is not None:
            with self._holding(request.name) as served:
                await self._relay.ready(served)
                self.check(request)
                if not await self._relay.claim(served, digest_of(request.key) or None):
                    raise not_the_key(request.name)

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
        return digest is not None and hmac.compare_digest(digest, digest_of(key))

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
        if room.is_open and not hmac.compare_digest(room.key_digest or b"", digest_of(request.key)):
            raise not_the_key(request.name)

    def seat(self, request: RoomRequest, session_id: str) -> Seat:
        """Return the place of a session in a room, which it opens if need be; `check` has allowed it.

        Args:
            request: What the session asked for.
            session_id: Its id.
        """
        return Seat(
            self._get(request.name), request, session_id, "" if self._relay is None else self._relay.server
        )

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
        copy = Room(stored.name)
        copy.began_unix, copy.key_digest, copy.title = stored.began_unix, stored.key_digest, stored.title
        copy.voices = VoiceNames(names)
        for session, line in lines:
            copy.restore(line, session.began_unix)
        served.replica.restore(copy)
        served.refresh()

    def tick(self, now: float) -> None:
        """Forget rooms that were left long ago.

        Args:
            now: In seconds of the server's clock.
        """
        for name, served in list(self._rooms.items()):
            if served.room.n_speakers or not served.room.is_open:
                served.left_at = None
            elif served.left_at is None:
                served.left_at = now
            is_unread = not served.room.is_open and not served.n_readers and not self._held[name]
            is_old = served.left_at is not None and now - served.left_at > self.keep_s
            if is_unread or is_old or self._is_idle(served, now):
                if is_old:
                    served.replica.pending.clear()  # the other servers forget it, too
                if self._relay is not None and not self._relay.unlink(served):
                    continue
                del self._rooms[name]
                served.close()

    def close(self) -> None:
        """Let all readers leave: the server stops."""
        for served in self._rooms.values():
            served.close()

    def _is_idle(self, served: ServedRoom, now: float) -> bool:
        """Whether other servers keep a room that nobody has followed here for a while."""
        if served.n_readers or served.replica.seats:
            served.idle_since = None
        elif served.idle_since is None:
            served.idle_since = now
        since = served.idle_since
        return self._relay is not None and since is not None and now - since > _IDLE_S

    @contextlib.contextmanager
    def _holding(self, name: str) -> Iterator[ServedRoom]:
        """Forget no room of a name until the block ends, even if nobody has opened it yet."""
        served = self._get(name)
        self._held[name] += 1
        try:
            yield served
        finally:
            self._held[name] -= 1
            if not self._held[name]:
                del self._held[name]

    def _get(self, name: str) -> ServedRoom:
        served = self._rooms.get(name)
        if served is None:
            if len(self._rooms) >= _MAX_ROOMS:
                raise RoomsFull
            served = self._rooms[name] = ServedRoom(name, self._relay, self._on_foreign)
            if self._relay is not None:
                self._relay.link(served)
        return served
