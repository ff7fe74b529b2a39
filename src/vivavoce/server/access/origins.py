"""Which web pages may use the server.

A browser lets any page open a WebSocket to any address, also to one that only this machine reaches, and says
in the header ``Origin`` which page it is. A server without keys therefore has to refuse foreign pages itself.

A page can also let its own name point to this machine, once it is loaded ("DNS rebinding"). Its requests then
go to its own origin, so some come without ``Origin``, but with its name in ``Host``.
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
        if origin is None:
            return not (self._is_local and not self._has_keys) or self._is_own(host)
        if self.is_listed(origin):
            return True
        netloc, name = _location(origin)
        if self._is_local:  # a name that an attacker lets point here is not enough
            return _is_here(name)
        return bool(netloc) and netloc == (host or "").lower()

    def _is_own(self, host: str | None) -> bool:
        """Whether a name in ``Host`` is one of this machine, or of a listed origin."""
        if host is None or _ANY in self._allowed:
            return True
        netloc, name = _location(f"//{host}")
        return _is_here(name) or any(_location(each)[0] == netloc for each in self._allowed)

    def is_listed(self, origin: str) -> bool:
        """Whether the operator has allowed an origin."""
        return _ANY in self._allowed or origin.rstrip("/").lower() in self._allowed


def _is_here(name: str) -> bool:
    """Whether a name is this machine's, whoever asks: nobody can own one below localhost (RFC 6761, 6.3)."""
    name = name.removesuffix(".")
    return is_loopback(name) or name.endswith(".localhost")


def _location(url: str) -> tuple[str, str]:
    """Return name and port of an address, and its name alone, in lower case; both empty if it has none."""
    try:
        split = urlsplit(url.lower())
        name = split.hostname or ""
    except ValueError:  # as of a bracket that is not closed
        return "", ""
    return split.netloc, name
