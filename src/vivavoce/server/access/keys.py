"""API keys, and what those may do who have them."""

from __future__ import annotations

import enum
import hashlib
import hmac
import ipaddress
from typing import TYPE_CHECKING, Final

from vivavoce.errors import ConfigurationError, ProtocolViolation
from vivavoce.types import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["KeyRing", "Standing", "is_loopback", "owner_of"]


class Standing(enum.StrEnum):
    """Whether a key opens the server, and if not, why; what an operator writes behind it."""

    GOOD = "good"
    NO_FUNDS = "no-funds"
    UNPAID = "unpaid"
    DISABLED = "disabled"


_REFUSALS: Final = {
    Standing.NO_FUNDS: (Failure.NO_FUNDS, "the balance of this key is used up"),
    Standing.UNPAID: (Failure.UNPAID, "real-time transcription needs a paid account"),
    Standing.DISABLED: (Failure.UNAUTHORIZED, "this key is disabled"),
}


class KeyRing:
    """The keys that open a server; a ring without keys opens for everybody.

    Attributes:
        texts: The keys themselves, good or not.
    """

    def __init__(self, entries: Iterable[str] = ()) -> None:
        """Take keys.

        Args:
            entries: Each a key, or a key, a blank, and a `Standing`.

        Raises:
            ConfigurationError: What stands behind a key is none.
        """
        standings = dict(map(_parse, entries))
        self.texts = tuple(standings)
        self._standings = {key.encode(): standing for key, standing in standings.items()}

    @property
    def is_open(self) -> bool:
        """Whether no key is asked for."""
        return not self._standings

    def admits(self, presented: str | None) -> bool:
        """Whether a key opens the server; takes the same time for every wrong one.

        Raises:
            ProtocolViolation: It is a key of the server, and does not open it.
        """
        if self.is_open:
            return True
        if not presented:
            return False
        given = presented.removeprefix("Bearer ").encode()
        # All of them, also behind a match.
        found = [standing for key, standing in self._standings.items() if hmac.compare_digest(given, key)]
        if found:
            _check(found[0])
        return bool(found)

    def check_owner(self, owner: str) -> None:
        """Say whether tokens of an owner are still good.

        Raises:
            ProtocolViolation: None of the keys that it may be opens the server.
        """
        standings = [it for key, it in self._standings.items() if owner_of(key.decode()) == owner]
        if standings and Standing.GOOD not in standings:
            _check(standings[0])


def _parse(entry: str) -> tuple[str, Standing]:
    key, _, word = entry.strip().partition(" ")
    word = word.strip() or Standing.GOOD
    if word not in set(Standing):
        raise ConfigurationError(
            f"behind a key stands {word[:20]!r}, which is none of: {', '.join(Standing)}"
        )
    return key, Standing(word)


def _check(standing: Standing) -> None:
    if standing is not Standing.GOOD:
        raise ProtocolViolation(*_REFUSALS[standing])


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
