"""Opening the WebSocket, and saying in one line why it did not open."""

from __future__ import annotations

import logging
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

import msgspec

from vivavoce.client.faults import KEY_ADVICE, REFUSAL_STATUSES
from vivavoce.errors import ConnectError, RealtimeError, RefusedError
from vivavoce.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from websockets.sync.client import ClientConnection

    from vivavoce.client.address import Address

__all__ = [
    "USER_AGENT",
    "Dialled",
    "dial",
    "status_fault",
    "telling_faults",
    "unreachable",
    "websockets_logger",
]

USER_AGENT: Final = f"vivavoce/{__version__}"

_CLOSE_WAIT_S = 1.0
_MESSAGE_LIMIT_BYTES = 1 << 20
_RECEIVE_QUEUE = 256  # frames; a handler may be slow for a while without holding up pongs
_UNAUTHORIZED = 401

# At DEBUG the library logs every header and every frame: keys and what people said.
websockets_logger = logging.getLogger("vivavoce.client.websocket")
websockets_logger.setLevel(logging.WARNING)


class _ErrorBody(msgspec.Struct):
    error: str


def _said(body: bytes | bytearray | None) -> str:
    """The error in the body of a refusal, if it is JSON and has one."""
    try:
        return msgspec.json.decode(body or b"", type=_ErrorBody).error
    except (msgspec.MsgspecError, UnicodeError):
        return ""


def status_fault(
    where: str, status: int, body: bytes | bytearray | None, retry_after: str | None
) -> RealtimeError:
    """The error that an HTTP status is.

    Args:
        where: The server's address.
        status: The HTTP status.
        body: The response's body, where it was read.
        retry_after: Its ``Retry-After`` header.
    """
    text = _said(body)
    if status not in REFUSAL_STATUSES:
        return ConnectError(f"{where} answered HTTP {status}{text and f': {text}'}", status)
    message = f"{where} refused: {text or 'no reason given'} (HTTP {status})"
    if status == _UNAUTHORIZED:
        message += KEY_ADVICE
    if retry_after:
        message += f"; try again after {retry_after} s"
    return RefusedError(message, status)


def unreachable(address: Address, error: BaseException) -> ConnectError:
    """The error that no answer is."""
    import ssl  # noqa: PLC0415  - loaded with the connection, not at import

    if isinstance(error, ssl.SSLCertVerificationError):
        return ConnectError(
            f"the certificate of {address} was not accepted: {error.verify_message}; "
            "SSL_CERT_FILE names the file of an authority to trust"
        )
    if isinstance(error, TimeoutError):
        return ConnectError(f"no answer from {address} in time{address.advice}")
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return ConnectError(f"no server at {address} ({reason}){address.advice}")


class Dialled:
    """An open WebSocket, reduced to what a session needs."""

    def __init__(self, connection: ClientConnection, stack: ExitStack) -> None:
        self._connection = connection
        self._stack = stack

    def send(self, message: bytes | str) -> bool:
        """Send a message; False if the connection is gone."""
        from websockets.exceptions import ConnectionClosed  # noqa: PLC0415  - already loaded by dial()

        try:
            self._connection.send(message)
        except ConnectionClosed:
            return False
        return True

    def receive(self, timeout_s: float | None) -> str | bytes | tuple[int, str]:
        """Wait for a message; a code and a reason if the connection is closed.

        Raises:
            TimeoutError: Nothing came in that time.
        """
        from websockets.exceptions import ConnectionClosed  # noqa: PLC0415  - already loaded by dial()

        try:
            return self._connection.recv(timeout_s)
        except ConnectionClosed as closed:
            # What counts is what the server said: without a close frame the connection was lost.
            return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")

    def close(self) -> None:
        """Close as the protocol wants it. Takes about a second at most, unless a send is stuck."""
        self._stack.close()

    def sever(self) -> None:
        """Cut the connection off, even under a stuck send."""
        import socket  # noqa: PLC0415  - already loaded by dial()

        try:
            # Not the method of a TLS socket, which would pull the cipher state from under other threads.
            socket.socket.shutdown(self._connection.socket, socket.SHUT_RDWR)
        except OSError:
            return  # it is closed already


@contextmanager
def telling_faults(address: Address) -> Iterator[None]:
    """Say in our own errors why a WebSocket did not open.

    Raises:
        ConnectError: Nobody answers, or what answers is no such server.
        RefusedError: The server said no.
    """
    from websockets.exceptions import InvalidStatus, WebSocketException  # noqa: PLC0415

    try:
        yield
    except InvalidStatus as error:
        response = error.response
        after = response.headers.get("Retry-After")
        raise status_fault(str(address), response.status_code, response.body, after) from error
    except (OSError, WebSocketException, EOFError) as error:
        raise unreachable(address, error) from error


def dial(address: Address, url: str, headers: Mapping[str, str], timeout_s: float | None) -> Dialled:
    """Open a WebSocket.

    Args:
        address: The server.
        url: The WebSocket's URL with its query.
        headers: Headers to add.
        timeout_s: Limit in seconds, or None.

    Raises:
        ConnectError: Nobody answers, or what answers is no such server.
        RefusedError: The server said no.
    """
    # Loading it takes longer than importing everything of ours.
    from websockets.sync.client import connect  # noqa: PLC0415

    from vivavoce.client.speaking_first import SpeakingFirst  # noqa: PLC0415

    stack = ExitStack()
    with telling_faults(address):
        connection = stack.enter_context(
            connect(
                url,
                additional_headers=headers,
                user_agent_header=USER_AGENT,
                compression=None,  # sound does not compress this way; it would only cost time
                proxy=None if address.is_loopback else True,
                open_timeout=timeout_s,
                close_timeout=_CLOSE_WAIT_S,
                max_size=_MESSAGE_LIMIT_BYTES,
                max_queue=_RECEIVE_QUEUE,
                logger=websockets_logger,
                create_connection=SpeakingFirst,
            )
        )
    return Dialled(connection, stack)
