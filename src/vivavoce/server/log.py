"""The log of a server, on standard error, which never makes the server wait.

A pipe that its reader leaves full would block every line, and with it the event loop. A thread writes the
lines instead; those that find no room are dropped and counted.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
from typing import Final

__all__ = ["LOG_FORMAT", "NonBlockingHandler"]

LOG_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"

_ROOM: Final = 10_000  # lines
_FLUSH_S: Final = 1.0


class NonBlockingHandler(logging.Handler):
    """Writes records to a file descriptor on a thread of its own.

    Args:
        descriptor: Where to write; 2 is standard error.
        room: How many lines may wait.
    """

    def __init__(self, descriptor: int = 2, *, room: int = _ROOM) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._lines: queue.Queue[str | None] = queue.Queue(room)  # None: no more lines
        self._dropped = 0  # lines since the last one that found room
        self._thread = threading.Thread(target=self._write_all, name="vivavoce-log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a record on to the thread, or drop it."""
        try:
            text = self.format(record)
        except Exception:  # noqa: BLE001 - a record with wrong arguments must not stop the server
            text = f"{record.levelname} {record.name}: {record.msg!r}"
        try:
            if self._dropped:
                self._lines.put_nowait(
                    f"{self._dropped} lines of the log were dropped: they are read too slowly\n"
                )
                self._dropped = 0
            self._lines.put_nowait(text + "\n")
        except queue.Full:
            self._dropped += 1

    def close(self) -> None:
        """Write what waits, for two seconds at most."""
        with contextlib.suppress(queue.Full):
            self._lines.put(None, timeout=_FLUSH_S)
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
