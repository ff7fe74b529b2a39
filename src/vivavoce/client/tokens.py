"""Temporary tokens: a way to let somebody open one session without giving them the key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from vivavoce.checks import whole_number
from vivavoce.client.address import Address, request_headers
from vivavoce.client.dialling import USER_AGENT, status_fault, unreachable
from vivavoce.errors import ConnectError

if TYPE_CHECKING:
    from vivavoce.settings import Settings

__all__ = ["TOKEN_PATH", "create_token"]

TOKEN_PATH: Final = "/v2/realtime/token"  # noqa: S105  - a path
_MIN_EXPIRY_S = 60
_MAX_EXPIRY_S = 360_000


class _TokenBody(msgspec.Struct):
    token: str


def create_token(settings: Settings, expires_in: int, timeout: float | None) -> str:
    """Ask the server for a token.

    Args:
        settings: Where the server is, and the key.
        expires_in: How long the token may be used to open a session, in seconds.
        timeout: Limit for the request in seconds; None for ``settings.http_timeout``.

    Raises:
        ConfigurationError: ``expires_in`` is not in 60..360000.
        ConnectError: Nobody answers, or what answers is no such server.
        RefusedError: The server said no.
    """
    # Loading these takes longer than importing everything of ours.
    from http.client import HTTPException  # noqa: PLC0415
    from urllib.error import HTTPError, URLError  # noqa: PLC0415
    from urllib.request import ProxyHandler, Request, build_opener  # noqa: PLC0415

    whole_number("expires_in", expires_in, low=_MIN_EXPIRY_S, high=_MAX_EXPIRY_S, unit="seconds")
    address = Address.parse(settings.base_url)
    headers = request_headers(settings.api_key)
    headers |= {"Content-Type": "application/json", "User-Agent": USER_AGENT}
    request = Request(  # noqa: S310  - Address gives http and https only
        address.http_url(TOKEN_PATH),
        data=msgspec.json.encode({"expires_in": expires_in}),
        headers=headers,
        method="POST",
    )
    opener = build_opener(ProxyHandler({})) if address.is_loopback else build_opener()
    try:
        with opener.open(request, timeout=settings.http_timeout if timeout is None else timeout) as response:
            body: bytes = response.read()
    except HTTPError as error:
        with error:
            after = error.headers.get("Retry-After")
            raise status_fault(str(address), error.code, error.read(), after) from error
    except URLError as error:
        reason = error.reason if isinstance(error.reason, BaseException) else error
        raise unreachable(address, reason) from error
    except (OSError, HTTPException) as error:
        raise unreachable(address, error) from error
    try:
        return msgspec.json.decode(body, type=_TokenBody).token
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise ConnectError(f"{address} answered something that is no token: {error}") from error
