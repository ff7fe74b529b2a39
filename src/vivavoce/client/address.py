"""Addresses of servers, and the headers of requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Address", "request_headers"]

_SECURE = {"ws": False, "http": False, "wss": True, "https": True}
_SERVER_PACKAGES = (
    "onnxruntime",
    "uvicorn",
    "typer",
)  # without them there is no command that starts a server


def _is_installed(module: str) -> bool:
    import importlib.util  # noqa: PLC0415  - needed once per error, not at import

    return importlib.util.find_spec(module) is not None


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    import ipaddress  # noqa: PLC0415  - needed once per connection, not at import

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Address:
    """A server's address.

    Attributes:
        authority: Host and port, as a URL writes them.
        prefix: Path before every path of the server, without a slash at its end.
        secure: Whether connections use TLS.
        is_loopback: Whether the server is on this machine.
    """

    authority: str
    prefix: str
    secure: bool
    is_loopback: bool

    @classmethod
    def parse(cls, base_url: str) -> Address:
        """Parse a base URL. The schemes ``ws`` and ``http`` mean the same, and so do ``wss`` and ``https``.

        Raises:
            ConfigurationError: It is not such a URL, or it has parts that a base URL must not have.
        """
        try:
            parts = urlsplit(base_url.strip())
            port = parts.port
        except ValueError as error:
            raise ConfigurationError(f"base_url must be a URL, got an invalid one: {error}") from None
        if parts.scheme not in _SECURE or not parts.hostname:
            raise ConfigurationError(
                f"base_url must be like ws://host:port, wss://…, http://… or https://…, got {base_url!r}"
            )
        if parts.username is not None or parts.query or parts.fragment:
            raise ConfigurationError(
                "base_url must have neither a user name nor a query; pass the key as api_key"
            )
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        return cls(
            authority=host if port is None else f"{host}:{port}",
            prefix=parts.path.rstrip("/"),
            secure=_SECURE[parts.scheme],
            is_loopback=_is_loopback(parts.hostname),
        )

    def __str__(self) -> str:
        """Return the address for messages; it never contains a key or a token."""
        return f"{'wss' if self.secure else 'ws'}://{self.authority}{self.prefix}"

    def websocket_url(self, path: str, pairs: Sequence[tuple[str, str]]) -> str:
        """Return the URL of a WebSocket, with its query."""
        return f"{self}{path}?{urlencode(pairs)}"

    def http_url(self, path: str) -> str:
        """Return the URL of an HTTP request."""
        return f"{'https' if self.secure else 'http'}://{self.authority}{self.prefix}{path}"

    @property
    def advice(self) -> str:
        """What to do if no server answers, to append to an error message."""
        if not self.is_loopback:
            return ""
        if all(map(_is_installed, _SERVER_PACKAGES)):
            return "; `vivavoce serve` starts one"
        return '; to have one, run: pip install "vivavoce[server,cli]", then vivavoce serve'


def request_headers(api_key: str | None) -> dict[str, str]:
    """Return the headers that authenticate a request.

    Raises:
        ConfigurationError: The key has characters that a header can't contain.
    """
    if not api_key:
        return {}
    key = api_key.strip()
    if not (key.isascii() and key.isprintable()):
        raise ConfigurationError("api_key must be printable ASCII; check that it was pasted whole, and alone")
    return {"Authorization": key}
