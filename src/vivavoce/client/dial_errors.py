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
from vivavoce.json_failures import JSON_FAILURES
from vivavoce.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vivavoce.client.address import Address
    from vivavoce.client.proxies import Proxy

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


_decode_error = msgspec.json.Decoder(_ErrorBody).decode  # made once, for threads


def _error_text(body: bytes | bytearray | None) -> str:
    """Return the error in the body of a response, if it is JSON and has one."""
    try:
        return _decode_error(body or b"").error
    except JSON_FAILURES:
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


def unreachable_error(address: Address, error: BaseException, proxy: Proxy | None = None) -> ConnectError:
    """Return the error for a connection that could not be opened.

    Args:
        address: Address of the server.
        error: What prevented the connection.
        proxy: The proxy that the connection used; None: it was direct.
    """
    import ssl  # noqa: PLC0415  - loaded with the connection, not at import

    if isinstance(error, ssl.SSLCertVerificationError):
        return ConnectError(
            f"the certificate of {address} was not accepted: {error.verify_message}; "
            "set SSL_CERT_FILE to the file of an authority to trust"
        )
    if proxy is not None:
        return proxy.error("no answer in time" if isinstance(error, TimeoutError) else _reason(error))
    if isinstance(error, TimeoutError):
        return ConnectError(f"no answer from {address} in time{address.advice}")
    if _is_other_protocol(error):
        return ConnectError(
            f"what answers at {address} is not a server of this protocol ({_reason(error)}); "
            "check host and port"
        )
    return ConnectError(f"no server at {address} ({_reason(error)}){address.advice}")


def _is_other_protocol(error: BaseException) -> bool:
    from http.client import BadStatusLine, RemoteDisconnected  # noqa: PLC0415  - slow to import, for errors only

    from websockets.exceptions import InvalidMessage  # noqa: PLC0415  - the same

    if isinstance(error, InvalidMessage):
        return not isinstance(error.__cause__, EOFError)  # it did not answer
    return isinstance(error, BadStatusLine) and not isinstance(error, RemoteDisconnected)


def _reason(error: BaseException) -> str:
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    # asyncio reports the addresses it tried, several of them in one text, instead of the reason.
    if "Connect call failed" in text:
        numbers = [getattr(error, "errno", None), *map(int, re.findall(r"\[Errno (\d+)\]", text))]
        text = next((os.strerror(number) for number in numbers if number), text)
    return text or type(error).__name__


def _proxy_error(proxy: Proxy, error: Exception) -> ConnectError:
    from websockets.exceptions import InvalidProxy, InvalidProxyStatus  # noqa: PLC0415

    if isinstance(error, ImportError):
        return proxy.error("a SOCKS proxy needs python-socks: pip install python-socks")
    if isinstance(error, InvalidProxyStatus):
        return proxy.status_error(error.response.status_code)
    if isinstance(error, InvalidProxy):
        return proxy.error(f"the URL of the proxy is not valid: {error.msg}")  # str(error) has the password
    return proxy.error(_reason(error.__cause__ or error))


@contextmanager
def translate_dial_errors(address: Address, proxy: Proxy | None = None) -> Iterator[None]:
    """Convert the errors of the WebSocket library, and of the network, to this package's.

    Args:
        address: Address of the server.
        proxy: The proxy that the connection uses; None: it is direct.

    Raises:
        ConnectError: No server answers, or what answers is not a server of this protocol.
        RefusedError: The server refused the session.
    """
    from websockets.exceptions import InvalidProxy, InvalidStatus, ProxyError, WebSocketException  # noqa: PLC0415

    try:
        yield
    except InvalidStatus as error:
        response = error.response
        after = response.headers.get("Retry-After")
        raise status_error(str(address), response.status_code, response.body, after) from None
    except (ImportError, InvalidProxy, ProxyError) as error:
        if proxy is None:
            raise
        raise _proxy_error(proxy, error) from None
    except (OSError, WebSocketException, EOFError) as error:
        raise unreachable_error(address, error, proxy) from None
