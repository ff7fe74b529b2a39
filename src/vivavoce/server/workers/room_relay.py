"""Keeps the rooms of a worker equal to their copies at the others, by the logs of the parent."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

import msgspec

from vivavoce.server.rooms.commands import Lose, Update, decode_update
from vivavoce.server.rooms.replica import Replica, Snapshot, decode_entry, decode_snapshot
from vivavoce.server.workers.channel import ChannelClosed
from vivavoce.server.workers.room_logs import KEPT_ENTRIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.server.rooms.relay import RelayedRoom
    from vivavoce.server.workers.channel import Channel, Handler

__all__ = ["ChannelRelay"]

_WAIT_S: Final = 2.0  # for the parent, where a client waits for it


class _Link:
    """A room and what the parent knows of it."""

    def __init__(self, room: RelayedRoom) -> None:
        self.room = room
        self.is_synced = asyncio.Event()  # what the parent sends is in the copy
        self.n_sent = 0  # of what is pending
        self.snapshot_number = 0

    @property
    def replica(self) -> Replica:
        return self.room.replica

    def receive(self, first: int, entries: Sequence[bytes]) -> bool:
        """Apply entries of the log; returns whether none is missing."""
        replica = self.replica
        n_pending = len(replica.pending)
        decoded = [decode_entry(entry) for entry in entries]
        is_complete = replica.receive(list(enumerate(decoded, first)))
        self.n_sent = max(0, self.n_sent - n_pending + len(replica.pending))
        return is_complete


class ChannelRelay:
    """Brings what happens in the rooms of a worker to the others; see `vivavoce.server.rooms.relay.Relay`.

    Attributes:
        server: Identifies this worker, and no other that ever ran.
    """

    def __init__(self, channel: Channel, server: str) -> None:
        """Prepare; `run` says that there is such a worker.

        Args:
            channel: To the parent.
            server: Identifies this worker.
        """
        self.server = server
        self._channel = channel
        self._seq = 0
        self._links: dict[str, _Link] = {}  # by room

    def handlers(self) -> dict[str, Handler]:
        """Return what handles the parent's notices, by name."""
        return {
            "room": self._open,
            "room_entries": self._take,
            "room_glimpse": self._glimpse,
            "server_lost": self._lose,
        }

    # --- what rooms do ----------------------------------------------------------------------------

    def next_seq(self) -> int:
        """The number of this worker's next command."""
        self._seq += 1
        return self._seq

    def link(self, room: RelayedRoom) -> None:
        """Keep a room equal at all workers from now on."""
        link = self._links[room.replica.room.name] = _Link(room)
        self._sync(link)

    def unlink(self, room: RelayedRoom) -> bool:
        """Forget a room, if nothing of it has still to be sent; returns whether it did."""
        name = room.replica.room.name
        link = self._links.get(name)
        if link is not None and link.room is room:
            if room.replica.pending:
                return False
            del self._links[name]
            self._channel.tell("room_leave", name)
        return True

    def send(self, room: RelayedRoom) -> None:
        """Send what is pending in a room's copy."""
        link = self._links.get(room.replica.room.name)
        if link is not None and link.is_synced.is_set():
            if link.replica.is_cut:
                self._sync(link)
            else:
                self._send(link)

    def glimpse(self, room: RelayedRoom, update: Update) -> None:
        """Send an unfinished turn."""
        self._channel.tell("room_glimpse", room.replica.room.name, msgspec.msgpack.encode(update))

    async def ready(self, room: RelayedRoom) -> None:
        """Wait until the copy contains what all workers have, though not for long."""
        link = self._links.get(room.replica.room.name)
        if link is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_WAIT_S):
                    await link.is_synced.wait()

    async def knows(self, name: str) -> bool:
        """Whether there is a room of a name at any worker."""
        try:
            return bool(await self._channel.call("room_known", name))
        except ChannelClosed:  # the server ends
            return False

    async def claim(self, room: RelayedRoom, key_digest: bytes | None) -> bool:
        """Reserve a room that nobody has opened for those who have its key."""
        try:
            return bool(await self._channel.call("room_claim", room.replica.room.name, key_digest or b""))
        except ChannelClosed:  # the server ends
            return True

    async def run(self) -> None:
        """Say that this worker is there, until this is cancelled."""
        self._channel.tell("room_server", self.server)
        for link in self._links.values():
            self._sync(link)
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Do nothing: what was sent will arrive."""

    # --- what the parent says ---------------------------------------------------------------------

    def _open(
        self, name: str, snapshot: bytes | None, number: int, entries: list[bytes], servers: list[str]
    ) -> None:
        link = self._links.get(name)
        if link is None:
            return
        replica, before = link.replica, link.replica.room
        empty = Snapshot(Replica(name).room.image(), {})
        replica.adopt(empty if snapshot is None else decode_snapshot(snapshot), number)
        link.n_sent, link.snapshot_number = 0, number
        link.receive(number + 1, entries)
        link.n_sent = 0
        link.is_synced.set()
        lost = [
            each for each, server in replica.room.sessions.items() if server not in {*servers, self.server}
        ]
        for command in [*replica.differences(before), *replica.presence(), *map(Lose, lost)]:
            replica.submit(command, self.next_seq())
        self._send(link)
        link.room.refresh()

    def _take(self, name: str, first: int, entries: list[bytes]) -> None:
        link = self._links.get(name)
        if link is None or not link.is_synced.is_set():
            return  # all of it comes with the answer that this worker waits for
        if not link.receive(first, entries):
            self._sync(link)
        link.room.refresh()
        number = link.replica.number
        if number - link.snapshot_number >= 2 * KEPT_ENTRIES and link.replica.seats:
            link.snapshot_number = number
            self._channel.tell("room_tidy", name, number, msgspec.msgpack.encode(link.replica.snapshot()))

    def _glimpse(self, name: str, data: bytes) -> None:
        link = self._links.get(name)
        update = decode_update(data)
        if link is not None and update.session not in link.replica.seats:
            link.replica.room.glimpse(update.session, update.turn.turn())
            link.room.refresh()

    def _lose(self, lost: str) -> None:
        for link in self._links.values():
            for session, server in list(link.replica.room.sessions.items()):
                if server == lost:
                    link.replica.submit(Lose(session), self.next_seq())
                    self.send(link.room)
                    link.room.refresh()

    # --- within -----------------------------------------------------------------------------------

    def _sync(self, link: _Link) -> None:
        """Have the log of a room sent again; it arrives before anything that happens later."""
        link.is_synced.clear()
        self._channel.tell("room_follow", link.replica.room.name)

    def _send(self, link: _Link) -> None:
        some = [msgspec.msgpack.encode(entry) for entry in list(link.replica.pending)[link.n_sent :]]
        if some:
            link.n_sent = len(link.replica.pending)
            self._channel.tell("room_append", link.replica.room.name, some)
