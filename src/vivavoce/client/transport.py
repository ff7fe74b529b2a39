"""The connection of a session: its interface, and the WebSocket that implements it.

A program may pass its own implementation: see :class:`Transport`.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final, Protocol

from vivavoce.client.address import Address
from vivavoce.client.close_errors import CONNECTION_LOST
from vivavoce.client.dial_errors import USER_AGENT, translate_dial_errors, websockets_logger
from vivavoce.client.proxies import Proxy
from vivavoce.errors import ConnectError
from vivavoce.protocol import aai_v2, aai_v3

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from websockets.asyncio.client import ClientConnection

__all__ = ["Connection", "ConnectionEnded", "Transport", "WebSocketTransport"]

_CLOSING_HANDSHAKE_S: Final = 1.0
_MESSAGE_LIMIT_BYTES: Final = 1 << 20

_worked: set[str] = set()  # addresses that have opened a connection: their scheme fits
_UNSENT_BYTES: Final = 16_384  # half a second of 16 kHz


class ConnectionEnded(Exception):  # noqa: N818  - not always an error
    """The connection is over.

    Attributes:
        code: The code in the server's close frame; 1006 if there was none.
        reason: The reason in that frame.
    """

    def __init__(self, code: int = CONNECTION_LOST, reason: str = "") -> None:
        super().__init__(f"{code} {reason}".strip())
        self.code = code
        self.reason = reason


class Connection(Protocol):
    """An open connection. One event loop calls its methods; each may be cancelled.

    It may also have ``async def ping(self) -> None``, which requests a response from the server and waits for
    it; without a response in time, the connection counts as lost.
    """

    async def send(self, message: bytes | str) -> None:
        """Send a message: binary is audio, text is JSON. Waits while the network is slower.

        Raises:
            ConnectionEnded: The connection is over.
        """

    async def receive(self) -> bytes | str:
        """Wait for a message.

        Raises:
            ConnectionEnded: The connection is over.
        """

    async def close(self) -> None:
        """End the connection with a closing handshake; takes about a second at most."""

    def abort(self) -> None:
        """End the connection at once."""


class Transport(Protocol):
    """Opens connections."""

    async def __call__(
        self, url: str, headers: Mapping[str, str], *, timeout_s: float, stall_s: float | None
    ) -> Connection:
        """Open a connection.

        Args:
            url: URL of the WebSocket, with its query.
            headers: Headers of the handshake; they authenticate it.
            timeout_s: Limit in seconds.
            stall_s: Limit without a response of the server, in seconds, for transports without ``ping``; None
                for none.

        Raises:
            ConnectError: No server answers, or what answers is not a server of this protocol.
            RefusedError: The server refused the session.
        """


class _WebSocket:
    """A connection over a WebSocket; see :class:`Connection`."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, message: bytes | str) -> None:
        with self._translating():
            await self._connection.send(message)

    async def receive(self) -> bytes | str:
        with self._translating():
            return await self._connection.recv()

    async def ping(self) -> None:
        with self._translating():
            await (await self._connection.ping())

    async def close(self) -> None:
        with contextlib.suppress(ConnectionEnded), self._translating():
            await self._connection.close()

    def abort(self) -> None:
        with contextlib.suppress(ConnectionEnded), self._translating():
            self._connection.transport.abort()

    @contextlib.contextmanager
    def _translating(self) -> Iterator[None]:
        from websockets.exceptions import ConnectionClosed  # noqa: PLC0415  - already loaded

        try:
            yield
        except ConnectionClosed as closed:
            raise _ended(closed) from None
        except AttributeError:
            # A transport of asyncio that closed once its last data was sent has lost its loop without noting
            # that its connection is lost; abort() then fails, here or where the library calls it.
            if not self._connection.connection_lost_waiter.done():
                raise
            raise ConnectionEnded from None


def _ended(closed: object) -> ConnectionEnded:
    # Without a close frame of the server the connection was lost, whatever this side sent.
    received = getattr(closed, "rcvd", None)
    return ConnectionEnded(received.code, received.reason) if received else ConnectionEnded()


def _limit_unsent(connection: ClientConnection) -> None:
    """Let the system hold little audio that is not sent yet; by default it holds megabytes.

    On a slow link a ping would wait for that audio for minutes, and nothing could tell what has been sent.
    """
    import socket  # noqa: PLC0415  - loaded with the connection

    option = getattr(socket, "TCP_NOTSENT_LOWAT", None)  # Linux and macOS
    sock = connection.transport.get_extra_info("socket")
    if option is not None and sock is not None:
        with contextlib.suppress(OSError):  # not a socket of TCP
            sock.setsockopt(socket.IPPROTO_TCP, option, _UNSENT_BYTES)


class WebSocketTransport:
    """Opens WebSockets, through the proxy of the environment except to this machine."""

    async def __call__(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        timeout_s: float,
        stall_s: float | None,  # noqa: ARG002  - the runner sends pings
    ) -> Connection:
        """Open a WebSocket; see :class:`Transport`."""
        # Importing these takes longer than importing this package.
        import asyncio  # noqa: PLC0415

        from websockets.asyncio.client import connect  # noqa: PLC0415

        from vivavoce.client.scheme_probe import scheme_error  # noqa: PLC0415

        address = Address.parse(url.partition("?")[0].removesuffix(aai_v3.PATH).removesuffix(aai_v2.PATH))
        url_base = str(address)
        proxy = Proxy.of_environment(address)
        try:
            with translate_dial_errors(address, proxy):
                connection = await connect(
                    url,
                    additional_headers=headers,
                    user_agent_header=USER_AGENT,
                    compression=None,  # audio does not compress this way; it only takes time
                    proxy=None if proxy is None else proxy.url,
                    open_timeout=timeout_s,
                    ping_interval=None,
                    close_timeout=_CLOSING_HANDSHAKE_S,
                    max_size=_MESSAGE_LIMIT_BYTES,
                    write_limit=_UNSENT_BYTES,
                    logger=websockets_logger,
                )
        except ConnectError as error:
            if proxy is not None or url_base in _worked:
                raise
            mismatch = await asyncio.to_thread(scheme_error, address, error.__context__)
            raise (mismatch or error) from None
        _limit_unsent(connection)
        _worked.add(url_base)
        return _WebSocket(connection)
