"""Which web pages may use the server.

A browser lets any page open a WebSocket to any address, also to one that only this machine reaches, and says
in the header ``Origin`` which page it is. A server without keys therefore has to refuse foreign pages itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from vivavoce.server.access.keys import is_loopback

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["OriginPolicy"]

_ANY: Final = "*"


class OriginPolicy:
    """Decides which pages may open sessions and read rooms.

    Besides the listed origins these are the server's own pages, and on a loopback address those that come
    from this machine. A server with keys takes sessions from any page, since that has to bring a token.
    """

    def __init__(self, allowed: Collection[str] = (), *, host: str, has_keys: bool) -> None:
        """Take the operator's rules.

        Args:
            allowed: Origins such as ``https://example.org``; ``*``: all.
            host: The address that the server listens on.
            has_keys: Whether sessions need a key or a token.
        """
        self._allowed = frozenset(origin.rstrip("/").lower() for origin in allowed)
        self._is_local = is_loopback(host)
        self._has_keys = has_keys

    def may_open_session(self, origin: str | None, host: str | None) -> bool:
        """Whether a page may open a session.

        Args:
            origin: The header ``Origin``; None: the client is not a page.
            host: The header ``Host``.
        """
        return origin is None or self._has_keys or self.may_read(origin, host)

    def may_read(self, origin: str | None, host: str | None) -> bool:
        """Whether a page may read rooms; the arguments are those of `may_open_session`."""
        if origin is None or self.is_listed(origin):
            return True
        page = urlsplit(origin)
        if self._is_local:  # a name that an attacker lets point here is not enough
            return page.hostname is not None and is_loopback(page.hostname)
        return bool(page.netloc) and page.netloc.lower() == (host or "").lower()

    def is_listed(self, origin: str) -> bool:
        """Whether the operator has allowed an origin."""
        return _ANY in self._allowed or origin.rstrip("/").lower() in self._allowed
