"""The tables of both files, transcripts and keys, and how an older file gets them."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final

from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["KEYS_APPLICATION_ID", "KEY_MIGRATIONS", "TRANSCRIPT_MIGRATIONS", "migrate"]

TRANSCRIPT_MIGRATIONS: Final = (
    # 1
    """
    CREATE TABLE sessions (
        id TEXT PRIMARY KEY, began_unix REAL NOT NULL, room TEXT, title TEXT NOT NULL, owner TEXT NOT NULL,
        ended_unix REAL
    );
    CREATE INDEX sessions_by_time ON sessions (began_unix);
    CREATE TABLE lines (
        number INTEGER PRIMARY KEY, session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
        channel INTEGER NOT NULL, turn INTEGER NOT NULL, at_unix REAL NOT NULL, text TEXT NOT NULL,
        words TEXT NOT NULL, recognised TEXT, UNIQUE (session_id, channel, turn)
    );
    CREATE TABLE rooms (
        name TEXT PRIMARY KEY, began_unix REAL NOT NULL, key_digest BLOB, title TEXT NOT NULL
    );
    CREATE VIEW session_records AS
        SELECT id, began_unix, room, title, owner, ended_unix,
            (SELECT count(*) FROM lines WHERE session_id = sessions.id) FROM sessions;
    CREATE VIEW line_records AS
        SELECT session_id, channel, turn, at_unix, words, recognised IS NOT NULL, number FROM lines;
    CREATE VIRTUAL TABLE found USING fts5 (text, content = 'lines', content_rowid = 'number');
    CREATE TRIGGER lines_added AFTER INSERT ON lines BEGIN
        INSERT INTO found (rowid, text) VALUES (new.number, new.text);
    END;
    CREATE TRIGGER lines_deleted AFTER DELETE ON lines BEGIN
        INSERT INTO found (found, rowid, text) VALUES ('delete', old.number, old.text);
    END;
    CREATE TRIGGER lines_changed AFTER UPDATE OF text ON lines BEGIN
        INSERT INTO found (found, rowid, text) VALUES ('delete', old.number, old.text);
        INSERT INTO found (rowid, text) VALUES (new.number, new.text);
    END;
    """,
    # 2: names of speakers, and turns whose speakers a person has set
    """
    CREATE TABLE voices (
        session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE, channel INTEGER NOT NULL,
        label TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (session_id, channel, label)
    );
    ALTER TABLE lines ADD COLUMN is_assigned INTEGER NOT NULL DEFAULT 0;
    """,
)
"""Scripts for the file of transcripts, each for one version."""

KEYS_APPLICATION_ID: Final = 0x76766B79
"""In the header of a file of keys: "vvky"."""

KEY_MIGRATIONS: Final = (
    # 1
    f"""
    PRAGMA application_id = {KEYS_APPLICATION_ID};
    CREATE TABLE keys (
        number INTEGER PRIMARY KEY, name TEXT NOT NULL, digest BLOB NOT NULL UNIQUE,
        owner TEXT NOT NULL UNIQUE, created_unix REAL NOT NULL, standing TEXT NOT NULL,
        is_on INTEGER NOT NULL, is_admin INTEGER NOT NULL, sessions INTEGER, daily_minutes REAL,
        session_minutes REAL, revoked_unix REAL, ends_sessions INTEGER NOT NULL
    );
    CREATE UNIQUE INDEX keys_by_name ON keys (name) WHERE revoked_unix IS NULL;
    CREATE TABLE usage (
        day INTEGER NOT NULL, owner TEXT NOT NULL, seconds REAL NOT NULL, PRIMARY KEY (day, owner)
    ) WITHOUT ROWID;
    CREATE TABLE spent_tokens (token BLOB PRIMARY KEY, expires_unix REAL NOT NULL) WITHOUT ROWID;
    CREATE TABLE secret (number INTEGER PRIMARY KEY, content BLOB NOT NULL);
    """,
    # 2: open sessions on each server, until it should have reported them again
    """
    CREATE TABLE leases (
        owner TEXT NOT NULL, server TEXT NOT NULL, sessions INTEGER NOT NULL, expires_unix REAL NOT NULL,
        PRIMARY KEY (owner, server)
    ) WITHOUT ROWID;
    """,
)
"""Scripts for the file of keys."""


def migrate(connection: sqlite3.Connection, path: object, scripts: Sequence[str]) -> None:
    """Bring a file to the present tables.

    Args:
        connection: To the file.
        path: Its path, for the message.
        scripts: Those of its kind.

    Raises:
        ConfigurationError: A later version of Vivavoce has written it.
    """
    version = _version(connection)
    if version > len(scripts):
        raise ConfigurationError(f"{path} was written by a later version of Vivavoce: use that one")
    for number, script in enumerate(scripts[version:], start=version + 1):
        try:
            connection.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {number}; COMMIT;")
        except sqlite3.OperationalError:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if _version(connection) < number:  # else another process that started too was faster
                raise


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)
