"""Keeps transcripts while sessions speak: on a thread of its own, and without stopping any session."""

from __future__ import annotations

import asyncio
import functools
import logging
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

from vivavoce.store import LineKey, Store, StoredLine, StoredRoom, StoredSession

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path
    from typing import TypeAlias

    from vivavoce.protocol.events import TurnUpdated
    from vivavoce.store import VoiceKey

    _KeptRoom: TypeAlias = tuple[StoredRoom, list[tuple[StoredSession, StoredLine]], dict[VoiceKey, str]]

__all__ = ["Recorder", "kept_rooms"]

_log = logging.getLogger(__name__)

_T = TypeVar("_T")
_DAY_S: Final = 86_400.0
_PURGE_S: Final = 3_600.0


class Recorder:
    """Writes to the store, one call after the other.

    Attributes:
        keep_days: How long transcripts are kept, in days; None: until somebody deletes them.
    """

    def __init__(self, path: Path, *, keep_days: float | None = None) -> None:
        """Open the store.

        Args:
            path: The file.
            keep_days: How long transcripts are kept, in days; None: until somebody deletes them.

        Raises:
            ConfigurationError: The file can't be used.
        """
        self._store = Store(path)
        self._path = path
        self.keep_days = keep_days
        self._purge_at = 0.0  # of the server's clock
        self._is_failing = False  # whether the last write failed
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="vivavoce-store")

    def tick(self, now: float) -> None:
        """Delete what is too old, from time to time.

        Args:
            now: In seconds of the server's clock.
        """
        if self.keep_days is not None and now >= self._purge_at:
            self._purge_at = now + _PURGE_S
            before_unix = time.time() - self.keep_days * _DAY_S
            self._write(lambda: self._store.delete_before(before_unix))

    def begin(self, session: StoredSession, room: StoredRoom | None) -> None:
        """Keep a session that begins, and the room that it speaks in."""
        self._write(lambda: self._store.begin(session))
        if room is not None:
            self._write(lambda: self._store.keep_room(room))

    def add(self, session_id: str, turn: TurnUpdated, unix_now: float) -> None:
        """Keep a finished turn.

        Args:
            session_id: Of its session.
            turn: The turn; one without words is not kept.
            unix_now: In seconds since 1970.
        """
        if turn.words:
            line = StoredLine(_key(session_id, turn), unix_now, turn.words)
            self._write(lambda: self._store.add(line))

    def revise(self, session_id: str, turns: Iterable[TurnUpdated]) -> None:
        """Keep other speakers of finished turns.

        Args:
            session_id: Of their session.
            turns: The turns, with words that name their speakers.
        """
        for turn in turns:
            if turn.words:
                self._write(functools.partial(self._store.revise, _key(session_id, turn), turn.words))

    def end(self, session_id: str, unix_now: float) -> None:
        """Note that a session ended.

        Args:
            session_id: Its id.
            unix_now: In seconds since 1970.
        """
        self._write(lambda: self._store.end(session_id, unix_now))

    def correct(self, key: LineKey, text: str, part: int | None = None) -> None:
        """Keep a correction; see `Store.correct`."""
        self._write(lambda: self._store.correct(key, text, part))

    def assign(self, key: LineKey, label: str, part: int | None = None) -> None:
        """Keep another speaker of a turn; see `Store.assign`."""
        self._write(lambda: self._store.assign(key, label, part))

    def name_voices(self, names: Mapping[VoiceKey, str]) -> None:
        """Keep names of speakers; see `Store.name_voices`."""
        self._write(lambda: self._store.name_voices(names))

    async def read(self, question: Callable[[Store], _T]) -> _T:
        """Ask the store, after everything that was written before.

        Args:
            question: What to ask.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, question, self._store)

    async def close(self) -> None:
        """Write what is left, and close the file."""
        await asyncio.to_thread(self._thread.shutdown)
        self._store.close()

    def _write(self, action: Callable[[], object]) -> None:
        self._thread.submit(self._try, action)

    def _try(self, action: Callable[[], object]) -> None:
        try:
            action()
        except sqlite3.Error as error:  # a full disk must not end the sessions
            if not self._is_failing:
                _log.error("%s: transcripts are not kept any more: %s", self._path, error)
            self._is_failing = True
        else:
            if self._is_failing:
                _log.warning("%s: transcripts are kept again; some are missing", self._path)
            self._is_failing = False


def _key(session_id: str, turn: TurnUpdated) -> LineKey:
    return LineKey(session_id, turn.channel or 0, turn.turn_order)


def kept_rooms(store: Store, since_unix: float) -> list[_KeptRoom]:
    """Return the rooms that were spoken in since a time, with their lines and the names of their speakers.

    Args:
        store: Where they are kept.
        since_unix: In seconds since 1970.
    """
    found: list[_KeptRoom] = []
    for room in store.rooms_since(since_unix):
        lines = store.lines_of_room(room)
        found.append((room, lines, store.voice_names(*{session.id for session, _ in lines})))
    return found
