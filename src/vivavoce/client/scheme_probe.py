"""Finds out whether a failed connection used TLS with a server that does not, or the other way round.

Servers answer the wrong kind in many ways: with an alert, an HTTP error, a closed connection, or nothing.
So a second connection of the other kind decides.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from vivavoce.errors import ConnectError

if TYPE_CHECKING:
    from collections.abc import Collection

    from vivavoce.client.address import Address

__all__ = ["scheme_error"]

_TIMEOUT_S: Final = 5.0  # a busy machine takes seconds for a handshake
_BAD_REQUEST: Final = 400
_UNRELATED: Final = (ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError)
_HTTP: Final = b"HTTP/"
_TLS_RECORDS: Final = (b"\x16\x03", b"\x15\x03")  # RFC 8446, section 5.1: a handshake, an alert


def scheme_error(address: Address, cause: BaseException | None) -> ConnectError | None:
    """Return the error for a URL whose scheme does not fit the server; None if that is not the reason.

    It opens a connection and waits for an answer, for some seconds at most.

    Args:
        address: Address of the server.
        cause: What the network, or the library, raised.
    """
    if not _may_be_the_scheme(address, cause):
        return None
    location = address.authority + address.prefix
    if not address.secure and _uses_tls(address):
        return ConnectError(f"the server at {address} uses TLS: connect with wss://{location}")
    if address.secure and _uses_plain_http(address):
        return ConnectError(f"the server at {address} does not use TLS: connect with ws://{location}")
    return None


def _may_be_the_scheme(address: Address, cause: BaseException | None) -> bool:
    from http.client import HTTPException  # noqa: PLC0415  - slow to import, needed for errors only
    from urllib.error import HTTPError  # noqa: PLC0415  - the same

    from websockets.exceptions import InvalidMessage, InvalidStatus  # noqa: PLC0415  - the same

    if isinstance(cause, _UNRELATED):
        return False
    if isinstance(cause, InvalidStatus):
        return cause.response.status_code == _BAD_REQUEST
    if isinstance(cause, HTTPError):
        return cause.code == _BAD_REQUEST
    if isinstance(cause, TimeoutError):
        return address.secure  # a server of HTTP may wait for the end of a line
    return isinstance(cause, ssl.SSLError | ConnectionError | EOFError | InvalidMessage | HTTPException)


def _connection(address: Address) -> socket.socket:
    parts = urlsplit(f"//{address.authority}")
    port = parts.port or (443 if address.secure else 80)
    return socket.create_connection((parts.hostname or "", port), _TIMEOUT_S)


def _uses_tls(address: Address) -> bool:
    """Whether the server answers the beginning of a handshake by a record of TLS, if only by an alert.

    The handshake is not completed: a server that refuses this client may reset the connection before its
    alert was read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # nothing is sent
    context.verify_mode = ssl.CERT_NONE
    hello = ssl.MemoryBIO()
    handshake = context.wrap_bio(
        ssl.MemoryBIO(), hello, server_hostname=urlsplit(f"//{address.authority}").hostname
    )
    with contextlib.suppress(ssl.SSLWantReadError):
        handshake.do_handshake()
    return _answers(address, hello.read(), _TLS_RECORDS)


def _uses_plain_http(address: Address) -> bool:
    request = f"GET / HTTP/1.1\r\nHost: {address.authority}\r\nConnection: close\r\n\r\n"
    return _answers(address, request.encode(), (_HTTP,))


def _answers(address: Address, question: bytes, beginnings: Collection[bytes]) -> bool:
    """Whether the server answers a question by one of some beginnings."""
    length = max(map(len, beginnings))
    answer = b""
    with contextlib.suppress(OSError), _connection(address) as plain:
        plain.sendall(question)
        while len(answer) < length and (part := plain.recv(length - len(answer))):
            answer += part
    return answer in beginnings
