"""What a protocol has to offer a server: dialects, and what opens them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.protocol.events import (
        Closing,
        Command,
        SessionEnded,
        SessionEvent,
        SessionFailed,
        SessionLimits,
        SessionOptions,
        Webhook,
    )

__all__ = ["Dialect", "DialectFactory"]


class Dialect(Protocol):
    """A protocol as one connection speaks it, seen from the server. Keeps no clock and no socket."""

    @property
    def name(self) -> str:
        """The dialect's short name."""

    @property
    def limits(self) -> SessionLimits:
        """What the client may do."""

    @property
    def options(self) -> SessionOptions:
        """What the client asked for in its query."""

    @property
    def webhook(self) -> Webhook | None:
        """Where finished turns are posted when the session is over."""

    def decode(self, message: str | bytes) -> tuple[Command, ...]:
        """Turn one WebSocket message into commands.

        Raises:
            ProtocolViolation: The message is none of the protocol's.
        """

    def encode(self, event: SessionEvent, unix_time: float) -> tuple[str, ...]:
        """Turn an event into the protocol's messages, possibly none."""

    def closing(self, event: SessionEnded | SessionFailed) -> Closing:
        """How to close the socket after that event; its frames still have to be sent."""


class DialectFactory(Protocol):
    """Opens a dialect from a handshake, or says how it refuses."""

    @property
    def name(self) -> str:
        """The dialect's short name."""

    def open(self, pairs: Sequence[tuple[str, str]]) -> Dialect:
        """Read the query of the handshake.

        Raises:
            ProtocolViolation: A parameter can't be used.
        """

    def refuse(self, violation: SessionFailed) -> Closing:
        """How to close a socket on which no session could begin."""
