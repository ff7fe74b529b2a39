"""The log of a server, on standard error, which never makes the server wait.

A pipe that its reader leaves full would block every line, and with it the event loop. A thread writes the
lines instead; those that find no room are dropped and counted.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import queue
import threading
from typing import Final

__all__ = ["JsonFormatter", "NonBlockingHandler", "formatter_of"]

_TEXT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_TEXT_OF_WORKER: Final = "%(asctime)s %(levelname)s worker {} %(name)s: %(message)s"
_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_REPEATS: Final = frozenset({"color_message"})  # uvicorn's copy of the message

_ROOM: Final = 10_000  # lines
_FLUSH_S: Final = 2.0


class JsonFormatter(logging.Formatter):
    """Writes each record as one JSON object on one line.

    Its members are ``time`` (RFC 3339, UTC), ``level``, ``logger`` and ``message``, ``exception`` if there is
    one, and what the logging call gave as ``extra``, such as ``session_id``.

    Args:
        worker: The number of this process among several, as another member ``worker``; None: it is the only
            one, or their parent.
    """

    def __init__(self, worker: int | None = None) -> None:
        super().__init__()
        self._process = {} if worker is None else {"worker": worker}

    def format(self, record: logging.LogRecord) -> str:
        """Return the object."""
        when = dt.datetime.fromtimestamp(record.created, dt.UTC)
        found: dict[str, str | float] = {
            "time": when.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            **self._process,
        }
        if record.exc_info:
            found["exception"] = self.formatException(record.exc_info)
        found |= {
            name: value
            for name, value in vars(record).items()
            if name not in _OWN | _REPEATS and isinstance(value, str | int | float)
        }
        return json.dumps(found, ensure_ascii=False)


def _message(record: logging.LogRecord) -> str:
    """The text of a record; one with wrong arguments must not stop the server."""
    try:
        return record.getMessage()
    except (TypeError, ValueError):
        return repr(record.msg)


def formatter_of(log_format: str, worker: int | None = None) -> logging.Formatter:
    """Return what writes the lines of a log.

    Args:
        log_format: ``text`` or ``json``.
        worker: The number of this process among several, which each line names; None: it is the only one.
    """
    if log_format == "json":
        return JsonFormatter(worker)
    return logging.Formatter(_TEXT if worker is None else _TEXT_OF_WORKER.format(worker))


class NonBlockingHandler(logging.Handler):
    """Writes records to a file descriptor on a thread of its own.

    Args:
        descriptor: Where to write; 2 is standard error.
        room: How many lines may wait.
    """

    def __init__(self, descriptor: int = 2, *, room: int = _ROOM) -> None:
        super().__init__()
        self._descriptor = descriptor
        # Not queue.Queue: a signal is logged on the thread that it interrupts, which may hold its lock.
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()  # None: no more lines
        self._room = room
        self._dropped = 0  # lines since the last one that found room
        self._thread = threading.Thread(target=self._write_all, name="vivavoce-log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a record on to the thread, or drop it."""
        try:
            text = self.format(record)
        except Exception:  # noqa: BLE001 - a record with wrong arguments must not stop the server
            text = f"{record.levelname} {record.name}: {record.msg!r}"
        if self._lines.qsize() >= self._room:
            self._dropped += 1
            return
        if self._dropped:
            self._lines.put(self.format(_dropped_notice(self._dropped)) + "\n")
            self._dropped = 0
        self._lines.put(text + "\n")

    def close(self) -> None:
        """Write what waits, for two seconds at most."""
        self._lines.put(None)
        self._thread.join(_FLUSH_S)
        super().close()

    def _write_all(self) -> None:
        while (line := self._lines.get()) is not None:
            # Not by sys.stderr: a thread that waits in there would keep the interpreter from ending.
            data = line.encode(errors="backslashreplace")
            try:
                while data:
                    data = data[os.write(self._descriptor, data) :]
            except OSError:  # closed, or the disk is full: nothing can be reported
                continue


def _dropped_notice(n_lines: int) -> logging.LogRecord:
    text = "%d lines of the log were dropped: they are read too slowly"
    return logging.LogRecord(__name__, logging.WARNING, __file__, 0, text, (n_lines,), None)
