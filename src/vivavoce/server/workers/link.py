"""A worker's side of its channel to the parent: its siblings, and the connections that it is handed."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import msgspec

from vivavoce.errors import ProtocolViolation
from vivavoce.server.siblings import Standing
from vivavoce.server.supervisor import Supervisor
from vivavoce.types import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vivavoce.server.access.tokens import UsedToken
    from vivavoce.server.connection_gate import ConnectionGate
    from vivavoce.server.workers.channel import Channel

__all__ = ["ChannelSupervisor", "HandedConnection", "LinkedSiblings"]


class _Place:
    """One of the sessions of all workers."""

    def __init__(self, channel: Channel, number: int) -> None:
        self._channel = channel
        self._number = number

    async def begin(self, models: Iterable[str], owner: str, limit: int | None) -> None:
        """Count its session; as `vivavoce.server.siblings.Place.begin` does."""
        problem = await self._channel.call("begin", self._number, list(models), owner, limit)
        if problem is not None:
            raise ProtocolViolation(Failure.BUSY, problem)

    def leave(self) -> None:
        """Give it back."""
        self._channel.tell("leave", self._number)


class LinkedSiblings:
    """All workers, asked through the parent."""

    def __init__(self, channel: Channel) -> None:
        """Ask through a channel."""
        self._channel = channel
        self._numbers = itertools.count()

    async def enter(self, *, is_busy: bool) -> _Place | None:
        """Return a place for a client that asks for a session; None: all workers are full.

        Args:
            is_busy: Whether this one can't serve another session in time.
        """
        number = next(self._numbers)
        try:
            has_room = await self._channel.call("enter", number, is_busy)
        except BaseException:  # the client left meanwhile, perhaps after the parent has counted it
            self._channel.tell("leave", number)
            raise
        return _Place(self._channel, number) if has_room else None

    async def enter_forwarded(self, host: str) -> str | None:
        """Count a request of a proxy's client; returns why it must be refused, None: it need not be."""
        excess: str | None = await self._channel.call("enter_forwarded", host)
        return excess

    def leave_forwarded(self, host: str) -> None:
        """Forget such a request."""
        self._channel.tell("leave_forwarded", host)

    async def spend(self, token: UsedToken) -> bool:
        """Note that a token is used; returns whether it was not used at another worker before."""
        return bool(await self._channel.call("spend", token.claims, token.expires_unix))

    async def standing(self) -> Standing:
        """Return how all workers together are."""
        return msgspec.convert(await self._channel.call("standing"), Standing)

    async def exposition(self) -> str:
        """Return the metrics of all workers."""
        return str(await self._channel.call("exposition"))


class ChannelSupervisor(Supervisor):
    """Tells the parent what a server tells a service manager."""

    def __init__(self, channel: Channel) -> None:
        """Tell it through a channel."""
        super().__init__()
        self._channel = channel

    def _send(self, *lines: str) -> None:
        if lines[0] == "READY=1":
            self._channel.tell("ready")


class HandedConnection:
    """Counts one connection from the parent, in place of a gate of its own.

    Args:
        channel: To the parent, which counts the connections of all workers.
        gate: Counts those of this one.
        number: Which connection it is.
        excess: Why it is refused; None: it is not.
    """

    def __init__(self, channel: Channel, gate: ConnectionGate, number: int, excess: str | None) -> None:
        self._channel = channel
        self._gate = gate
        self._number = number
        self._excess = excess
        self._is_entered = False
        self._is_plain = False
        self._is_left = False

    def enter(self, host: str) -> str | None:
        """Count it; returns why it must be refused."""
        self._is_entered = True
        self._gate.enter(host)
        return self._excess

    def is_plain(self) -> None:
        """Note that it asks for something else than a session."""
        if not self._is_plain:
            self._is_plain = True
            self._channel.tell("plain", self._number)

    def leave(self, host: str) -> None:
        """Note that it is over."""
        if self._is_entered:
            self._is_entered = False
            self._gate.leave(host)
        self.drop()

    def drop(self) -> None:
        """Note that it is over, even if it never began."""
        if not self._is_left:
            self._is_left = True
            self._channel.tell("left", self._number)
