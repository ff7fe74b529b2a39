"""Where captions go: a terminal, a pipe, or lines of JSON."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import threading
from typing import TYPE_CHECKING, Protocol, TextIO

from vivavoce.cli.live_line import LiveLine
from vivavoce.cli.transcript_line import json_fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from vivavoce.cli.transcript_line import TranscriptLine

__all__ = ["JsonSink", "PipeSink", "Sink", "TerminalSink", "open_sink", "stable_length", "terminal_width"]


class Sink(Protocol):
    """Takes captions in the order they come, from whatever thread."""

    def show(self, caption: TranscriptLine) -> None:
        """Show a partial or a final; an empty partial takes the live line away."""

    def note(self, text: str) -> None:
        """Say something that is no transcript, on standard error."""

    def close(self) -> None:
        """Leave the cursor on an empty line."""


class PipeSink:
    """One finished utterance a line, flushed, for other programs."""

    UNIT = "utterance"
    """What is counted."""

    def __init__(self, out: TextIO, talk: TextIO) -> None:
        self._out = out
        self._talk = talk
        self._lock = threading.Lock()
        self.written = 0

    def show(self, caption: TranscriptLine) -> None:
        """Write a final; partials are not for pipes."""
        if caption.is_final and caption.text:
            self._line(caption.text)

    def note(self, text: str) -> None:
        """Say something on standard error."""
        with self._lock:
            print(text, file=self._talk, flush=True)

    def close(self) -> None:
        """Nothing is pending: every line was flushed."""

    def _line(self, text: str) -> None:
        self._write(text + "\n")
        self.written += 1

    def _write(self, text: str) -> None:
        with self._lock:
            self._out.write(text)
            self._out.flush()


class JsonSink(PipeSink):
    """One event a line as JSON.

    Args:
        out: Standard output.
        talk: Standard error.
        partials: Whether unfinished utterances are written too.
    """

    UNIT = "event"

    def __init__(self, out: TextIO, talk: TextIO, *, partials: bool) -> None:
        super().__init__(out, talk)
        self._partials = partials

    def show(self, caption: TranscriptLine) -> None:
        """Write an event, if it has words."""
        if caption.text and (caption.is_final or self._partials):
            self._line(json.dumps(json_fields(caption)))


def stable_length(before: str, now: str) -> int:
    """How many characters of a partial the one before it had too, in whole words.

    What was heard alike twice mostly stays; what is new often changes again.
    """
    n = 0
    for old, new in zip(before.split(" "), now.split(" "), strict=False):
        if old != new:
            break
        n += len(new) + 1
    return min(n, len(now))


class TerminalSink:
    """Partials overwritten by finals; what is new in a partial is told apart from what stood before.

    Args:
        screen: Of the terminal.
        talk: Standard error.
        idle: What stands on the live line while nobody speaks.
    """

    def __init__(self, screen: LiveLine, talk: TextIO, idle: Callable[[], str] = str) -> None:
        self._screen = screen
        self._talk = talk
        self._idle = idle
        self._lock = threading.Lock()
        self._partial = ""

    def show(self, caption: TranscriptLine) -> None:
        """Show a caption on the live line, or in its place for good."""
        with self._lock:
            before, self._partial = self._partial, "" if caption.is_final else caption.text
            if not caption.is_final:
                text = caption.text or self._idle()
                self._screen.partial(text, stable_length(before, caption.text))
            elif caption.text:
                self._screen.final(caption.text)
            else:
                self._screen.clear()

    def note(self, text: str) -> None:
        """Say something on standard error, on a line of its own."""
        with self._lock:
            self._screen.clear()
            print(self._screen.wrapped(text), file=self._talk, flush=True)

    def close(self) -> None:
        """Take the live line away."""
        with self._lock:
            self._screen.clear()


def terminal_width() -> int:
    """Width of the terminal, in cells.

    The terminal itself is asked before COLUMNS, unlike `shutil.get_terminal_size`: what counts is where
    the line wraps, not where a parent process thought that it does.
    """
    with contextlib.suppress(OSError, ValueError):
        if columns := os.get_terminal_size(sys.stdout.fileno()).columns:
            return columns
    return shutil.get_terminal_size().columns


def _writer(out: TextIO) -> Callable[[str], None]:
    def write(text: str) -> None:
        out.write(text)
        out.flush()

    return write


def open_sink(*, json: bool = False, partials: bool = False, idle: Callable[[], str] = str) -> Sink:
    """The sink that suits standard output.

    Args:
        json: Whether events were asked for.
        partials: Whether those include partials.
        idle: What a terminal shows while nobody speaks.
    """
    if json:
        return JsonSink(sys.stdout, sys.stderr, partials=partials)
    if not sys.stdout.isatty():
        return PipeSink(sys.stdout, sys.stderr)
    escapes = os.environ.get("TERM", "") not in {"dumb", ""}
    screen = LiveLine(
        _writer(sys.stdout),
        terminal_width,
        escapes=escapes,
        dim=not os.environ.get("NO_COLOR"),
    )
    return TerminalSink(screen, sys.stderr, idle)
