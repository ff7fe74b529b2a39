"""The SQLite file of transcripts."""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
from typing import TYPE_CHECKING, Final, Self

import msgspec

from vivavoce.errors import ConfigurationError
from vivavoce.store.migrations import TRANSCRIPT_MIGRATIONS, migrate
from vivavoce.store.records import LineKey, SearchHit, StoredLine, StoredRoom, StoredSession
from vivavoce.store.transactions import changing
from vivavoce.store.voices import VoiceKey
from vivavoce.store.words import assigned, corrected, revised
from vivavoce.types import Word
from vivavoce.word_joining import join_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

__all__ = ["Store"]

_BUSY_S: Final = 10.0


class Store:
    """Keeps transcripts in a file. Use one from one thread; several processes may read while one writes.

    What a call has written survives the end of the process, however that comes.
    """

    def __init__(self, path: Path, *, create: bool = True) -> None:
        """Open a file.

        Args:
            path: The file.
            create: Whether to make one that does not exist, and its folder.

        Raises:
            ConfigurationError: It does not exist, is no file of transcripts, or can't be opened.
        """
        if not create and not path.is_file():
            raise ConfigurationError(
                f"{path}: there is no file of transcripts; name the one of serve --store"
            )
        try:
            if create:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
            )
        except (OSError, sqlite3.Error) as error:
            raise _cannot_keep(path, error) from None
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.execute("PRAGMA foreign_keys = ON")
            self._connection.execute("PRAGMA secure_delete = ON")
            migrate(self._connection, path, TRANSCRIPT_MIGRATIONS)
        except (sqlite3.Error, ConfigurationError) as error:
            self.close()
            raise _cannot_keep(path, error) from None

    def __enter__(self) -> Self:
        """Return the store itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    # --- writing --------------------------------------------------------------------------------

    def begin(self, session: StoredSession) -> None:
        """Keep a session that begins."""
        self._connection.execute(
            "INSERT OR REPLACE INTO sessions (id, began_unix, room, title, owner) VALUES (?, ?, ?, ?, ?)",
            (session.id, session.began_unix, session.room, session.title, session.owner),
        )

    def end(self, session_id: str, ended_unix: float) -> None:
        """Note when a session ended; one without any finished turn is removed."""
        with changing(self._connection):
            self._connection.execute(
                "UPDATE sessions SET ended_unix = ? WHERE id = ?", (ended_unix, session_id)
            )
            self._connection.execute(
                "DELETE FROM sessions WHERE id = ? AND NOT EXISTS (SELECT 1 FROM lines WHERE session_id = ?)",
                (session_id, session_id),
            )

    def add(self, line: StoredLine) -> None:
        """Keep a finished turn of a session that `begin` has kept."""
        self._connection.execute(
            "INSERT INTO lines (session_id, channel, turn, at_unix, text, words) VALUES (?, ?, ?, ?, ?, ?)",
            (*line.key, line.at_unix, line.text, _words_to_text(line.words)),
        )

    def correct(self, key: LineKey, text: str, part: int | None = None) -> bool:
        """Replace the text of a turn; the first recognised text stays beside it.

        Args:
            key: Of the turn.
            text: The text.
            part: Of a turn of several speakers, the part to replace, from 0; None: all.

        Returns:
            Whether there is such a turn and part, and the text is not empty.
        """
        old = self._words(key)
        words = None if old is None else corrected(old, text, part)
        if words is None:
            return False
        self._connection.execute(
            "UPDATE lines SET text = ?, words = ?, recognised = coalesce(recognised, text)"
            " WHERE session_id = ? AND channel = ? AND turn = ?",
            (join_words(word.text for word in words), _words_to_text(words), *key),
        )
        return True

    def assign(self, key: LineKey, label: str, part: int | None = None) -> bool:
        """Set the speaker of a turn; `revise` leaves it from then on.

        Args:
            key: Of the turn.
            label: The speaker's label in the session.
            part: As in `correct`.

        Returns:
            Whether there is such a turn and part.
        """
        old = self._words(key)
        words = None if old is None else assigned(old, label, part)
        if words is None:
            return False
        self._connection.execute(
            "UPDATE lines SET words = ?, is_assigned = 1 WHERE session_id = ? AND channel = ? AND turn = ?",
            (_words_to_text(words), *key),
        )
        return True

    def revise(self, key: LineKey, labels: Sequence[Word]) -> None:
        """Replace the speakers of a turn, unless a person has set them.

        Args:
            key: Of the turn.
            labels: Its words as the session reported them, with their speakers; at least one.
        """
        old = self._words(key)
        if old is not None:
            self._connection.execute(
                "UPDATE lines SET words = ?"
                " WHERE session_id = ? AND channel = ? AND turn = ? AND NOT is_assigned",
                (_words_to_text(revised(old, labels)), *key),
            )

    def name_voices(self, names: Mapping[VoiceKey, str]) -> None:
        """Keep names of speakers; an empty one removes the name given before."""
        with changing(self._connection):
            for key, name in names.items():
                self._connection.execute(
                    "DELETE FROM voices WHERE session_id = ? AND channel = ? AND label = ?", key
                )
                if name:
                    self._connection.execute(
                        "INSERT INTO voices SELECT ?, ?, ?, ? WHERE EXISTS"
                        " (SELECT 1 FROM sessions WHERE id = ?)",
                        (*key, name, key.session_id),
                    )

    def keep_room(self, room: StoredRoom) -> None:
        """Keep what a room needs to open again."""
        self._connection.execute(
            "INSERT OR REPLACE INTO rooms (name, began_unix, key_digest, title) VALUES (?, ?, ?, ?)",
            dataclasses.astuple(room),
        )

    def delete(self, session_id: str) -> bool:
        """Delete a session and its turns; returns whether there was one."""
        with changing(self._connection):
            done = self._connection.execute("DELETE FROM sessions WHERE id = ?", (session_id,)).rowcount > 0
        self._truncate_log()
        return done

    def delete_before(self, unix_time: float) -> int:
        """Delete the sessions and rooms that began before a time; returns the number of sessions."""
        with changing(self._connection):
            self._connection.execute("DELETE FROM rooms WHERE began_unix < ?", (unix_time,))
            n_deleted = self._connection.execute(
                "DELETE FROM sessions WHERE began_unix < ?", (unix_time,)
            ).rowcount
        if n_deleted:
            self._truncate_log()
        return n_deleted

    # --- reading --------------------------------------------------------------------------------

    def session(self, session_id: str) -> StoredSession | None:
        """Return a session; None if it is not kept."""
        row = self._connection.execute("SELECT * FROM session_records WHERE id = ?", (session_id,)).fetchone()
        return None if row is None else StoredSession(*row)

    def sessions(
        self,
        *,
        room: str | None = None,
        limit: int = 50,
        before_unix: float | None = None,
        owner: str | None = None,
    ) -> list[StoredSession]:
        """Return sessions, the newest first.

        Args:
            room: Of this room only; None: of any, or of none.
            limit: The most sessions.
            before_unix: Only those that began before this time, in seconds since 1970; None: all.
            owner: Only those of this owner; None: of any.
        """
        rows = self._connection.execute(
            "SELECT * FROM session_records WHERE (? IS NULL OR room = ?) AND (? IS NULL OR began_unix < ?)"
            " AND (? IS NULL OR owner = ?) ORDER BY began_unix DESC, id LIMIT ?",
            (room, room, before_unix, before_unix, owner, owner, limit),
        )
        return [StoredSession(*row) for row in rows]

    def lines(self, session_id: str) -> list[StoredLine]:
        """Return the finished turns of a session, in the order in which they were finished."""
        rows = self._connection.execute(
            "SELECT * FROM line_records WHERE session_id = ? ORDER BY number", (session_id,)
        )
        return [_line(row) for row in rows]

    def voice_names(self, *session_ids: str) -> dict[VoiceKey, str]:
        """Return the names that people gave to the speakers of some sessions."""
        return {
            VoiceKey(*key): name
            for session_id in session_ids
            for *key, name in self._connection.execute(
                "SELECT session_id, channel, label, name FROM voices WHERE session_id = ?", (session_id,)
            )
        }

    def search(self, text: str, *, limit: int = 50, owner: str | None = None) -> list[SearchHit]:
        """Find the turns that contain all words of a text, the newest first.

        Args:
            text: Words; the last one may be the beginning of one. Case and accents do not matter.
            limit: The most turns.
            owner: Only those of this owner; None: of any.
        """
        words = text.replace("\0", " ").split()
        phrases = ['"' + word.replace('"', '""') + '"' for word in words]
        if not phrases:
            return []
        rows = self._connection.execute(
            "SELECT * FROM line_records WHERE number IN (SELECT rowid FROM found WHERE found MATCH ?)"
            " AND (? IS NULL OR session_id IN (SELECT id FROM sessions WHERE owner = ?))"
            " ORDER BY at_unix DESC LIMIT ?",
            (" ".join(phrases) + "*", owner, owner, limit),
        ).fetchall()
        sessions = {row[0]: self.session(row[0]) for row in rows}
        return [SearchHit(session, _line(row)) for row in rows if (session := sessions[row[0]]) is not None]

    def rooms_since(self, unix_time: float) -> list[StoredRoom]:
        """Return the rooms in which somebody spoke after a time, in seconds since 1970."""
        rows = self._connection.execute(
            "SELECT name, began_unix, key_digest, title FROM rooms WHERE name IN ("
            " SELECT room FROM sessions JOIN lines ON session_id = sessions.id WHERE at_unix >= ?)",
            (unix_time,),
        )
        return [StoredRoom(*row) for row in rows]

    def lines_of_room(self, room: StoredRoom) -> list[tuple[StoredSession, StoredLine]]:
        """Return the finished turns of a room since it began, in the order in which they were finished."""
        rows = self._connection.execute(
            "SELECT * FROM line_records WHERE session_id IN"
            " (SELECT id FROM sessions WHERE room = ? AND began_unix >= ?) ORDER BY number",
            (room.name, room.began_unix),
        ).fetchall()
        sessions = {row[0]: self.session(row[0]) for row in rows}
        return [(session, _line(row)) for row in rows if (session := sessions[row[0]]) is not None]

    # --- within ---------------------------------------------------------------------------------

    def _words(self, key: LineKey) -> tuple[Word, ...] | None:
        row = self._connection.execute(
            "SELECT * FROM line_records WHERE session_id = ? AND channel = ? AND turn = ?", key
        ).fetchone()
        return None if row is None else _line(row).words

    def _truncate_log(self) -> None:
        """Leave nothing of what was deleted in the log beside the file, unless somebody reads it now."""
        with contextlib.suppress(sqlite3.OperationalError):
            self._connection.execute("INSERT INTO found (found) VALUES ('optimize')")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _cannot_keep(path: Path, error: Exception) -> ConfigurationError:
    if isinstance(error, ConfigurationError):
        return error
    reason = getattr(error, "strerror", None) or str(error)
    return ConfigurationError(f"{path}: transcripts can't be kept there: {reason}")


def _words_to_text(words: Iterable[Word]) -> str:
    return msgspec.json.encode([_word_row(word) for word in words]).decode()


def _word_row(word: Word) -> list[str | float | None]:
    row: list[str | float | None] = [word.text, word.start_ms, word.end_ms, round(word.confidence, 3)]
    return row if word.speaker is None else [*row, word.speaker, word.speaker_confidence]


def _line(row: tuple[str, int, int, float, str, int, int]) -> StoredLine:
    session_id, channel, turn, at_unix, words, is_corrected, _ = row
    return StoredLine(
        LineKey(session_id, channel, turn),
        at_unix,
        tuple(
            Word(text, start_ms, end_ms, confidence, True, *speaker)
            for text, start_ms, end_ms, confidence, *speaker in msgspec.json.decode(words)
        ),
        bool(is_corrected),
    )
