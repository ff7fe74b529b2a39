"""API keys as the key store keeps them: digests, names, standing and limits, but never a key."""

from __future__ import annotations

import enum
import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Final

from vivavoce.errors import ConfigurationError

__all__ = [
    "MIN_KEY_CHARACTERS",
    "KeyLimits",
    "KeyRecord",
    "KeyStatus",
    "check_key",
    "check_name",
    "digest_of",
    "make_key",
    "owner_of",
]

MIN_KEY_CHARACTERS: Final = 22
"""Length of the shortest key that the store takes: 128 random bits in base64."""

_PREFIX: Final = "vv_"  # tools that look for leaked secrets find it, and people know what it is
_KEY_BYTES: Final = 32
_OWNER_DIGITS: Final = 8
_NAME: Final = re.compile(r"[\w.@+-]{1,64}")


class KeyStatus(enum.StrEnum):
    """Whether a key opens sessions, and if not, why."""

    GOOD = "good"
    NO_FUNDS = "no-funds"
    UNPAID = "unpaid"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """What one key and its tokens may use; None: no limit.

    Attributes:
        sessions: Open sessions at a time.
        daily_minutes: Minutes of audio in a day of UTC, each channel counted.
        session_minutes: Length of a session, in minutes of wall time.
    """

    sessions: int | None = None
    daily_minutes: float | None = None
    session_minutes: float | None = None


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """One key of the store.

    Attributes:
        name: What people call it; unique among the keys that are not revoked.
        digest: SHA-256 of the key.
        owner: Identifies the key without being one; see `owner_of`.
        created_unix: When it was made, in seconds since 1970.
        standing: Good, or why sessions are refused.
        is_on: Whether the operator lets it open sessions.
        is_admin: Whether it reads metrics and everybody's transcripts.
        limits: What it may use.
        revoked_unix: When it was revoked, in seconds since 1970; None: it was not.
        ends_sessions: Whether open sessions end too, once it was revoked or is off.
    """

    name: str
    digest: bytes
    owner: str
    created_unix: float
    standing: KeyStatus = KeyStatus.GOOD
    is_on: bool = True
    is_admin: bool = False
    limits: KeyLimits = KeyLimits()
    revoked_unix: float | None = None
    ends_sessions: bool = False

    @property
    def status(self) -> KeyStatus:
        """Whether it opens sessions, all things considered."""
        is_valid = self.is_on and self.revoked_unix is None
        return self.standing if is_valid else KeyStatus.DISABLED


def make_key() -> str:
    """Return a new key: 256 random bits in base64url, after a prefix."""
    return _PREFIX + secrets.token_urlsafe(_KEY_BYTES)


def check_key(key: str) -> None:
    """Check a key that was made elsewhere.

    Its digest is computed fast, which is safe only for keys that nobody can guess.

    Raises:
        ConfigurationError: It is too short, or can't be sent in a header.
    """
    if len(key) < MIN_KEY_CHARACTERS or not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigurationError(
            f"a key must be at least {MIN_KEY_CHARACTERS} random characters of ASCII without spaces, "
            f"got {len(key)} characters; without --stdin a key is made"
        )


def check_name(name: str) -> None:
    """Check the name of a key, which lines of the log contain.

    Raises:
        ConfigurationError: It is not one.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"the name of a key must be 1 to 64 letters, digits, or . _ @ + -, got {name[:70]!r}"
        )


def digest_of(key: str) -> bytes:
    """Return the SHA-256 of a key.

    Slow, salted hashes protect passwords, which have few bits and can be tried one by one. A key of 256
    random bits can't be, whatever the hash costs; and this one runs at each handshake.
    """
    return hashlib.sha256(key.encode()).digest()


def owner_of(key: str) -> str:
    """Eight hex digits that distinguish the keys of a server and reveal none of them."""
    return digest_of(key).hex()[:_OWNER_DIGITS]
