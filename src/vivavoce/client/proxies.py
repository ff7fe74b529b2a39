"""The proxy that the environment sets, and the errors of connections through it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

from vivavoce.errors import ConnectError

if TYPE_CHECKING:
    from vivavoce.client.address import Address

__all__ = ["Proxy"]

_NEEDS_PASSWORD: Final = 407


@dataclass(frozen=True, slots=True)
class Proxy:
    """The proxy between this machine and a server.

    Attributes:
        url: Its URL, which may hold a password.
        address: The server's address.
    """

    url: str
    address: Address

    @classmethod
    def of_environment(cls, address: Address, *, for_http: bool = False) -> Self | None:
        """Return the proxy for a server; None for a direct connection, as always within this machine.

        Args:
            address: The server's address.
            for_http: Whether an HTTP request uses it, not a WebSocket.
        """
        # Slow to import, and needed once per connection.
        from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415

        if address.is_loopback or proxy_bypass(address.authority):
            return None
        proxies = getproxies()
        schemes: tuple[str, ...] = ("https",) if address.secure else ("http",)
        if not for_http:  # RFC 6455, section 4.1: SOCKS first, then the proxy of HTTPS
            schemes = ("wss", "socks", "https") if address.secure else ("ws", "socks", "https", "http")
        for scheme in schemes:
            if url := proxies.get(scheme):
                is_bare_socks = scheme == "socks" and url.startswith("http://")  # as some systems have it
                return cls("socks5h://" + url.removeprefix("http://") if is_bare_socks else url, address)
        return None

    def __str__(self) -> str:
        """Return the URL for messages, without user and password."""
        try:
            parts = urlsplit(self.url)
            port = f":{parts.port}" if parts.port else ""
        except ValueError:
            return "of the environment"
        return f"{parts.scheme}://{parts.hostname}{port}" if parts.hostname else "of the environment"

    def error(self, reason: str) -> ConnectError:
        """Return the error for a connection that the proxy prevents."""
        host = self.address.authority.rpartition(":")[0] or self.address.authority
        return ConnectError(
            f"no connection to {self.address} through the proxy {self}: {reason}; "
            f"to connect directly, set NO_PROXY={host}"
        )

    def status_error(self, status: int) -> ConnectError:
        """Return the error for an HTTP status by which the proxy refused."""
        needs = ", so it needs a user and a password in its URL" if status == _NEEDS_PASSWORD else ""
        return self.error(f"the proxy answered HTTP {status}{needs}")
