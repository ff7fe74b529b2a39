"""The API keys of a server: those of its options, and those of a key store."""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vivavoce.errors import ConfigurationError, ProtocolViolation
from vivavoce.store import KeyLimits, KeyRecord, KeyStatus, digest_of, owner_of
from vivavoce.types import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["KeyHolder", "KeyRing", "KeyStatus", "is_loopback", "owner_of", "strip_scheme"]

_SCHEME: Final = "bearer "
_NO_LIMITS: Final = KeyLimits()
_REFUSALS: Final = {
    KeyStatus.NO_FUNDS: (Failure.NO_FUNDS, "the balance of this key is used up"),
    KeyStatus.UNPAID: (Failure.UNPAID, "real-time transcription needs a paid account"),
    KeyStatus.DISABLED: (Failure.UNAUTHORIZED, "this key is disabled"),
}


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """What a key entitles to.

    Attributes:
        owner: Identifies the key without being one; see `owner_of`.
        name: What people call it; the owner again, where the key has no name.
        status: Whether it opens sessions, and if not, why.
        limits: What it may use.
        is_admin: Whether it reads metrics and everybody's transcripts.
        ends_sessions: Whether open sessions end once it is disabled.
    """

    owner: str
    name: str
    status: KeyStatus = KeyStatus.GOOD
    limits: KeyLimits = _NO_LIMITS
    is_admin: bool = True
    ends_sessions: bool = False


class KeyRing:
    """The keys of a server; a ring without keys and without a key store admits every client.

    Attributes:
        texts: The keys of the options themselves, whatever their status.
    """

    def __init__(self, entries: Iterable[str] = (), records: Iterable[KeyRecord] | None = None) -> None:
        """Take keys.

        Args:
            entries: Each a key, or a key, a space, and a `KeyStatus`. Their holders have no limits, and are
                administrators.
            records: Those of a key store, revoked ones included; they win over entries. None: there is no
                store.

        Raises:
            ConfigurationError: A key is empty or can't be sent in a header, or it has an unknown status.
        """
        statuses = dict(map(_parse, entries))
        self.texts = tuple(statuses)
        self._has_store = records is not None
        self._holders = {
            digest_of(key): KeyHolder(owner_of(key), owner_of(key), status)
            for key, status in statuses.items()
        } | {record.digest: _holder(record) for record in records or ()}
        self._by_owner = {holder.owner: holder for holder in self._holders.values()}

    @property
    def is_open(self) -> bool:
        """Whether no key is required."""
        return not (self._holders or self._has_store)

    def find(self, credential: str | None) -> KeyHolder | None:
        """Return the holder of a credential, active or not; takes the same time for every wrong one."""
        if not credential:
            return None
        given = digest_of(strip_scheme(credential))
        # All keys are compared, even after a match, so that the time reveals nothing.
        found = [holder for digest, holder in self._holders.items() if hmac.compare_digest(given, digest)]
        return found[0] if found else None

    def admits(self, credential: str | None) -> bool:
        """Whether a credential is an active key; takes the same time for every wrong one.

        Raises:
            ProtocolViolation: It is a key of this server, and not active.
        """
        if self.is_open:
            return True
        found = self.find(credential)
        if found is not None:
            _check(found.status)
        return found is not None

    def holder_of(self, owner: str) -> KeyHolder | None:
        """Return the holder by its owner, as in a `Grant`; None: there is none."""
        return self._by_owner.get(owner)

    def check_owner(self, owner: str) -> None:
        """Check that the tokens of an owner are still valid.

        Args:
            owner: The owner; empty: of a server without keys.

        Raises:
            ProtocolViolation: No key with this owner is active.
        """
        if not owner:
            return
        holder = self.holder_of(owner)
        if holder is None:
            raise ProtocolViolation(Failure.UNAUTHORIZED, "the key of this token is not valid any more")
        _check(holder.status)


def _holder(record: KeyRecord) -> KeyHolder:
    return KeyHolder(
        record.owner, record.name, record.status, record.limits, record.is_admin, record.ends_sessions
    )


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
    is_scheme = credential[: len(_SCHEME)].lower() == _SCHEME  # its case does not matter: RFC 9110, 11.1
    return credential[len(_SCHEME) :] if is_scheme else credential


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is reachable from this machine only."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
        return (getattr(address, "ipv4_mapped", None) or address).is_loopback
    except ValueError:
        return False
