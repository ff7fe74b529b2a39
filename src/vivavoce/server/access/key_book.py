"""The key store of a running server: its keys as they change, and the use of each key."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import stat
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar, TypeVarTuple

from vivavoce.errors import ConfigurationError
from vivavoce.server.access.usage import DailyUsage, day_of
from vivavoce.store import KeyStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vivavoce.server.access.admission import Admission
    from vivavoce.server.access.tokens import UsedToken
    from vivavoce.store import KeyRecord

__all__ = ["KeyBook"]

_log = logging.getLogger(__name__)

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")


class KeyBook:
    """Reads and writes the key store on a thread of its own, so that a slow disk stops no session.

    Attributes:
        records: The keys as last read.
        secret: What the store signs tokens with.
    """

    def __init__(self, path: Path) -> None:
        """Open the store.

        Args:
            path: The file; it is made if it does not exist.

        Raises:
            ConfigurationError: It can't be used.
        """
        self._path = path
        self._store = KeyStore(path)
        self.records: list[KeyRecord] = self._store.records()
        self.secret = self._store.secret()
        self._stored_usage = self._store.usage(day_of(time.time()) - 1)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="vivavoce-keys")
        self._is_stale = False  # the file has changed since its keys were read
        self._problem = ""  # what failed last, until it works again
        self._warn()

    def _warn(self) -> None:
        if not any(record.revoked_unix is None for record in self.records):
            _log.warning("%s holds no key: vivavoce keys add NAME --key-store %s", self._path, self._path)
        if self._path.stat().st_mode & (stat.S_IROTH | stat.S_IRGRP):
            _log.warning("other users of this machine can read %s: chmod 600 %s", self._path, self._path)

    def begin(self, usage: DailyUsage) -> None:
        """Let the counts of audio begin with what the store holds."""
        usage.saved(self._stored_usage, day_of(time.time()))

    async def exchange(self, admission: Admission, usage: DailyUsage, *, reads_keys: bool = False) -> None:
        """Write what keys have used, read what other servers have added, and take keys that have changed.

        Args:
            admission: Gets the keys.
            usage: The audio of each day.
            reads_keys: Whether keys are read even if the file seems unchanged.
        """
        day = day_of(time.time())
        unsaved = usage.begin_saving()
        try:
            stored, records = await self._call(self._exchange, unsaved, day, reads_keys)
        except (sqlite3.Error, ConfigurationError, OSError) as error:
            usage.not_saved()
            self._note(str(error))
            return
        usage.saved(stored, day)
        self._note("")
        if records is not None:
            self.records = records
            admission.replace_records(records, self.secret)
            _log.info("keys of %s: %s", self._path, _counts(records))

    async def spend(self, token: UsedToken) -> bool:
        """Note that a token is used; returns whether no server with this store has seen it before."""
        try:
            return await self._call(self._spend, token)
        except sqlite3.Error as error:  # this process still remembers the token
            self._note(str(error))
            return True

    async def close(self, usage: DailyUsage) -> None:
        """Write what keys have used, and close the file."""
        try:
            await self._call(self._exchange, usage.begin_saving(), day_of(time.time()), False)
        except (sqlite3.Error, ConfigurationError, OSError) as error:
            self._note(str(error))
        await asyncio.to_thread(self._thread.shutdown)
        self._store.close()

    async def _call(self, function: Callable[[*_Ts], _T], *arguments: *_Ts) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)

    # --- on the thread --------------------------------------------------------------------------

    def _exchange(
        self, unsaved: dict[tuple[int, str], float], day: int, reads_keys: bool
    ) -> tuple[dict[tuple[int, str], float], list[KeyRecord] | None]:
        self._is_stale = self._store.has_changed() or reads_keys or self._is_stale
        if self._store.is_replaced():
            replaced = KeyStore(self._path, create=False)
            self._store.close()
            self._store, self.secret = replaced, replaced.secret()
        records = self._store.records() if self._is_stale else None
        stored = self._store.add_usage(unsaved, day)
        self._is_stale = False
        return stored, None if records == self.records and not reads_keys else records

    def _spend(self, token: UsedToken) -> bool:
        return self._store.spend(token.claims, token.expires_unix, time.time())

    def _note(self, problem: str) -> None:
        """Log what fails once, and that it works again."""
        if problem and not self._problem:
            _log.error("%s: %s; keys stay as they are, and their use is written later", self._path, problem)
        elif self._problem and not problem:
            _log.warning("%s: it can be used again", self._path)
        self._problem = problem


def _counts(records: list[KeyRecord]) -> str:
    """Return how many keys there are in each state, for the log."""
    counts = Counter("revoked" if record.revoked_unix is not None else record.status for record in records)
    return ", ".join(f"{count} {state}" for state, count in counts.items()) or "none"
