"""The logs of rooms in the parent, which the copies at all workers follow.

The parent does not know what the entries mean. It numbers them, keeps them, and sends each to all workers
that follow the room, in one order.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["KEPT_ENTRIES", "RoomLogs"]

KEPT_ENTRIES: Final = 500
"""A snapshot replaces entries once there are more than twice as many."""

_CLAIM_S: Final = 10.0  # a session opens its room at once, or not at all


class _Tell(Protocol):
    def __call__(self, worker: int, name: str, *arguments: Any) -> None:
        """Send a notice to a worker."""


@dataclass
class _Log:
    """What happened in one room.

    Attributes:
        changed_at: When the last entry came, in seconds of the clock.
        snapshot: The room up to the entry `number`; None: there is no entry before the first.
        number: Of the last entry that the snapshot replaces.
        entries: Those after it.
    """

    changed_at: float
    snapshot: bytes | None = None
    number: int = 0
    entries: list[bytes] = field(default_factory=list)


class RoomLogs:
    """The logs of all rooms. Pure."""

    def __init__(self, tell: _Tell, *, keep_s: float) -> None:
        """Begin without rooms.

        Args:
            tell: Sends a notice to a worker; notices arrive in the order in which they are sent.
            keep_s: How long a room is kept that no worker follows, in seconds after its last entry.
        """
        self._tell = tell
        self._keep_s = keep_s
        self._logs: dict[str, _Log] = {}
        self._followers: defaultdict[str, set[int]] = defaultdict(set)  # workers, by room
        self._claims: dict[str, tuple[bytes, float]] = {}  # by room: digest of its key, and when it lapses
        self._servers: dict[int, str] = {}  # what the entries call each worker that runs

    def __len__(self) -> int:
        """How many rooms are kept."""
        return len(self._logs)

    def knows(self, name: str) -> bool:
        """Whether a session has opened a room."""
        return name in self._logs

    def begin(self, worker: int, server: str) -> None:
        """Note what the entries of a worker call it."""
        self._servers[worker] = server

    def follow(self, worker: int, name: str, now: float) -> None:
        """Send a worker all that has happened in a room, and then whatever happens."""
        self._forget_old(now)
        log = self._logs.get(name) or _Log(now)
        self._followers[name].add(worker)
        servers = list(self._servers.values())
        self._tell(worker, "room", name, log.snapshot, log.number, log.entries, servers)

    def leave(self, worker: int, name: str) -> None:
        """Send a worker no more of a room."""
        self._followers[name].discard(worker)
        if not self._followers[name]:
            del self._followers[name]

    def append(self, name: str, entries: Sequence[bytes], now: float) -> None:
        """Add entries to a room, and send them to all that follow it, whoever wrote them.

        Args:
            name: The room.
            entries: What happened.
            now: In seconds of the clock.
        """
        log = self._logs.setdefault(name, _Log(now))
        log.changed_at = now
        first = log.number + len(log.entries) + 1
        log.entries += entries
        self._claims.pop(name, None)
        for worker in sorted(self._followers.get(name, ())):
            self._tell(worker, "room_entries", name, first, list(entries))

    def glimpse(self, worker: int, name: str, update: bytes) -> None:
        """Send an unfinished turn to the other workers that follow a room; it is not kept."""
        for each in sorted(self._followers.get(name, set()) - {worker}):
            self._tell(each, "room_glimpse", name, update)

    def tidy(self, name: str, number: int, snapshot: bytes) -> None:
        """Replace the entries up to a number by what they have made of the room."""
        log = self._logs.get(name)
        if log is not None and log.number + KEPT_ENTRIES <= number <= log.number + len(log.entries):
            del log.entries[: number - log.number]
            log.number, log.snapshot = number, snapshot

    def claim(self, name: str, digest: bytes, now: float) -> bool:
        """Reserve a room that nobody has opened for those who have its key.

        Args:
            name: The room.
            digest: Of its key; empty: it has none.
            now: In seconds of the clock.

        Returns:
            Whether nobody has reserved it for another key.
        """
        if name in self._logs:  # those who follow it know its key
            return True
        self._claims = {room: each for room, each in self._claims.items() if each[1] > now}
        found, _ = self._claims.setdefault(name, (digest, now + _CLAIM_S))
        return found == digest

    def lose(self, worker: int) -> None:
        """Note that a worker has ended, and tell the others, in whose rooms its sessions no longer speak."""
        for name in [name for name, workers in self._followers.items() if worker in workers]:
            self.leave(worker, name)
        server = self._servers.pop(worker, None)
        if server is not None:
            for each in self._servers:
                self._tell(each, "server_lost", server)

    def _forget_old(self, now: float) -> None:
        for name, log in list(self._logs.items()):
            if name not in self._followers and now - log.changed_at > self._keep_s:
                del self._logs[name]
