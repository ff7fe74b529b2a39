"""What a run leaves behind: text, events or captions, on standard output or in files."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from vivavoce.cli.options import Format
from vivavoce.cli.sinks import JsonSink, PipeSink, Sink, open_sink
from vivavoce.errors import ConfigurationError
from vivavoce.types import Word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from vivavoce.captions import Cue
    from vivavoce.cli.transcript_line import TranscriptLine

__all__ = ["CueSink", "Outputs", "Tee", "chosen_format", "wrote"]


_ENDINGS = {".txt": Format.TEXT, ".json": Format.JSON, ".ndjson": Format.JSON, ".jsonl": Format.JSON}
_ENDINGS |= {".srt": Format.SRT, ".vtt": Format.VTT}
_ENDING_OF = {Format.TEXT: ".txt", Format.JSON: ".ndjson", Format.SRT: ".srt", Format.VTT: ".vtt"}


def chosen_format(wanted: Format | None, output: str | None, *, json: bool) -> Format:
    """The format that options ask for: by name, by ``--json``, or by the ending of the output file.

    Raises:
        ConfigurationError: They contradict each other.
    """
    if json and wanted not in {None, Format.JSON}:
        raise ConfigurationError(f"--json and --format {wanted} contradict each other")
    if json:
        return Format.JSON
    if wanted is not None:
        return wanted
    return _ENDINGS.get(Path(output).suffix.lower(), Format.TEXT) if output is not None else Format.TEXT


def wrote(path: Path, count: int, unit: str) -> str:
    """What is said of a finished file."""
    return f"{path}: {count or 'no'} {unit}{'' if count == 1 else 's'} written."


class CueSink(PipeSink):
    """Captions with times, for players; each is written once it is known how long it may stay.

    Args:
        out: Where they go.
        talk: Standard error.
        kind: `Format.SRT` or `Format.VTT`.
    """

    UNIT = "caption"

    def __init__(self, out: TextIO, talk: TextIO, kind: Format) -> None:
        from vivavoce.captions import Captioner, vtt_head

        super().__init__(out, talk)
        self._kind = kind
        self._captioner = Captioner()
        if kind is Format.VTT:
            self._write(vtt_head())

    def show(self, caption: TranscriptLine) -> None:
        """Take a finished utterance."""
        if caption.is_final and caption.text:
            whole = Word(caption.text, caption.start_ms, caption.end_ms, caption.confidence)
            self._put(self._captioner.add(caption.words or (whole,)))

    def close(self) -> None:
        """Write the last caption."""
        self._put(self._captioner.finish())

    def _put(self, cues: Iterable[Cue]) -> None:
        from vivavoce.captions import srt_block, vtt_block

        for cue in cues:
            self.written += 1
            self._write(srt_block(self.written, cue) if self._kind is Format.SRT else vtt_block(cue))


class Tee:
    """Shows every caption in several places; what is said goes to the first."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = sinks

    def show(self, caption: TranscriptLine) -> None:
        """Show a caption everywhere."""
        for sink in self._sinks:
            sink.show(caption)

    def note(self, text: str) -> None:
        """Say something that is no transcript."""
        self._sinks[0].note(text)

    def close(self) -> None:
        """Close all, whatever becomes of one."""
        with contextlib.ExitStack() as stack:
            for sink in self._sinks:
                stack.callback(sink.close)


class Outputs:
    """Opens the sinks that options ask for.

    Args:
        kind: Of the main output.
        output: File or folder of the main output; None: standard output. What ends like a folder is made
            if there is none.
        extra: More files to write beside it, by their format.
        partials: Whether events of unfinished utterances are wanted.
    """

    def __init__(
        self, kind: Format, output: str | None, extra: dict[Format, Path | None], *, partials: bool
    ) -> None:
        self._kind = kind
        self._output = Path(output) if output is not None else None
        self._is_folder = output is not None and (output.endswith(("/", os.sep)) or Path(output).is_dir())
        self._extra = {kind: path for kind, path in extra.items() if path is not None}
        self._partials = partials

    @property
    def is_out_of_sight(self) -> bool:
        """Whether all goes into files, so that nothing on the terminal says how far it is."""
        if self._output is not None:
            return True
        try:
            return stat.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode)
        except (OSError, ValueError):  # a program put something else in its place
            return False

    def check(self, files: Sequence[str]) -> None:
        """Refuse what can't be written for so many recordings.

        Raises:
            ConfigurationError: Several recordings, and captions or files for one.
        """
        if len(files) < 2:  # noqa: PLR2004 - one recording goes anywhere
            return
        if self._extra:
            raise ConfigurationError(
                "--srt and --vtt take one recording; for several: --format and -o FOLDER"
            )
        if self._kind in {Format.SRT, Format.VTT} and not self._is_folder:
            raise ConfigurationError(
                f"captions of several recordings need a folder: --format {self._kind} -o FOLDER"
            )
        stems = [Path(file).stem for file in files]
        twice = next((stem for stem in stems if stems.count(stem) > 1), None)
        if self._is_folder and twice is not None:
            raise ConfigurationError(f"two recordings are called {twice}; give them one by one")

    def open(
        self,
        stack: contextlib.ExitStack,
        source: str,
        *,
        more: bool = False,
        idle: Callable[[], str] = str,
    ) -> Sink:
        """Open the sink for one recording; the stack closes it.

        Args:
            stack: Closes it.
            source: Name of the recording.
            more: Whether another one was written to the same file before.
            idle: What a terminal shows while nobody speaks.

        Raises:
            ConfigurationError: A file can't be written.
        """
        sinks: list[Sink] = []
        if self._output is None and self._kind in {Format.TEXT, Format.JSON}:
            is_json = self._kind is Format.JSON
            sinks.append(open_sink(json=is_json, partials=self._partials, idle=idle))
        elif self._output is None:
            sinks.append(CueSink(sys.stdout, sys.stderr, self._kind))
        else:
            path = self._output
            if self._is_folder:
                self._make(path)
                name = "stdin" if source == "-" else Path(source).stem
                path, more = path / f"{name}{_ENDING_OF[self._kind]}", False
            sinks.append(self._file(stack, path, self._kind, more=more))
        sinks += [self._file(stack, path, kind) for kind, path in self._extra.items()]
        sink = sinks[0] if len(sinks) == 1 else Tee(sinks)
        stack.callback(sink.close)
        return sink

    @staticmethod
    def _make(folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"{folder}: {(error.strerror or str(error)).lower()}") from None

    def _file(self, stack: contextlib.ExitStack, path: Path, kind: Format, *, more: bool = False) -> Sink:
        try:
            out = stack.enter_context(path.open("a" if more else "w", encoding="utf-8", newline="\n"))
        except OSError as error:
            raise ConfigurationError(f"{path}: {(error.strerror or str(error)).lower()}") from None
        if kind is Format.TEXT:
            sink = PipeSink(out, sys.stderr)
        elif kind is Format.JSON:
            sink = JsonSink(out, sys.stderr, partials=self._partials)
        else:
            sink = CueSink(out, sys.stderr, kind)
        stack.callback(lambda: sink.note(wrote(path, sink.written, sink.UNIT)))
        return sink
