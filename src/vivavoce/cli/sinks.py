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
from vivavoce.cli.shown_transcripts import ShownTranscripts
from vivavoce.cli.speaker_display import NO_SPEAKERS
from vivavoce.printing.live_line import LiveLine
from vivavoce.printing.terminal import has_escapes, terminal_width, uses_colour
from vivavoce.types import Word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from vivavoce.captions import Cue
    from vivavoce.cli.speaker_display import SpeakerDisplay
    from vivavoce.cli.transcript_line import TranscriptLine
    from vivavoce.protocol.speaker_runs import Voice

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

    When speakers were revised, a file is written again at the end; for a pipe, messages name what changed.

    Args:
        out: Pipe or file.
        err: Standard error.
        speakers: How the output shows who speaks.

    Attributes:
        n_written: Number of items written.
    """

    ITEM: ClassVar = "utterance"
    """Name of one item, for messages."""

    def __init__(self, out: Output, err: TextIO, speakers: SpeakerDisplay = NO_SPEAKERS) -> None:
        self._out = out
        self._err = err
        self._lock = threading.Lock()
        self._speakers = speakers
        self._shown = ShownTranscripts(speakers)
        self._began_at = out.position() or 0  # a file that waits begins at 0
        self.n_written = 0
        self._begin()

    def show(self, transcript: TranscriptLine) -> None:
        """Write a transcript if the output includes it."""
        if transcript.is_revised:
            self._revise(transcript)
        elif self._includes(transcript):
            self._shown.add(transcript)
            self._put(transcript)

    def note(self, text: str) -> None:
        """Write a message to standard error."""
        with self._lock:
            say(text, self._err)

    def close(self) -> None:
        """Write what must follow the last item; with revised speakers, write everything again."""
        if self._shown.is_revised and self._out.position() is not None:
            self._out.rewind_to(self._began_at)
            self.n_written = 0
            self._begin()
            for transcript in self._shown.lines:
                self._put(transcript)
        else:
            for message in self._shown.report():
                self.note(message)
        self._shown.forget_revisions()
        self._finish()

    def _begin(self) -> None:  # noqa: B027  - most formats have nothing before their first item
        """Write what must precede the first item."""

    def _includes(self, transcript: TranscriptLine) -> bool:
        """Whether the output includes a transcript: finals that are not empty, unless a format differs."""
        return transcript.is_final and bool(transcript.text)

    @abc.abstractmethod
    def _put(self, transcript: TranscriptLine) -> None:
        """Write a transcript that the output includes."""

    def _finish(self) -> None:  # noqa: B027  - most formats end after their last item
        """Write what must follow the last item."""

    def _revise(self, transcript: TranscriptLine) -> None:
        """Take other speakers for a transcript that was written."""
        self._shown.revise(transcript)

    def _write(self, text: str) -> None:
        with self._lock:
            self._out.write(text)

    def _write_item(self, text: str) -> None:
        self._write(text)
        self.n_written += 1


class TextSink(FileSink):
    """Writes one final per line; with speakers, one line for each of them."""

    def _put(self, transcript: TranscriptLine) -> None:
        if self._speakers.is_on and transcript.is_labelled:
            rows = [f"{self._speakers.name(voice)}: {text}" for voice, text in transcript.runs()]
            self._write_item("".join(f"{row}\n" for row in rows))
        else:
            self._write_item(transcript.text + "\n")


class JsonSink(FileSink):
    """Writes one JSON object per line.

    Args:
        out: Pipe or file.
        err: Standard error.
        speakers: How the output shows who speaks.
        partials: Whether partials are written too.
    """

    ITEM = "event"

    def __init__(
        self, out: Output, err: TextIO, speakers: SpeakerDisplay = NO_SPEAKERS, *, partials: bool
    ) -> None:
        self._partials = partials
        super().__init__(out, err, speakers)

    def _includes(self, transcript: TranscriptLine) -> bool:
        return bool(transcript.text) and (transcript.is_final or self._partials)

    def _put(self, transcript: TranscriptLine) -> None:
        fields = transcript.json_fields()
        if self._speakers.is_on and transcript.is_final and transcript.is_labelled:
            fields["parts"] = [
                {"speaker": voice.label or None, "name": self._speakers.given_name(voice), "text": text}
                for voice, text in transcript.runs()
            ]
        self._write_event(json.dumps(fields))

    def _revise(self, transcript: TranscriptLine) -> None:
        if self._out.position() is None:  # a pipe: what was written stays
            self._put(transcript)
        else:
            super()._revise(transcript)

    def _write_event(self, event: str) -> None:
        self._write_item(event + "\n")


class JsonDocumentSink(JsonSink):
    """Writes one JSON array with one object per line.

    A file is a valid document after every event, also when the process is killed; a pipe at the end.
    """

    _END: ClassVar = "\n]\n"

    def _begin(self) -> None:
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
        self._end_at = self._out.position()  # of the end of the array; None: it is not written
        if self._end_at is not None:
            self._write(self._END)

    def _finish(self) -> None:
        if self._end_at is None:
            self._write(self._END)


class CaptionSink(FileSink):
    """Writes captions for video players; each one as soon as its end time is known.

    Args:
        out: Pipe or file.
        err: Standard error.
        format_: `Format.SRT` or `Format.VTT`.
        speakers: How cues show who speaks.
    """

    ITEM = "caption"

    def __init__(
        self, out: Output, err: TextIO, format_: Format, speakers: SpeakerDisplay = NO_SPEAKERS
    ) -> None:
        self._format = format_
        super().__init__(out, err, speakers)

    def _begin(self) -> None:
        from vivavoce.captions import Captioner, SpeakerMark, vtt_head

        mark = self._speakers.mark if self._speakers.is_on else SpeakerMark.NONE
        self._captioner = Captioner(speakers=mark, names=self._speakers.names)
        if self._format is Format.VTT:
            self._write(vtt_head())

    def _put(self, transcript: TranscriptLine) -> None:
        whole = Word(transcript.text, transcript.start_ms, transcript.end_ms, transcript.confidence)
        self._write_cues(self._captioner.add(transcript if transcript.words else (whole,)))

    def _finish(self) -> None:
        self._write_cues(self._captioner.finish())

    def _write_cues(self, cues: Iterable[Cue]) -> None:
        from vivavoce.captions import srt_block, vtt_block

        for cue in cues:
            if self._format is Format.SRT:
                self._write_item(srt_block(self.n_written + 1, cue))
            else:
                self._write_item(vtt_block(cue, voices=self._speakers.is_on))


class TerminalSink:
    """Shows partials on a live line and replaces them by finals.

    Args:
        live_line: The live line of the terminal.
        err: Standard error.
        idle: Returns the text of the live line while no one speaks.
        speakers: How finals show who speaks: by a name where the speaker changes.
    """

    def __init__(
        self,
        live_line: LiveLine,
        err: TextIO,
        idle: Callable[[], str] = str,
        speakers: SpeakerDisplay = NO_SPEAKERS,
    ) -> None:
        self._live_line = live_line
        self._err = err
        self._idle = idle
        self._speakers = speakers
        self._shown = ShownTranscripts(speakers)
        self._last: tuple[str | None, Voice] | None = None  # recording and voice of the last final
        self._lock = threading.Lock()

    def show(self, transcript: TranscriptLine) -> None:
        """Show a partial on the live line, or replace it by a final."""
        with self._lock:
            if transcript.is_revised:
                self._shown.revise(transcript)
            elif transcript.is_final and transcript.text:
                self._shown.add(transcript)
                for row in self._rows(transcript):
                    self._live_line.final(row)
            elif transcript.is_final:
                self._live_line.clear()
            elif transcript.text:
                self._live_line.partial(transcript.text)
            else:
                self._live_line.status(self._idle())

    def note(self, text: str) -> None:
        """Write a message to standard error, on its own line."""
        with self._lock:
            self._note(text)

    def close(self) -> None:
        """Clear the live line, and say whose speakers were revised."""
        with self._lock:
            self._live_line.clear()
            for message in self._shown.report():
                self._note(message)
            self._shown.forget_revisions()

    def _note(self, text: str) -> None:
        self._live_line.clear()
        say(self._live_line.wrap(text), self._err)

    def _rows(self, transcript: TranscriptLine) -> Iterator[str]:
        if not (self._speakers.is_on and transcript.is_labelled):
            yield transcript.text
            return
        for voice, text in transcript.runs():
            is_change = self._last != (transcript.file, voice)
            self._last = transcript.file, voice
            yield f"{self._speakers.name(voice)}: {text}" if is_change else text


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


def file_sink(
    out: Output,
    format_: Format,
    *,
    partials: bool = False,
    is_document: bool = False,
    speakers: SpeakerDisplay = NO_SPEAKERS,
) -> FileSink:
    """Create the sink that writes a format to a pipe or a file.

    Args:
        out: Pipe or file.
        format_: What to write.
        partials: Whether JSON includes partials.
        is_document: Whether JSON is one document instead of one object per line.
        speakers: How the output shows who speaks.
    """
    if format_ is Format.TEXT:
        return TextSink(out, sys.stderr, speakers)
    if format_ is Format.JSON:
        json_sink = JsonDocumentSink if is_document else JsonSink
        return json_sink(out, sys.stderr, speakers, partials=partials)
    return CaptionSink(out, sys.stderr, format_, speakers)


def standard_output_sink(
    format_: Format = Format.TEXT,
    *,
    out: GuardedOutput | None = None,
    partials: bool = False,
    idle: Callable[[], str] = str,
    speakers: SpeakerDisplay = NO_SPEAKERS,
) -> Sink:
    """Create the sink for standard output; text on a terminal gets a live line.

    Args:
        format_: What to write.
        out: Standard output; None: that of the process.
        partials: Whether JSON includes partials.
        idle: Returns what a terminal shows while no one speaks.
        speakers: How the output shows who speaks.
    """
    out = out or GuardedOutput(sys.stdout, "standard output", raises_broken_pipe=True)
    if format_ is not Format.TEXT or not sys.stdout.isatty():
        return file_sink(out, format_, partials=partials, speakers=speakers)
    live_line = LiveLine(out.write, terminal_width, escapes=has_escapes(), dim=uses_colour())
    return TerminalSink(live_line, sys.stderr, idle, speakers)
