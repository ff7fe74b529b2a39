"""Where transcripts go: a terminal, or plain text, JSON lines or captions on a pipe or in a file."""

from __future__ import annotations

import abc
import contextlib
import json
import sys
import threading
from typing import TYPE_CHECKING, ClassVar, Protocol, TextIO

from vivavoce.cli.guarded import GuardedOutput, say
from vivavoce.cli.options import Format
from vivavoce.printing.live_line import LiveLine
from vivavoce.printing.terminal import has_escapes, terminal_width, uses_colour
from vivavoce.types import Word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from vivavoce.captions import Cue
    from vivavoce.cli.transcript_line import TranscriptLine

__all__ = [
    "CaptionSink",
    "FileSink",
    "JsonDocumentSink",
    "JsonSink",
    "Sink",
    "TeeSink",
    "TerminalSink",
    "TextSink",
    "file_sink",
    "standard_output_sink",
]


class Sink(Protocol):
    """Receives transcripts in order, from any thread."""

    def show(self, transcript: TranscriptLine) -> None:
        """Show a partial or a final; an empty partial clears the live line."""

    def note(self, text: str) -> None:
        """Write a message that is not a transcript to standard error."""

    def close(self) -> None:
        """Finish the output."""


class Output(Protocol):
    """Where a sink writes; see `GuardedOutput`."""

    def write(self, text: str) -> None:
        """Write text at once."""

    def position(self) -> int | None:
        """Return the position after what was written; None if the output can't seek."""

    def rewind_to(self, position: int) -> None:
        """Drop what the output holds after a position."""


class FileSink(abc.ABC):
    """Base of the sinks that write finals to a pipe or a file and flush each one.

    Args:
        out: Pipe or file.
        err: Standard error.

    Attributes:
        n_written: Number of items written.
    """

    ITEM: ClassVar = "utterance"
    """Name of one item, for messages."""

    def __init__(self, out: Output, err: TextIO) -> None:
        self._out = out
        self._err = err
        self._lock = threading.Lock()
        self.n_written = 0

    @abc.abstractmethod
    def show(self, transcript: TranscriptLine) -> None:
        """Write a transcript if the output includes it."""

    def note(self, text: str) -> None:
        """Write a message to standard error."""
        with self._lock:
            say(text, self._err)

    def close(self) -> None:  # noqa: B027  - most formats end after their last item
        """Write what must follow the last item."""

    def _write(self, text: str) -> None:
        with self._lock:
            self._out.write(text)

    def _write_item(self, text: str) -> None:
        self._write(text)
        self.n_written += 1


class TextSink(FileSink):
    """Writes one final per line."""

    def show(self, transcript: TranscriptLine) -> None:
        """Write a final; skip partials and empty finals."""
        if transcript.is_final and transcript.text:
            self._write_item(transcript.text + "\n")


class JsonSink(FileSink):
    """Writes one JSON object per line.

    Args:
        out: Pipe or file.
        err: Standard error.
        partials: Whether partials are written too.
    """

    ITEM = "event"

    def __init__(self, out: Output, err: TextIO, *, partials: bool) -> None:
        super().__init__(out, err)
        self._partials = partials

    def show(self, transcript: TranscriptLine) -> None:
        """Write a transcript that has words."""
        if transcript.text and (transcript.is_final or self._partials):
            self._write_event(json.dumps(transcript.json_fields()))

    def _write_event(self, event: str) -> None:
        self._write_item(event + "\n")


class JsonDocumentSink(JsonSink):
    """Writes one JSON array with one object per line.

    A file is a valid document after every event, also when the process is killed; a pipe at the end.

    Args:
        out: Pipe or file.
        err: Standard error.
        partials: Whether partials are written too.
    """

    _END: ClassVar = "\n]\n"

    def __init__(self, out: Output, err: TextIO, *, partials: bool) -> None:
        super().__init__(out, err, partials=partials)
        self._end_at: int | None = None  # position of the end of the array, if it is written
        self._write("[")
        self._write_end()

    def _write_event(self, event: str) -> None:
        self._drop_end()
        self._write_item(f"{',' if self.n_written else ''}\n{event}")
        self._write_end()

    def _drop_end(self) -> None:
        if self._end_at is not None:
            self._out.rewind_to(self._end_at)

    def _write_end(self) -> None:
        self._end_at = self._out.position()
        if self._end_at is not None:
            self._write(self._END)

    def close(self) -> None:
        """Write the end of the array if it is not there."""
        if self._end_at is None:
            self._write(self._END)


class CaptionSink(FileSink):
    """Writes captions for video players; each one as soon as its end time is known.

    Args:
        out: Pipe or file.
        err: Standard error.
        format_: `Format.SRT` or `Format.VTT`.
    """

    ITEM = "caption"

    def __init__(self, out: Output, err: TextIO, format_: Format) -> None:
        from vivavoce.captions import Captioner, vtt_head

        super().__init__(out, err)
        self._format = format_
        self._captioner = Captioner()
        if format_ is Format.VTT:
            self._write(vtt_head())

    def show(self, transcript: TranscriptLine) -> None:
        """Add a final; skip partials and empty finals."""
        if transcript.is_final and transcript.text:
            whole = Word(transcript.text, transcript.start_ms, transcript.end_ms, transcript.confidence)
            self._write_cues(self._captioner.add(transcript.words or (whole,)))

    def close(self) -> None:
        """Write the last caption."""
        self._write_cues(self._captioner.finish())

    def _write_cues(self, cues: Iterable[Cue]) -> None:
        from vivavoce.captions import srt_block, vtt_block

        for cue in cues:
            is_srt = self._format is Format.SRT
            self._write_item(srt_block(self.n_written + 1, cue) if is_srt else vtt_block(cue))


class TerminalSink:
    """Shows partials on a live line and replaces them by finals.

    Args:
        live_line: The live line of the terminal.
        err: Standard error.
        idle: Returns the text of the live line while no one speaks.
    """

    def __init__(self, live_line: LiveLine, err: TextIO, idle: Callable[[], str] = str) -> None:
        self._live_line = live_line
        self._err = err
        self._idle = idle
        self._lock = threading.Lock()

    def show(self, transcript: TranscriptLine) -> None:
        """Show a partial on the live line, or replace it by a final."""
        with self._lock:
            if transcript.is_final and transcript.text:
                self._live_line.final(transcript.text)
            elif transcript.is_final:
                self._live_line.clear()
            elif transcript.text:
                self._live_line.partial(transcript.text)
            else:
                self._live_line.status(self._idle())

    def note(self, text: str) -> None:
        """Write a message to standard error, on its own line."""
        with self._lock:
            self._live_line.clear()
            say(self._live_line.wrap(text), self._err)

    def close(self) -> None:
        """Clear the live line."""
        with self._lock:
            self._live_line.clear()


class TeeSink:
    """Shows every transcript in several sinks; messages go to the first."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = sinks

    def show(self, transcript: TranscriptLine) -> None:
        """Show a transcript in every sink."""
        for sink in self._sinks:
            sink.show(transcript)

    def note(self, text: str) -> None:
        """Write a message with the first sink."""
        self._sinks[0].note(text)

    def close(self) -> None:
        """Close every sink, even if one fails."""
        with contextlib.ExitStack() as stack:
            for sink in self._sinks:
                stack.callback(sink.close)


def file_sink(out: Output, format_: Format, *, partials: bool = False, is_document: bool = False) -> FileSink:
    """Create the sink that writes a format to a pipe or a file.

    Args:
        out: Pipe or file.
        format_: What to write.
        partials: Whether JSON includes partials.
        is_document: Whether JSON is one document instead of one object per line.
    """
    if format_ is Format.TEXT:
        return TextSink(out, sys.stderr)
    if format_ is Format.JSON:
        json_sink = JsonDocumentSink if is_document else JsonSink
        return json_sink(out, sys.stderr, partials=partials)
    return CaptionSink(out, sys.stderr, format_)


def standard_output_sink(
    format_: Format = Format.TEXT,
    *,
    out: GuardedOutput | None = None,
    partials: bool = False,
    idle: Callable[[], str] = str,
) -> Sink:
    """Create the sink for standard output; text on a terminal gets a live line.

    Args:
        format_: What to write.
        out: Standard output; None: that of the process.
        partials: Whether JSON includes partials.
        idle: Returns what a terminal shows while no one speaks.
    """
    out = out or GuardedOutput(sys.stdout, "standard output", raises_broken_pipe=True)
    if format_ is not Format.TEXT or not sys.stdout.isatty():
        return file_sink(out, format_, partials=partials)
    live_line = LiveLine(out.write, terminal_width, escapes=has_escapes(), dim=uses_colour())
    return TerminalSink(live_line, sys.stderr, idle)
