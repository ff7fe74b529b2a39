"""What connects the copies of a room on several servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from vivavoce.server.rooms.commands import Update
    from vivavoce.server.rooms.replica import Replica

__all__ = ["Relay", "RelayedRoom"]


class RelayedRoom(Protocol):
    """A room as a relay knows it."""

    @property
    def replica(self) -> Replica:
        """This server's copy."""

    def refresh(self) -> None:
        """Show readers what has changed in the copy."""

    def resubmit(self) -> None:
        """Note anew which sessions of this server speak in the room."""


class Relay(Protocol):
    """Brings commands to the other servers, and theirs to this one. A single server has none.

    No call but `ready`, `knows` and `claim` waits for anything, however slow or dead the connection is.

    Attributes:
        server: Identifies this server.
    """

    server: str

    def next_seq(self) -> int:
        """The number of this server's next command."""

    def link(self, room: RelayedRoom) -> None:
        """Keep a room equal on all servers from now on."""

    def unlink(self, room: RelayedRoom) -> bool:
        """Forget a room, if nothing of it has still to be sent; returns whether it did."""

    def send(self, room: RelayedRoom) -> None:
        """Send what is pending in a room's copy."""

    def glimpse(self, room: RelayedRoom, update: Update) -> None:
        """Send an unfinished turn, unless a newer one of its channel comes first."""

    async def ready(self, room: RelayedRoom) -> None:
        """Wait until the copy contains what all servers have, though not for long."""

    async def knows(self, name: str) -> bool:
        """Whether there is a room of a name on any server, for one that this server has no copy of."""

    async def claim(self, room: RelayedRoom, key_digest: bytes | None) -> bool:
        """Reserve a room that nobody has opened for those who have its key.

        Returns:
            Whether another server has not reserved it for another key.
        """

    async def run(self) -> None:
        """Keep the connection until this is cancelled."""

    async def close(self) -> None:
        """Send what is waiting, though not for long, and leave."""
