"""What a session needs of a connection, and the WebSocket that usually is one.

Anything that has the same methods can stand in its place: see :class:`Transport`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from vivavoce.client.address import Address
from vivavoce.client.close_errors import CONNECTION_LOST
from vivavoce.client.dial_errors import USER_AGENT, translate_dial_errors, websockets_logger
from vivavoce.protocol import aai_v2, aai_v3

if TYPE_CHECKING:
    from collections.abc import Mapping

    from websockets.asyncio.client import ClientConnection

__all__ = ["Connection", "ConnectionEnded", "Transport", "WebSocketTransport"]

_CLOSE_WAIT_S: Final = 1.0
_MESSAGE_LIMIT_BYTES: Final = 1 << 20


class ConnectionEnded(Exception):  # noqa: N818  - no fault of anybody's as such
    """The connection is over.

    Attributes:
        code: The code of the server's close frame; 1006 if there was none.
        reason: What it said.
    """

    def __init__(self, code: int = CONNECTION_LOST, reason: str = "") -> None:
        super().__init__(f"{code} {reason}".strip())
        self.code = code
        self.reason = reason


class Connection(Protocol):
    """An open connection. Its methods are called from one event loop; each may be cancelled.

    It may also have ``async def ping(self) -> None``, which asks the other side for a sign of life and waits
    for it; where there is none for too long, the connection counts as lost.
    """

    async def send(self, message: bytes | str) -> None:
        """Send a message: binary is audio, text is JSON. Waits while the network is slow.

        Raises:
            ConnectionEnded: The connection is over.
        """

    async def receive(self) -> bytes | str:
        """Wait for a message.

        Raises:
            ConnectionEnded: The connection is over.
        """

    async def close(self) -> None:
        """End it as the protocol wants; takes a second or so at most."""

    def abort(self) -> None:
        """End it at once, whatever is under way."""


class Transport(Protocol):
    """Opens connections."""

    async def __call__(
        self, url: str, headers: Mapping[str, str], *, timeout_s: float, stall_s: float | None
    ) -> Connection:
        """Open a connection.

        Args:
            url: Of the WebSocket, with its query.
            headers: Say who asks.
            timeout_s: Limit in seconds.
            stall_s: How long the other side may give no sign of life, in seconds, for connections that can't
                be pinged; None: as long as it likes.

        Raises:
            ConnectError: Nobody answers, or what answers is no such server.
            RefusedError: The server said no.
        """


class _WebSocket:
    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, message: bytes | str) -> None:
        from websockets.exceptions import ConnectionClosed  # noqa: PLC0415  - already loaded

        try:
            await self._connection.send(message)
        except ConnectionClosed as closed:
            raise _ended(closed) from None

    async def receive(self) -> bytes | str:
        from websockets.exceptions import ConnectionClosed  # noqa: PLC0415  - already loaded

        try:
            return await self._connection.recv()
        except ConnectionClosed as closed:
            raise _ended(closed) from None

    async def ping(self) -> None:
        from websockets.exceptions import ConnectionClosed  # noqa: PLC0415  - already loaded

        try:
            await (await self._connection.ping())
        except ConnectionClosed as closed:
            raise _ended(closed) from None

    async def close(self) -> None:
        await self._connection.close()

    def abort(self) -> None:
        self._connection.transport.abort()


def _ended(closed: object) -> ConnectionEnded:
    # What counts is what the server said: without a close frame of it the connection was lost.
    received = getattr(closed, "rcvd", None)
    return ConnectionEnded(received.code, received.reason) if received else ConnectionEnded()


class WebSocketTransport:
    """Opens WebSockets. Proxies of the environment are used, but not to this machine."""

    async def __call__(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        timeout_s: float,
        stall_s: float | None,  # noqa: ARG002  - whoever runs the session sends the pings
    ) -> Connection:
        """Open a WebSocket; see :class:`Transport`."""
        # Loading it takes longer than importing everything of ours.
        from websockets.asyncio.client import connect  # noqa: PLC0415

        address = Address.parse(url.partition("?")[0].removesuffix(aai_v3.PATH).removesuffix(aai_v2.PATH))
        with translate_dial_errors(address):
            connection = await connect(
                url,
                additional_headers=headers,
                user_agent_header=USER_AGENT,
                compression=None,  # sound does not compress this way; it would only cost time
                proxy=None if address.is_loopback else True,
                open_timeout=timeout_s,
                ping_interval=None,
                close_timeout=_CLOSE_WAIT_S,
                max_size=_MESSAGE_LIMIT_BYTES,
                logger=websockets_logger,
            )
        return _WebSocket(connection)
