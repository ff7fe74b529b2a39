"""Changes of a file of SQLite that are made as a whole or not at all."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

__all__ = ["changing"]


@contextlib.contextmanager
def changing(connection: sqlite3.Connection) -> Iterator[None]:
    """Keep what is done inside once it is whole; an error undoes it.

    Args:
        connection: In autocommit mode; nobody else can write to its file meanwhile.

    Raises:
        sqlite3.Error: Another process writes for too long, or the changes can't be kept.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk has ended it
            connection.execute("ROLLBACK")
        raise
