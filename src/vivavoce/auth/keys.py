"""API keys."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["KeyRing", "is_loopback", "owner_of"]


class KeyRing:
    """The keys that open a server; a ring without keys opens for everybody."""

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._keys = [key.encode() for key in keys]

    @property
    def is_open(self) -> bool:
        """Whether no key is asked for."""
        return not self._keys

    def admits(self, presented: str | None) -> bool:
        """Whether a key opens the server; takes the same time for every wrong one."""
        if self.is_open:
            return True
        if not presented:
            return False
        given = presented.removeprefix("Bearer ").encode()
        matches = [hmac.compare_digest(given, key) for key in self._keys]  # all of them, also behind a match
        return any(matches)


def owner_of(key: str) -> str:
    """Four hex digits that tell the keys of a server apart and give none away."""
    return hashlib.sha256(key.encode()).hexdigest()[:4]


def is_loopback(host: str) -> bool:
    """Whether an address to listen on can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
