"""The key store of a running server: its keys as they change, and what each key uses on all servers."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar, TypeVarTuple

from vivavoce.server.access.usage import DailyUsage, day_of
from vivavoce.store import STORE_FAILURES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vivavoce.server.access.admission import Admission
    from vivavoce.server.access.ledger import Ledger
    from vivavoce.server.access.tokens import UsedToken
    from vivavoce.store import KeyRecord, KeyStorage

__all__ = ["KeyBook"]

_log = logging.getLogger(__name__)

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")

# How long a session that begins waits for the store: for its place among those of its key, and for its token.
# Two sessions with one token are worse than a second of delay, and than one session too many.
_PLACE_S: Final = 0.5
_TOKEN_S: Final = 2.0


class _Own(NamedTuple):
    """What this server has to report to the store."""

    usage: Mapping[tuple[int, str], float]  # seconds by day and owner
    tokens: tuple[UsedToken, ...]
    sessions: Mapping[str, int]  # by owner


class KeyBook:
    """Reads and writes the key store on a thread of its own, so that a slow store stops no session.

    While the store can't be used, this server decides by what it knows; what is used meanwhile is written
    when the store is back.

    Attributes:
        records: The keys as last read.
        secret: What the store signs tokens with.
    """

    def __init__(self, store: KeyStorage) -> None:
        """Take a store; `close` closes it.

        Args:
            store: The store, open.

        Raises:
            VivavoceError: It can't be used.
        """
        self._store = store
        self.records: list[KeyRecord] = store.records()
        self.secret = store.secret()
        self._stored_usage = store.usage(day_of(time.time()) - 1)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="vivavoce-keys")
        self._is_stale = False  # the store has changed since its keys were read
        self._problem = ""  # what failed last, or was slow, until it works again
        self._is_gone = False  # the last exchange failed, or what was asked since
        self._unsaved_tokens: list[UsedToken] = []  # used while the store did not answer
        self._reported: set[str] = set()  # owners whose open sessions here the store may count
        self._exchanging: asyncio.Future[None] | None = None  # the latest exchange
        self._is_deaf = False  # on the thread: a report failed, and no exchange has succeeded since
        self._is_closed = False
        self._warn()

    @property
    def is_usable(self) -> bool:
        """Whether the store could be used when it was last tried."""
        return not self._problem

    def _warn(self) -> None:
        name = self._store.name
        if not any(record.revoked_unix is None for record in self.records):
            option = "--redis" if "://" in name else "--key-store"
            _log.warning("%s holds no key: vivavoce keys add NAME %s %s", name, option, name)
        for advice in self._store.warnings():
            _log.warning("%s", advice)

    def begin(self, usage: DailyUsage) -> None:
        """Let the counts of audio begin with what the store holds."""
        usage.saved(self._stored_usage, day_of(time.time()))

    async def exchange(self, admission: Admission, ledger: Ledger, *, reads_keys: bool = False) -> None:
        """Write what keys use here, read what they use on other servers, and take keys that have changed.

        Args:
            admission: Gets the keys.
            ledger: Knows the open sessions and the audio of each day.
            reads_keys: Whether keys are read even if the store seems unchanged.
        """
        # A caller that is cancelled leaves it running: `close` waits until it is known what was written.
        self._exchanging = asyncio.ensure_future(self._exchange_all(admission, ledger, reads_keys))
        await asyncio.shield(self._exchanging)

    async def _exchange_all(self, admission: Admission, ledger: Ledger, reads_keys: bool) -> None:
        day = day_of(time.time())
        own = self._own(ledger)
        try:
            stored, records, took_s = await self._call(self._exchange, own, day, reads_keys)
        except STORE_FAILURES as error:
            ledger.usage.not_saved()
            self._fail(error)
            return
        ledger.usage.saved(stored, day)
        del self._unsaved_tokens[: len(own.tokens)]
        self._reported -= {owner for owner, count in own.sessions.items() if not count}
        self._is_gone = False
        self._note(f"it took {took_s:.1f} s to answer" if took_s > _PLACE_S else "")
        if records is not None:
            self.records = records
            admission.replace_records(records, self.secret)
            _log.info("keys of %s: %s", self._store.name, _counts(records))

    def _own(self, ledger: Ledger) -> _Own:
        sessions = dict.fromkeys(self._reported, 0) | dict(ledger.open_by_owner)
        self._reported |= sessions.keys()
        return _Own(ledger.usage.begin_saving(), tuple(self._unsaved_tokens), sessions)

    async def spend(self, token: UsedToken) -> bool:
        """Note that a token is used; returns whether no server with this store has seen it before."""
        is_new = None if self._is_gone else await self._ask(_TOKEN_S, self._spend, token)
        if is_new is None:  # this process still remembers the token
            self._unsaved_tokens.append(token)
        return is_new is not False

    async def claim(self, owner: str, sessions: int, limit: int) -> bool:
        """Report the sessions of a key that begins another one; returns whether all servers have few enough.

        Args:
            owner: Whose session it is.
            sessions: How many it has here, this one included.
            limit: How many it may have on all servers.
        """
        self._reported.add(owner)
        if self._problem:
            return True
        return await self._ask(_PLACE_S, self._claim, owner, sessions, limit) is not False

    def released(self, owner: str, sessions: int) -> None:
        """Report that a session of a key has ended, without waiting.

        Args:
            owner: Whose session it was.
            sessions: How many it still has here.
        """
        if owner in self._reported and not self._problem and not self._is_closed:
            self._thread.submit(self._release, {owner: sessions})

    async def close(self, ledger: Ledger) -> None:
        """Write what keys have used, report that no session is open, and close the store."""
        if self._exchanging is not None:
            await asyncio.wait({self._exchanging})
        own = self._own(ledger)
        own = own._replace(sessions=dict.fromkeys(own.sessions, 0))
        try:
            await self._call(self._exchange, own, day_of(time.time()), False)
        except STORE_FAILURES as error:
            self._fail(error)
            minutes = sum(own.usage.values()) / 60
            _log.error("%s: %.1f minutes of audio could not be written", self._store.name, minutes)
        self._is_closed = True
        await asyncio.to_thread(self._thread.shutdown)
        self._store.close()

    async def _call(self, function: Callable[[*_Ts], _T], *arguments: *_Ts) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)

    async def _ask(self, wait_s: float, function: Callable[[*_Ts], bool], *arguments: *_Ts) -> bool | None:
        """Return what the store answers in time, in seconds; None: nothing."""
        if self._is_closed:
            return None
        asked = asyncio.ensure_future(self._call(function, *arguments))
        asked.add_done_callback(_forget)
        done, _ = await asyncio.wait({asked}, timeout=wait_s)
        if not done:
            asked.cancel()  # if it has not begun: others must not wait for it, too
            self._note(f"it took more than {wait_s:g} s to answer")
            return None
        try:
            return asked.result()
        except STORE_FAILURES as error:
            self._fail(error)
            return None

    # --- on the thread --------------------------------------------------------------------------

    def _exchange(
        self, own: _Own, day: int, reads_keys: bool
    ) -> tuple[dict[tuple[int, str], float], list[KeyRecord] | None, float]:
        began = time.monotonic()
        self._is_stale = self._store.has_changed() or reads_keys or self._is_stale
        if self._store.is_replaced():
            self._store = self._store.reopened()
            self.secret = self._store.secret()
        records = self._store.records() if self._is_stale else None
        for token in own.tokens:
            self._spend(token)
        if own.sessions:
            self._renew(own.sessions)
        stored = self._store.add_usage(own.usage, day)
        self._is_stale = self._is_deaf = False
        is_same = records == self.records and not reads_keys
        return stored, None if is_same else records, time.monotonic() - began

    def _spend(self, token: UsedToken) -> bool:
        return self._store.spend(token.claims, token.expires_unix, time.time())

    def _claim(self, owner: str, sessions: int, limit: int) -> bool:
        return self._store.claim(owner, sessions, limit)

    def _renew(self, sessions: Mapping[str, int]) -> None:
        self._store.renew(sessions)

    def _release(self, sessions: Mapping[str, int]) -> None:
        """Report sessions that have ended; after a failure the next exchange does."""
        if self._is_deaf:  # many sessions may end at once, and a store that hangs delays each report
            return
        try:
            self._renew(sessions)
        except STORE_FAILURES:
            self._is_deaf = True

    # --- within ---------------------------------------------------------------------------------

    def _fail(self, error: Exception) -> None:
        self._is_gone = True
        self._note(str(error))

    def _note(self, problem: str) -> None:
        """Log what fails once, and that it works again."""
        name = self._store.name
        if problem and not self._problem:
            _log.error(
                "%s: %s; keys stay as they are, limits hold for this server alone, and use is written later",
                name,
                problem.removeprefix(f"{name}: "),
            )
        elif self._problem and not problem:
            _log.warning("%s: it can be used again", name)
        self._problem = problem


def _forget(asked: asyncio.Future[bool]) -> None:
    """Take note of the answer that nobody waits for any longer, so that asyncio does not complain of it."""
    if not asked.cancelled():
        asked.exception()


def _counts(records: list[KeyRecord]) -> str:
    """Return how many keys there are in each state, for the log."""
    counts = Counter("revoked" if record.revoked_unix is not None else record.status for record in records)
    return ", ".join(f"{count} {state}" for state, count in counts.items()) or "none"
