"""Requests temporary tokens, each of which opens one session without the key."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import msgspec

from vivavoce.arguments import whole_number
from vivavoce.client.address import Address, request_headers
from vivavoce.client.dial_errors import USER_AGENT, status_error, unreachable_error
from vivavoce.client.proxies import Proxy
from vivavoce.errors import ConnectError
from vivavoce.json_failures import JSON_FAILURES
from vivavoce.protocol.token_requests import (
    V2_EXPIRY_S,
    V2_TOKEN_PATH,
    V3_TOKEN_PATH,
    V2TokenRequest,
    decode_v2_token,
)

if TYPE_CHECKING:
    from vivavoce.configuration import Settings

__all__ = ["create_stream_token", "create_token"]

_MIN_EXPIRY_S: Final = V2_EXPIRY_S.start
_MAX_EXPIRY_S: Final = V2_EXPIRY_S.stop - 1


def create_token(settings: Settings, expires_in: int, timeout: float | None) -> str:
    """Request a token of Realtime v2.

    Args:
        settings: The server's address and the key.
        expires_in: How long the token can open a session, in seconds.
        timeout: Limit for the request in seconds; None for ``settings.http_timeout``.

    Raises:
        ConfigurationError: ``expires_in`` is not in 60..360000.
        ConnectError: No server answers, or what answers is not a server of this protocol.
        RefusedError: The server refused the request.
    """
    whole_number("expires_in", expires_in, low=_MIN_EXPIRY_S, high=_MAX_EXPIRY_S, unit="seconds")
    return _request(
        Address.parse(settings.base_url),
        V2_TOKEN_PATH,
        request_headers(settings.api_key) | {"Content-Type": "application/json"},
        body=msgspec.json.encode(V2TokenRequest(expires_in=expires_in)),
        timeout_s=settings.http_timeout if timeout is None else timeout,
    )


def create_stream_token(
    address: Address,
    headers: dict[str, str],
    expires_in_seconds: int,
    max_session_duration_seconds: int | None,
    timeout_s: float,
) -> str:
    """Request a token of v3.

    Args:
        address: Address of the server.
        headers: Headers that authenticate the request.
        expires_in_seconds: How long the token can open a session, in seconds.
        max_session_duration_seconds: How long that session may last, in seconds; None for the server's limit.
        timeout_s: Limit for the request in seconds.

    Raises:
        ConfigurationError: A duration is not a positive whole number. The server has limits of its own.
        ConnectError: No server answers, or what answers is not a server of this protocol.
        RefusedError: The server refused the request.
    """
    query = {"expires_in_seconds": expires_in_seconds}
    if max_session_duration_seconds is not None:
        query["max_session_duration_seconds"] = max_session_duration_seconds
    for name, value in query.items():
        whole_number(name, value, low=1, high=_MAX_EXPIRY_S, unit="seconds")
    return _request(address, f"{V3_TOKEN_PATH}?{urlencode(query)}", headers, body=None, timeout_s=timeout_s)


def _request(
    address: Address, path: str, headers: dict[str, str], *, body: bytes | None, timeout_s: float
) -> str:
    # Importing these takes longer than importing this package.
    from http.client import HTTPException  # noqa: PLC0415
    from urllib.error import HTTPError, URLError  # noqa: PLC0415
    from urllib.request import ProxyHandler, Request, build_opener  # noqa: PLC0415

    request = Request(  # noqa: S310  - Address gives http and https only
        address.http_url(path),
        data=body,
        headers=headers | {"User-Agent": USER_AGENT},
        method="GET" if body is None else "POST",
    )
    proxy = Proxy.of_environment(address, for_http=True)
    opener = build_opener() if proxy is not None else build_opener(ProxyHandler({}))
    try:
        with opener.open(request, timeout=timeout_s) as response:
            answer: bytes = response.read()
    except HTTPError as error:
        with error:
            if proxy is not None and error.code == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
                raise proxy.status_error(error.code) from None
            after = error.headers.get("Retry-After")
            refusal = status_error(str(address), error.code, error.read(), after)
            raise _mismatch(address, proxy, error) or refusal from None
    except URLError as error:
        reason = error.reason if isinstance(error.reason, BaseException) else error
        raise _mismatch(address, proxy, reason) or unreachable_error(address, reason, proxy) from None
    except (OSError, HTTPException) as error:
        raise _mismatch(address, proxy, error) or unreachable_error(address, error, proxy) from None
    try:
        return decode_v2_token(answer).token
    except JSON_FAILURES as error:
        raise ConnectError(f"the answer of {address} must contain a token: {error}") from None


def _mismatch(address: Address, proxy: Proxy | None, cause: BaseException) -> ConnectError | None:
    from vivavoce.client.scheme_probe import scheme_error  # noqa: PLC0415  - needed for errors only

    return None if proxy is not None else scheme_error(address, cause)
