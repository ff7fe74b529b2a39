"""The connection to a Redis that several servers share: its address, its errors, and the library."""

from __future__ import annotations

import contextlib
import importlib
import os
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from vivavoce.errors import ConfigurationError, ExtrasNotInstalledError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "REDIS_PASSWORD_VARIABLE",
    "REDIS_PREFIX",
    "check_redis_url",
    "connect_redis",
    "connect_redis_async",
    "redis_errors",
    "shown_redis_url",
]

REDIS_PREFIX: Final = "vivavoce:"
"""What the names of all keys in Redis begin with."""

REDIS_PASSWORD_VARIABLE: Final = "VIVAVOCE_REDIS_PASSWORD"  # noqa: S105  - its name
"""Variable of the environment with the password, unless the address has one."""

_SCHEMES: Final = ("redis", "rediss", "unix")
_DEFAULT_PORT: Final = 6379


def check_redis_url(url: str) -> None:
    """Check an address of a Redis; a password in it appears in no message.

    Raises:
        ConfigurationError: It is not one.
    """
    try:
        parts = urlsplit(url)
        database = parts.path.strip("/")
        is_one = parts.scheme in _SCHEMES and (
            bool(database)
            if parts.scheme == "unix"
            else bool(parts.hostname) and parts.port != 0 and (not database or database.isdecimal())
        )
        is_one = is_one and not parts.fragment
    except ValueError:  # the port is no number, or what looks like one belongs to a password
        is_one = False
    if not is_one:
        raise ConfigurationError(
            "--redis must be redis://HOST:PORT/DATABASE, rediss://HOST:PORT/DATABASE or unix:///SOCKET, "
            f"got {_scheme_of(url)}; in a password write / ? # @ as %2F %3F %23 %40, "
            f"or set {REDIS_PASSWORD_VARIABLE}"
        )


def shown_redis_url(url: str) -> str:
    """Return an address that `check_redis_url` accepts, without user, password and options."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"unix://{unquote(parts.path)}"
    host = parts.hostname or ""
    where = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{where}:{parts.port or _DEFAULT_PORT}/{parts.path.strip('/') or 0}"


def connect_redis(url: str, *, timeout_s: float = 2.0) -> Any:
    """Return a client of a Redis, a `redis.Redis`; it connects when it is first used.

    A command that fails is not repeated: it may have been executed.

    Args:
        url: An address that `check_redis_url` accepts.
        timeout_s: How long a connection and an answer may take, in seconds.

    Raises:
        ExtrasNotInstalledError: The library is missing.
    """
    return _client(_library("redis").Redis, _library("redis.retry").Retry, url, timeout_s)


def connect_redis_async(url: str, *, timeout_s: float | None = 2.0) -> Any:
    """Return the same for asyncio, a `redis.asyncio.Redis`.

    Args:
        url: An address that `check_redis_url` accepts.
        timeout_s: How long an answer may take, in seconds; None: any time, as a subscription needs.

    Raises:
        ExtrasNotInstalledError: The library is missing.
    """
    return _client(_library("redis.asyncio").Redis, _library("redis.asyncio.retry").Retry, url, timeout_s)


def _client(kind: Any, retry: Any, url: str, timeout_s: float | None) -> Any:
    password = os.environ.get(REDIS_PASSWORD_VARIABLE)
    has_one = urlsplit(url).password is not None or "password=" in urlsplit(url).query
    backoff = _library("redis.backoff").NoBackoff()
    return kind.from_url(
        url,
        socket_timeout=timeout_s,
        socket_connect_timeout=2.0 if timeout_s is None else timeout_s,
        retry=retry(backoff, 0),
        client_name="vivavoce",
        **({"password": password} if password and not has_one else {}),
    )


@contextlib.contextmanager
def redis_errors(url: str) -> Iterator[None]:
    """Report what fails between this process and a Redis inside the block.

    Args:
        url: Its address.

    Raises:
        StoreError: The Redis can't be reached, or refuses.
    """
    library = _library("redis")
    try:
        yield
    except library.AuthenticationError:
        raise StoreError(
            f"{shown_redis_url(url)}: the Redis refuses the password; set {REDIS_PASSWORD_VARIABLE}"
        ) from None
    except (OSError, library.RedisError) as error:
        reason = (str(error) or type(error).__name__).rstrip(".")
        is_sentence = not reason[1:2].isupper()
        reason = reason[:1].lower() + reason[1:] if is_sentence else reason
        raise StoreError(f"{shown_redis_url(url)}: {reason}") from None


def _scheme_of(url: str) -> str:
    """Return what may be shown of an address that is not valid: no part of it can be trusted to be public."""
    scheme, found, _ = url.partition("://")
    return (
        repr(f"{scheme}://...") if found and scheme.isalnum() else "an address without one of these schemes"
    )


def _library(module: str) -> Any:
    """Import the library, which only servers that share a Redis need."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ExtrasNotInstalledError(
            'the library of Redis is not installed; run: pip install "vivavoce[redis]"'
        ) from error
