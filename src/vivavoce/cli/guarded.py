"""A text output whose failure is a warning: a full disk or a closed terminal must not end a session."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["GuardedOutput", "discard_further_output", "opening_problem", "reason_of", "say", "shown_once"]


def reason_of(error: OSError) -> str:
    """Return the reason of a failed operation, for messages."""
    return (error.strerror or str(error)).lower()


def opening_problem(path: Path, error: OSError) -> str:
    """Return why an output file or folder can't be opened, and what to do about it."""
    match error.errno:
        case errno.ENOENT:
            advice = f"; create the folder {path.parent} first"
        case errno.ENOTDIR | errno.EEXIST:
            advice = f"; {next((each for each in (path, *path.parents) if each.exists()), path)} is a file"
        case errno.EISDIR:
            advice = "; end the path with / to write into the folder"
        case errno.EACCES | errno.EROFS:
            advice = "; choose another folder"
        case _:
            advice = ""
    return f"{path}: {reason_of(error)}{advice}"


def say(text: str, err: TextIO | None = None) -> None:
    """Write a message to standard error, if that is possible.

    Args:
        text: The message.
        err: Standard error; that of the process if None.
    """
    with contextlib.suppress(OSError, ValueError):  # full, closed, or the terminal is gone
        print(text, file=err or sys.stderr, flush=True)


@contextlib.contextmanager
def shown_once(logger: str, text: str) -> Iterator[None]:
    """Drop the records of a logger that begin with a text while the block runs: the command shows it."""

    def is_other(record: logging.LogRecord) -> bool:
        return not str(record.msg).startswith(text)

    found = logging.getLogger(logger)
    found.addFilter(is_other)
    try:
        yield
    finally:
        found.removeFilter(is_other)


def discard_further_output(out: TextIO) -> None:
    """Send what an output still buffers, and what follows, to the null device.

    The interpreter flushes every file when it closes it, and would fail again.
    """
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(null, out.fileno())
        finally:
            os.close(null)


class GuardedOutput:
    """Writes text to a file, a pipe or a terminal until that fails, then discards the rest.

    Args:
        out: The output.
        name: Its name in the warning.
        warn: Receives the warning, once.
        raises_broken_pipe: Whether a reader that closed the pipe ends the session, as for standard output.
        is_held: Whether text waits for `release`, and what the output held before stays until then.

    Attributes:
        failed: Whether transcripts were lost.
    """

    def __init__(
        self,
        out: TextIO,
        name: str,
        *,
        warn: Callable[[str], None] = say,
        raises_broken_pipe: bool = False,
        is_held: bool = False,
    ) -> None:
        self._out = out
        self._name = name
        self._warn = warn
        self._raises_broken_pipe = raises_broken_pipe
        self._held: list[str] | None = [] if is_held else None  # text that waits; None: nothing waits
        self.failed = False

    @property
    def is_held(self) -> bool:
        """Whether the output still is as it was before."""
        return self._held is not None

    def release(self) -> None:
        """Replace what the output held before by the text that waits, and write further text at once."""
        if self._held is None:
            return
        text, self._held = "".join(self._held), None
        try:
            if self._out.seekable():
                self._out.truncate(0)
        except OSError:
            pass  # a device; writing to it reports what is wrong
        if text:
            self.write(text)

    def write(self, text: str) -> None:
        """Write text at once, or discard it.

        Raises:
            BrokenPipeError: The reader closed the pipe.
        """
        if self.failed:
            return
        if self._held is not None:
            self._held.append(text)
            return
        try:
            self._out.write(text)
            self._out.flush()
        except OSError as error:
            if self._raises_broken_pipe and isinstance(error, BrokenPipeError):
                raise
            self._fail(error)

    def rewind_to(self, position: int) -> None:
        """Drop what a seekable output holds after a position."""
        if self.failed:
            return
        try:
            self._out.seek(position)
            self._out.truncate()
        except OSError as error:
            self._fail(error)

    def position(self) -> int | None:
        """Return the position after what was written; None if the output can't seek, or text waits."""
        if self._held is not None:
            return None
        try:
            return self._out.tell() if self._out.seekable() else None
        except (OSError, ValueError):
            return None

    def _fail(self, error: OSError) -> None:
        self.failed = True
        discard_further_output(self._out)
        self._warn(
            f"vivavoce: {self._name}: {reason_of(error)}; no more transcripts are written to it, "
            "transcription continues"
        )
