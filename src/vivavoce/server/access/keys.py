"""API keys and their status."""

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

__all__ = ["KeyRing", "KeyStatus", "is_loopback", "owner_of", "strip_scheme"]


class KeyStatus(enum.StrEnum):
    """Whether a key opens sessions, and if not, why; an operator writes it after the key."""

    GOOD = "good"
    NO_FUNDS = "no-funds"
    UNPAID = "unpaid"
    DISABLED = "disabled"


_REFUSALS: Final = {
    KeyStatus.NO_FUNDS: (Failure.NO_FUNDS, "the balance of this key is used up"),
    KeyStatus.UNPAID: (Failure.UNPAID, "real-time transcription needs a paid account"),
    KeyStatus.DISABLED: (Failure.UNAUTHORIZED, "this key is disabled"),
}


class KeyRing:
    """The keys of a server; a ring without keys admits every client.

    Attributes:
        texts: The keys themselves, whatever their status.
    """

    def __init__(self, entries: Iterable[str] = ()) -> None:
        """Take keys.

        Args:
            entries: Each a key, or a key, a space, and a `KeyStatus`.

        Raises:
            ConfigurationError: A key is empty or can't be sent in a header, or it has an unknown status.
        """
        statuses = dict(map(_parse, entries))
        self.texts = tuple(statuses)
        self._statuses = {key.encode(): status for key, status in statuses.items()}

    @property
    def is_open(self) -> bool:
        """Whether no key is required."""
        return not self._statuses

    def admits(self, credential: str | None) -> bool:
        """Whether a credential is an active key; takes the same time for every wrong one.

        Raises:
            ProtocolViolation: It is a key of this server, and not active.
        """
        if self.is_open:
            return True
        if not credential:
            return False
        given = strip_scheme(credential).encode()
        # All keys are compared, even after a match, so that the time reveals nothing.
        found = [status for key, status in self._statuses.items() if hmac.compare_digest(given, key)]
        if found:
            _check(found[0])
        return bool(found)

    def check_owner(self, owner: str) -> None:
        """Check that the tokens of an owner are still valid.

        Raises:
            ProtocolViolation: No key with this owner is active.
        """
        statuses = [status for key, status in self._statuses.items() if owner_of(key.decode()) == owner]
        if statuses and KeyStatus.GOOD not in statuses:
            _check(statuses[0])


def _parse(entry: str) -> tuple[str, KeyStatus]:
    key, _, word = entry.strip().partition(" ")
    if not (key and key.isascii() and key.isprintable()):
        raise ConfigurationError(
            "an API key must be printable ASCII and not empty, or no client could send it"
        )
    word = word.strip() or KeyStatus.GOOD
    if word not in set(KeyStatus):
        raise ConfigurationError(
            f"the status after an API key must be one of {', '.join(KeyStatus)}, got {word[:20]!r}"
        )
    return key, KeyStatus(word)


def _check(status: KeyStatus) -> None:
    if status is not KeyStatus.GOOD:
        raise ProtocolViolation(*_REFUSALS[status])


def strip_scheme(credential: str) -> str:
    """Remove the ``Bearer`` that some clients put before a key or token."""
    return credential.removeprefix("Bearer ")


def owner_of(key: str) -> str:
    """Four hex digits that distinguish the keys of a server and reveal none of them."""
    return hashlib.sha256(key.encode()).hexdigest()[:4]


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is reachable from this machine only."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
        return (getattr(address, "ipv4_mapped", None) or address).is_loopback
    except ValueError:
        return False
