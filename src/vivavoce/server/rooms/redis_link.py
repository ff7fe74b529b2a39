"""A room of this server and its place in a Redis."""

from __future__ import annotations

import asyncio
import zlib
from typing import TYPE_CHECKING

from vivavoce.server.rooms.replica import Replica, Snapshot, decode_entry, decode_snapshot
from vivavoce.server.rooms.room import Room

if TYPE_CHECKING:
    from vivavoce.server.rooms.commands import Update
    from vivavoce.server.rooms.redis_scripts import Loaded, RoomKeys
    from vivavoce.server.rooms.relay import RelayedRoom

__all__ = ["Link"]


class Link:
    """A room and its place in Redis.

    Attributes:
        room: The room.
        keys: Its keys.
        log_id: Of its log; empty: there is none, or it is not known.
        is_synced: Set while what Redis sends is in this server's copy.
        n_sent: How much of what is pending is on the way.
        glimpses: The newest unfinished turn of each channel that has still to be sent.
        snapshot_number: Of the last entry in the snapshot.
        last_checksum: Of the last entry in the copy.
        is_spoilt: Whether the log says that what Redis has of the room can't be read.
    """

    def __init__(self, room: RelayedRoom, keys: RoomKeys) -> None:
        """Begin without a log."""
        self.room = room
        self.keys = keys
        self.log_id = ""
        self.is_synced = asyncio.Event()
        self.n_sent = 0
        self.glimpses: dict[tuple[str, int | None], Update] = {}
        self.snapshot_number = 0
        self.last_checksum = 0
        self.is_spoilt = False

    @property
    def replica(self) -> Replica:
        """This server's copy."""
        return self.room.replica

    def receive(self, first: int, payloads: list[bytes]) -> bool:
        """Apply entries of the log.

        Args:
            first: The number of the first one.
            payloads: The entries, encoded.

        Returns:
            Whether none is missing before them.
        """
        number = self.replica.number
        entries = ((first + place, decode_entry(payload)) for place, payload in enumerate(payloads))
        n_pending = len(self.replica.pending)
        is_complete = self.replica.receive(entries)
        if self.replica.number > number:
            self.last_checksum = zlib.crc32(payloads[self.replica.number - first])
        self.n_sent = max(0, self.n_sent - n_pending + len(self.replica.pending))
        return is_complete

    def adopt(self, loaded: Loaded) -> None:
        """Take what Redis has of the room: what comes after the copy, or all."""
        replica = self.replica
        is_next = loaded.log_id == self.log_id and loaded.first == replica.number and loaded.entries
        if not (is_next and zlib.crc32(loaded.entries[0]) == self.last_checksum):
            empty = Snapshot(Room(replica.room.name).image(), {})
            data = loaded.snapshot
            snapshot = empty if data is None else decode_snapshot(data)
            replica.adopt(snapshot, loaded.first - 1)
        self.log_id = loaded.log_id
        self.receive(loaded.first, loaded.entries)
