"""What a server needs of the place that keeps its API keys, whatever that is."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from vivavoce.errors import ConfigurationError, StoreError
from vivavoce.store.key_records import KeyLimits, KeyRecord, KeyStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LEASE_S", "STORE_FAILURES", "KeyStorage"]

LEASE_S: Final = 5.0
"""How long the sessions of a server count after it last reported them, in seconds."""

STORE_FAILURES: Final = (sqlite3.Error, OSError, ConfigurationError, StoreError)
"""What the methods of a store raise when it can't be used at the moment."""


class KeyStorage(Protocol):
    """Keeps API keys, what they use, and which tokens were used; several servers may share it.

    Use one from one thread. Its methods raise one of `STORE_FAILURES` when it can't be used.

    Attributes:
        name: What messages call it; it contains no password.
    """

    name: str

    def __enter__(self) -> Self:
        """Return the store itself."""

    def __exit__(self, *_: object) -> None:
        """Close the store."""

    def close(self) -> None:
        """Close the store."""

    def warnings(self) -> list[str]:
        """Return what its operator should change about it, for the log."""

    def add(
        self,
        name: str,
        *,
        key: str | None = None,
        limits: KeyLimits = KeyLimits(),  # noqa: B008 - it never changes
        standing: KeyStatus = KeyStatus.GOOD,
        is_admin: bool = False,
    ) -> str:
        """Add a key and return it; the store itself keeps its digest only.

        Args:
            name: Its name.
            key: The key, long and random; None: make one.
            limits: What it may use.
            standing: Good, or why sessions are refused.
            is_admin: Whether it reads metrics and everybody's transcripts.

        Raises:
            ConfigurationError: There is a key of this name, or this key; or one of both is not valid.
        """

    def change(self, name: str, **changes: Any) -> KeyRecord:
        """Change a key that is not revoked.

        Args:
            name: Its name.
            changes: Fields of `KeyRecord` and their new values.

        Returns:
            What it is now.

        Raises:
            ConfigurationError: There is no such key.
        """

    def records(self) -> list[KeyRecord]:
        """Return all keys in the order in which they were added, revoked ones included."""

    def secret(self) -> bytes:
        """Return the 32 bytes that tokens are signed with."""

    def has_changed(self) -> bool:
        """Whether its keys may have changed since the last call."""

    def is_replaced(self) -> bool:
        """Whether there is another store in its place now, as after a backup was put back."""

    def reopened(self) -> KeyStorage:
        """Return the store that is in its place now; this one is closed."""

    def add_usage(self, seconds: Mapping[tuple[int, str], float], day: int) -> dict[tuple[int, str], float]:
        """Add to the audio that keys have used.

        Args:
            seconds: Seconds of audio by day and owner; days since 1970 in UTC.
            day: Today.

        Returns:
            What each key has used today and yesterday, on all servers, in the same form.
        """

    def usage(self, since: int) -> dict[tuple[int, str], float]:
        """Return the seconds of audio that each key has used since a day, by day and owner."""

    def last_days(self) -> dict[str, int]:
        """Return the last day on which each key was used, in days since 1970, by owner."""

    def spend(self, token: bytes, expires_unix: float, unix_now: float) -> bool:
        """Note that a token is used; returns whether it was not used before, on any server.

        Args:
            token: What distinguishes the token from others.
            expires_unix: Until when it must be remembered, in seconds since 1970.
            unix_now: In seconds since 1970.
        """

    def claim(self, owner: str, sessions: int, limit: int | None) -> bool:
        """Report the open sessions of a key on this server, unless there are too many on all of them.

        What is reported counts for `LEASE_S` seconds.

        Args:
            owner: Identifies the key.
            sessions: How many this server has, the one that is to begin included.
            limit: How many there may be on all servers; None: any number.

        Returns:
            Whether there are not too many; otherwise nothing is reported.
        """

    def renew(self, sessions: Mapping[str, int]) -> None:
        """Report the open sessions of several keys on this server.

        Args:
            sessions: How many, by owner; 0 ends an earlier report.
        """
