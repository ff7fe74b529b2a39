"""Prints the transcripts of a session as its messages come."""

from __future__ import annotations

import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any, Final, Protocol, TextIO, TypeAlias

from vivavoce.printing.cells import printable
from vivavoce.printing.live_line import LiveLine
from vivavoce.printing.terminal import has_escapes, is_notebook, is_terminal, terminal_width, uses_colour
from vivavoce.protocol.speaker_runs import NO_VOICE, runs_by_voice
from vivavoce.self_closing import SelfClosing
from vivavoce.word_joining import join_words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vivavoce.protocol.speaker_runs import Voice

__all__ = ["TranscriptPrinter"]

_V2_FINAL: Final = "FinalTranscript"
_V2_PARTIAL: Final = "PartialTranscript"
_UNKNOWN: Final = "?"  # in place of the name of a speaker who is not known

_Turn: TypeAlias = tuple[Any, int]  # channel and number


class _Lines(Protocol):
    def partial(self, text: str) -> None: ...
    def final(self, text: str) -> None: ...
    def hold(self, text: str) -> None: ...
    def commit(self) -> None: ...
    def note(self, text: str) -> None: ...
    def close(self) -> None: ...

    @property
    def is_holding(self) -> bool: ...


class _FinalsOnly:
    """The lines of a pipe or a file."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._held = ""  # a final that another version of itself may replace

    @property
    def is_holding(self) -> bool:
        return bool(self._held)

    def partial(self, text: str) -> None:
        if text:
            self.commit()

    def final(self, text: str) -> None:
        self._held = ""
        self._write(text + "\n")

    def hold(self, text: str) -> None:
        self._held = text

    def commit(self) -> None:
        if self._held:
            self.final(self._held)

    def note(self, text: str) -> None:
        self.commit()
        self._write(text + "\n")

    def close(self) -> None:
        self.commit()


class TranscriptPrinter(SelfClosing):
    """Prints live transcripts: a partial on one line that the next one replaces, a final on lines that stay.

    A partial longer than the line shows its last words, so it never scrolls the terminal; words that the
    partial before did not have are dimmed. In a notebook a partial may be longer. A pipe or a file gets the
    finals, one a line.

    Works with the transcripts of Realtime v2 and the turns of v3, whether they come from this package or from
    the vendor's, and from any thread. A turn that ends twice, first without formatting, is printed once.
    Where finals have speaker labels, a name or letter stands before the text at each change of speaker.

    As a context manager, it is closed at the end of its block.

    Args:
        out: Where to print; standard output if None.
        names: Names of the speakers, by label: ``A``, or ``1A`` and ``2A`` in a session of two channels. A
            label without a name stands for itself.
    """

    def __init__(self, out: TextIO | None = None, *, names: Mapping[str, str] | None = None) -> None:
        out = out or sys.stdout
        write = _writer(out)
        self._lock = threading.Lock()
        self._lines: _Lines
        if is_terminal(out):
            self._lines = LiveLine(
                write, lambda: terminal_width(out), escapes=has_escapes(), dim=uses_colour(out)
            )
        elif is_notebook(out):
            self._lines = LiveLine(write, lambda: None, escapes=False)  # its page wraps lines
        else:
            self._lines = _FinalsOnly(write)
        # Whether an end without formatting waits for its other version. A terminal shows it meanwhile; a pipe
        # waits once it is known that the other versions come.
        self._ends_twice = isinstance(self._lines, LiveLine)
        self._unformatted: _Turn | None = None  # the last turn, if it ended without formatting
        self._names = dict(names or {})
        self._last_voice: Voice | None = None  # of the last final; None: it has no label
        self._finalizer = weakref.finalize(self, self._lines.close)  # also when the program ends

    def show(self, event: object) -> None:
        """Print a transcript; events of other kinds are ignored.

        Args:
            event: A transcript of Realtime v2 or a turn of v3.
        """
        kind = getattr(event, "message_type", None)
        with self._lock:
            if getattr(event, "end_of_turn", None) is not None:
                self._show_turn(event)
            elif kind == _V2_FINAL:
                self._show_final(event, str(getattr(event, "text", "")))
            elif kind == _V2_PARTIAL:
                self._show_partial(str(getattr(event, "text", "")))

    def note(self, text: str) -> None:
        """Print a line that is no transcript."""
        with self._lock:
            self._lines.note(text)

    def close(self) -> None:
        """Erase a partial that no final followed. Also happens when the program ends."""
        with self._lock:
            self._lines.close()

    def _show_partial(self, text: str) -> None:
        self._lines.partial(printable(text))

    def _show_final(self, event: Any, text: str) -> None:
        for row in self._rows(event, text):
            if row:
                self._lines.final(row)
            else:
                self._lines.partial("")

    def _rows(self, event: Any, text: str) -> list[str]:
        """The lines of a final: the text, or what each speaker says, with the name at a change."""
        if getattr(event, "speaker_label", None) is None or not text:
            self._last_voice = None if text else self._last_voice
            return [printable(text)]
        runs = runs_by_voice(event)
        said = [(voice, join_words(word.text for word in words)) for voice, words in runs]
        rows = []
        for voice, part in said if len(said) > 1 else [(runs[0][0] if runs else NO_VOICE, text)]:
            name = self._names.get(voice.label, voice.label) or _UNKNOWN
            rows.append(printable(part if voice == self._last_voice else f"{name}: {part}"))
            self._last_voice = voice
        return rows

    def _show_turn(self, turn: Any) -> None:
        number: _Turn = (getattr(turn, "channel", None), turn.turn_order)
        if not turn.end_of_turn:
            if number == self._unformatted:  # of another session
                self._unformatted = None
            words = join_words(word.text for word in turn.words or ())
            self._show_partial(words or turn.transcript)
            return
        is_formatted = bool(getattr(turn, "turn_is_formatted", False))
        is_other_version = is_formatted and number == self._unformatted
        self._unformatted = None if is_formatted else number
        if is_other_version and not self._lines.is_holding:
            self._ends_twice = True  # this one is printed already
            return
        if not is_other_version:
            self._lines.commit()
        if is_formatted or not self._ends_twice:
            self._show_final(turn, turn.transcript)
        else:
            self._lines.hold(" ".join(self._rows(turn, turn.transcript)))


def _writer(out: TextIO) -> Callable[[str], None]:
    def write(text: str) -> None:
        if getattr(out, "closed", False):  # the program is over
            return
        try:
            out.write(text)
        except UnicodeEncodeError:
            encoding = getattr(out, "encoding", None) or "ascii"
            out.write(text.encode(encoding, "replace").decode(encoding))
        out.flush()

    return write
