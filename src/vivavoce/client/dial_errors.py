"""Converts what prevents a connection to errors of one line."""

from __future__ import annotations

import logging
import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import msgspec

from vivavoce.client.close_errors import KEY_ADVICE, REFUSAL_STATUSES
from vivavoce.errors import ConnectError, RealtimeError, RefusedError
from vivavoce.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vivavoce.client.address import Address

__all__ = [
    "USER_AGENT",
    "status_error",
    "translate_dial_errors",
    "unreachable_error",
    "websockets_logger",
]

USER_AGENT: Final = f"vivavoce/{__version__}"

_UNAUTHORIZED = 401

# At DEBUG the library logs every header and frame: keys and transcripts.
websockets_logger = logging.getLogger("vivavoce.client.websocket")
websockets_logger.setLevel(logging.WARNING)


class _ErrorBody(msgspec.Struct):
    error: str


def _error_text(body: bytes | bytearray | None) -> str:
    """Return the error in the body of a response, if it is JSON and has one."""
    try:
        return msgspec.json.decode(body or b"", type=_ErrorBody).error
    except (msgspec.MsgspecError, UnicodeError):
        return ""


def status_error(
    where: str, status: int, body: bytes | bytearray | None, retry_after: str | None
) -> RealtimeError:
    """Return the error for an HTTP status.

    Args:
        where: The server's address.
        status: The HTTP status.
        body: The body of the response; None if it was not read.
        retry_after: The ``Retry-After`` header of the response, if there is one.
    """
    text = _error_text(body)
    if status not in REFUSAL_STATUSES:
        return ConnectError(f"{where} answered HTTP {status}{text and f': {text}'}", status)
    message = f"{where} refused: {text or 'no reason given'} (HTTP {status})"
    if status == _UNAUTHORIZED:
        message += KEY_ADVICE
    if retry_after:
        message += f"; try again after {retry_after} s"
    return RefusedError(message, status)


def unreachable_error(address: Address, error: BaseException) -> ConnectError:
    """Return the error for a connection that could not be opened."""
    import ssl  # noqa: PLC0415  - loaded with the connection, not at import

    if isinstance(error, ssl.SSLCertVerificationError):
        return ConnectError(
            f"the certificate of {address} was not accepted: {error.verify_message}; "
            "set SSL_CERT_FILE to the file of an authority to trust"
        )
    if isinstance(error, TimeoutError):
        return ConnectError(f"no answer from {address} in time{address.advice}")
    return ConnectError(f"no server at {address} ({_reason(error)}){address.advice}")


def _reason(error: BaseException) -> str:
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    # asyncio reports the addresses it tried, several of them in one text, instead of the reason.
    if "Connect call failed" in text:
        numbers = [getattr(error, "errno", None), *map(int, re.findall(r"\[Errno (\d+)\]", text))]
        text = next((os.strerror(number) for number in numbers if number), text)
    return text or type(error).__name__


@contextmanager
def translate_dial_errors(address: Address) -> Iterator[None]:
    """Convert the errors of the WebSocket library, and of the network, to this package's.

    Raises:
        ConnectError: No server answers, or what answers is not a server of this protocol.
        RefusedError: The server refused the session.
    """
    from websockets.exceptions import InvalidStatus, WebSocketException  # noqa: PLC0415

    try:
        yield
    except InvalidStatus as error:
        response = error.response
        after = response.headers.get("Retry-After")
        raise status_error(str(address), response.status_code, response.body, after) from None
    except (OSError, WebSocketException, EOFError) as error:
        raise unreachable_error(address, error) from None
