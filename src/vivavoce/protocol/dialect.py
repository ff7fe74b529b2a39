"""The interface of a protocol for the server: a dialect for each connection, and its factory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from vivavoce.protocol.served_models import ENGLISH_ONLY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.protocol.events import (
        Closing,
        Command,
        RoomRequest,
        SessionEnded,
        SessionEvent,
        SessionFailed,
        SessionLimits,
        SessionOptions,
        Webhook,
    )
    from vivavoce.protocol.served_models import ServedModels

__all__ = ["Dialect", "DialectFactory"]


class Dialect(Protocol):
    """A protocol on one connection, seen from the server. It has no clock and no socket."""

    @property
    def name(self) -> str:
        """The dialect's short name."""

    @property
    def limits(self) -> SessionLimits:
        """What the protocol allows the client."""

    @property
    def options(self) -> SessionOptions:
        """What the client asked for in its query."""

    @property
    def webhook(self) -> Webhook | None:
        """Where the server posts the finished turns after the session; None: nowhere."""

    @property
    def room(self) -> RoomRequest | None:
        """The room in which readers follow the session; None: none."""

    def decode(self, message: str | bytes) -> tuple[Command, ...]:
        """Translate one WebSocket message into commands.

        Raises:
            ProtocolViolation: The message does not belong to the protocol, or has wrong fields.
        """

    def encode(self, event: SessionEvent, unix_time: float) -> tuple[str, ...]:
        """Translate an event into messages, possibly none.

        Args:
            event: The event.
            unix_time: The time now, in seconds since 1970, for timestamps.
        """

    def closing(self, event: SessionEnded | SessionFailed) -> Closing:
        """Return how to close the socket after an event; the caller still has to send the frames."""


class DialectFactory(Protocol):
    """Opens the dialect that a handshake asks for, or refuses."""

    @property
    def name(self) -> str:
        """The dialect's short name."""

    def open(self, pairs: Sequence[tuple[str, str]], models: ServedModels = ENGLISH_ONLY) -> Dialect:
        """Read the query of the handshake.

        Args:
            pairs: Names and values.
            models: The server's models.

        Raises:
            ProtocolViolation: A parameter has a value that is not allowed.
        """

    def refuse(self, violation: SessionFailed) -> Closing:
        """Return how to close a socket on which no session could begin."""
