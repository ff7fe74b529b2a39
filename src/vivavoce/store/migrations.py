"""The tables of the store, and how an older file gets them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    import sqlite3

__all__ = ["migrate"]

_MIGRATIONS: Final = (
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


def migrate(connection: sqlite3.Connection, path: object) -> None:
    """Bring a file to the present tables.

    Args:
        connection: To the file.
        path: Its path, for the message.

    Raises:
        ConfigurationError: A later version of Vivavoce has written it.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(_MIGRATIONS):
        raise ConfigurationError(f"{path} was written by a later version of Vivavoce: use that one")
    for number, script in enumerate(_MIGRATIONS[version:], start=version + 1):
        connection.executescript(f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;")
