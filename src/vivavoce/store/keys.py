"""The SQLite file of API keys: their digests, limits and use, and the tokens that were used."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import secrets
import sqlite3
import stat
import time
from typing import TYPE_CHECKING, Any, Final, Self

from vivavoce.errors import ConfigurationError
from vivavoce.store.key_records import (
    KeyLimits,
    KeyRecord,
    KeyStatus,
    check_key,
    check_name,
    digest_of,
    make_key,
    owner_of,
)
from vivavoce.store.key_storage import LEASE_S
from vivavoce.store.migrations import KEY_MIGRATIONS, KEYS_APPLICATION_ID, migrate
from vivavoce.store.transactions import changing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["KeyStore"]

_BUSY_S: Final = 10.0
_SECRET_BYTES: Final = 32
_SERVER_BYTES: Final = 8
_KEPT_DAYS: Final = 400  # of the use of keys
_FIELDS: Final = (
    "name, digest, owner, created_unix, standing, is_on, is_admin, sessions, daily_minutes, session_minutes,"
    " revoked_unix, ends_sessions"
)


class KeyStore:
    """Keeps API keys in a file. Several processes may use it at once: servers, and ``vivavoce keys``.

    Use one from one thread. Only the owner of the file can read it.
    """

    def __init__(self, path: Path, *, create: bool = True) -> None:
        """Open a file.

        Args:
            path: The file.
            create: Whether to make one that does not exist, and its folder.

        Raises:
            ConfigurationError: It does not exist, is no file of keys, or can't be opened.
        """
        self.path = path
        self.name = str(path)
        self._server = secrets.token_hex(_SERVER_BYTES)  # distinguishes its leases from those of others
        if not create and not path.is_file():
            raise ConfigurationError(f"{path}: there is no such file of keys; vivavoce keys add makes one")
        try:
            if create:
                _make(path)
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
            )
        except (OSError, sqlite3.Error) as error:
            raise _unusable(path, error) from None
        try:
            self._prepare()
        except (sqlite3.Error, ConfigurationError) as error:
            self.close()
            raise _unusable(path, error) from None
        found = path.stat()
        self._file = (found.st_dev, found.st_ino)
        self._version = self._data_version()

    def _prepare(self) -> None:
        # In this order: another process may make the file at this moment, and sets both at once.
        (n_tables,) = self._connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        (application,) = self._connection.execute("PRAGMA application_id").fetchone()
        if n_tables and application != KEYS_APPLICATION_ID:
            raise ConfigurationError(f"{self.path} is not a file of keys: name another one")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("PRAGMA secure_delete = ON")
        migrate(self._connection, self.path, KEY_MIGRATIONS)
        if self._connection.execute("SELECT 1 FROM secret").fetchone() is None:
            self._connection.execute(
                "INSERT INTO secret (number, content) VALUES (1, ?) ON CONFLICT DO NOTHING",
                (secrets.token_bytes(_SECRET_BYTES),),
            )

    def __enter__(self) -> Self:
        """Return the store itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def warnings(self) -> list[str]:
        """Return what its operator should change about it, for the log."""
        if self.path.stat().st_mode & (stat.S_IROTH | stat.S_IRGRP):
            return [f"other users of this machine can read {self.path}: chmod 600 {self.path}"]
        return []

    # --- keys -----------------------------------------------------------------------------------

    def add(
        self,
        name: str,
        *,
        key: str | None = None,
        limits: KeyLimits = KeyLimits(),  # noqa: B008 - it never changes
        standing: KeyStatus = KeyStatus.GOOD,
        is_admin: bool = False,
    ) -> str:
        """Add a key and return it; see `KeyStorage.add`."""
        check_name(name)
        if key is not None:
            check_key(key)
        made = make_key() if key is None else key
        with changing(self._connection):
            while key is None and self._is_taken(owner_of(made)):
                made = make_key()
            if key is not None and self._is_taken(owner_of(made)):
                raise ConfigurationError("this key is in the file already, or was revoked: use another one")
            if self._find(name) is not None:
                raise ConfigurationError(f"there is a key {name} already: revoke it, or use another name")
            self._connection.execute(
                f"INSERT INTO keys ({_FIELDS}) VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?, ?, NULL, 0)",  # noqa: S608
                (
                    name, digest_of(made), owner_of(made), time.time(), standing.value, is_admin,
                    *dataclasses.astuple(limits),
                ),
            )  # fmt: skip
        return made

    def change(self, name: str, **changes: Any) -> KeyRecord:
        """Change a key that is not revoked; see `KeyStorage.change`."""
        with changing(self._connection):
            found = self._find(name)
            if found is None:
                raise ConfigurationError(f"there is no key {name}: see vivavoce keys list")
            changed = dataclasses.replace(found, **changes)
            self._connection.execute(
                "UPDATE keys SET standing = ?, is_on = ?, is_admin = ?, sessions = ?, daily_minutes = ?,"
                " session_minutes = ?, revoked_unix = ?, ends_sessions = ? WHERE owner = ?",
                (
                    changed.standing.value, changed.is_on, changed.is_admin,
                    *dataclasses.astuple(changed.limits), changed.revoked_unix, changed.ends_sessions,
                    changed.owner,
                ),
            )  # fmt: skip
        return changed

    def records(self) -> list[KeyRecord]:
        """Return all keys in the order in which they were added, revoked ones included."""
        rows = self._connection.execute(f"SELECT {_FIELDS} FROM keys ORDER BY number")  # noqa: S608
        return [_record(row) for row in rows]

    def secret(self) -> bytes:
        """Return the 32 bytes that tokens are signed with."""
        (content,) = self._connection.execute("SELECT content FROM secret").fetchone()
        return bytes(content)

    def has_changed(self) -> bool:
        """Whether another process has changed the file, or replaced it, since the last call."""
        version, before = self._data_version(), self._version
        self._version = version
        return version != before or self.is_replaced()

    def is_replaced(self) -> bool:
        """Whether the path names another file now, as after a backup was put back."""
        try:
            found = self.path.stat()
        except OSError:
            return False  # removed, or about to be replaced: the open file is all there is
        return (found.st_dev, found.st_ino) != self._file

    def reopened(self) -> Self:
        """Return the store that the path names now; this one is closed."""
        other = type(self)(self.path, create=False)
        self.close()
        return other

    # --- their use ------------------------------------------------------------------------------

    def add_usage(self, seconds: Mapping[tuple[int, str], float], day: int) -> dict[tuple[int, str], float]:
        """Add to the audio that keys have used; see `KeyStorage.add_usage`."""
        if not seconds:
            return self.usage(day - 1)
        with changing(self._connection):
            self._connection.executemany(
                "INSERT INTO usage (day, owner, seconds) VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET seconds = seconds + excluded.seconds",
                [(each, owner, more) for (each, owner), more in seconds.items()],
            )
            self._connection.execute("DELETE FROM usage WHERE day < ?", (day - _KEPT_DAYS,))
            return self.usage(day - 1)

    def usage(self, since: int) -> dict[tuple[int, str], float]:
        """Return the seconds of audio that each key has used since a day, by day and owner."""
        rows = self._connection.execute("SELECT day, owner, seconds FROM usage WHERE day >= ?", (since,))
        return {(day, owner): seconds for day, owner, seconds in rows}

    def last_days(self) -> dict[str, int]:
        """Return the last day on which each key was used, in days since 1970, by owner."""
        return dict(self._connection.execute("SELECT owner, max(day) FROM usage GROUP BY owner").fetchall())

    def spend(self, token: bytes, expires_unix: float, unix_now: float) -> bool:
        """Note that a token is used; see `KeyStorage.spend`."""
        with changing(self._connection):
            self._connection.execute("DELETE FROM spent_tokens WHERE expires_unix < ?", (unix_now,))
            added = self._connection.execute(
                "INSERT INTO spent_tokens (token, expires_unix) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (token, expires_unix),
            )
        return added.rowcount > 0

    def claim(self, owner: str, sessions: int, limit: int | None) -> bool:
        """Report the open sessions of a key on this server; see `KeyStorage.claim`."""
        with changing(self._connection):
            now = time.time()
            # One from the future is of a server that ended before the clock was set back.
            self._connection.execute(
                "DELETE FROM leases WHERE expires_unix <= ? OR expires_unix > ?", (now, now + LEASE_S)
            )
            (elsewhere,) = self._connection.execute(
                "SELECT coalesce(sum(sessions), 0) FROM leases WHERE owner = ? AND server <> ?",
                (owner, self._server),
            ).fetchone()
            if limit is not None and elsewhere + sessions > limit:
                return False
            self._report({owner: sessions}, now + LEASE_S)
        return True

    def renew(self, sessions: Mapping[str, int]) -> None:
        """Report the open sessions of several keys on this server; see `KeyStorage.renew`."""
        with changing(self._connection):
            self._report(sessions, time.time() + LEASE_S)

    # --- within ---------------------------------------------------------------------------------

    def _report(self, sessions: Mapping[str, int], expires_unix: float) -> None:
        self._connection.executemany(
            "INSERT OR REPLACE INTO leases (owner, server, sessions, expires_unix) VALUES (?, ?, ?, ?)",
            [(owner, self._server, count, expires_unix) for owner, count in sessions.items()],
        )
        self._connection.execute("DELETE FROM leases WHERE server = ? AND sessions = 0", (self._server,))

    def _data_version(self) -> int:
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        return int(version)

    def _is_taken(self, owner: str) -> bool:
        return self._connection.execute("SELECT 1 FROM keys WHERE owner = ?", (owner,)).fetchone() is not None

    def _find(self, name: str) -> KeyRecord | None:
        row = self._connection.execute(
            f"SELECT {_FIELDS} FROM keys WHERE name = ? AND revoked_unix IS NULL",  # noqa: S608
            (name,),
        ).fetchone()
        return None if row is None else _record(row)


def _make(path: Path) -> None:
    """Make an empty file that only its owner can read; SQLite gives the same rights to those beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, stat.S_IRUSR | stat.S_IWUSR))


def _unusable(path: Path, error: Exception) -> ConfigurationError:
    if isinstance(error, ConfigurationError):
        return error
    reason = getattr(error, "strerror", None) or str(error)
    return ConfigurationError(f"{path}: keys can't be kept there: {reason.lower()}")


def _record(row: tuple[Any, ...]) -> KeyRecord:
    name, digest, owner, created, standing, is_on, is_admin, *limits, revoked, ends_sessions = row
    known = standing in set(KeyStatus)
    return KeyRecord(
        name,
        bytes(digest),
        owner,
        created,
        KeyStatus(standing) if known else KeyStatus.DISABLED,
        bool(is_on),
        bool(is_admin),
        KeyLimits(*limits),
        revoked,
        bool(ends_sessions),
    )
