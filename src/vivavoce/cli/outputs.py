"""The outputs that the options of a command ask for: standard output, files, or a folder."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, TextIO

from vivavoce.cli.destinations import (
    Place,
    check_distinct,
    check_writable,
    refuse_other_than_text,
    refuse_other_than_wav,
)
from vivavoce.cli.guarded import GuardedOutput, opening_problem
from vivavoce.cli.options import Format
from vivavoce.cli.sinks import Sink, TeeSink, file_sink, standard_output_sink
from vivavoce.cli.speaker_display import NO_SPEAKERS
from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

    from vivavoce.cli.speaker_display import SpeakerDisplay

__all__ = ["STANDARD_STREAM", "Outputs", "choose_format", "written_message"]

STANDARD_STREAM: Final = "-"
"""What stands for standard input or standard output instead of a path."""

_FORMAT_OF_SUFFIX: Final = {
    ".txt": Format.TEXT,
    ".json": Format.JSON,
    ".ndjson": Format.JSON,
    ".jsonl": Format.JSON,
    ".srt": Format.SRT,
    ".vtt": Format.VTT,
}
_SUFFIX_OF_FORMAT: Final = {
    Format.TEXT: ".txt",
    Format.JSON: ".ndjson",
    Format.SRT: ".srt",
    Format.VTT: ".vtt",
}
_DOCUMENT_SUFFIX: Final = ".json"


def choose_format(format_: Format | None, output: str | None, *, json: bool) -> Format:
    """Return the format that options ask for: ``--json``, ``--format``, or the suffix of the output.

    Args:
        format_: Value of ``--format``.
        output: File of the main output; None: standard output or a folder.
        json: Whether ``--json`` is given.

    Raises:
        ConfigurationError: Options contradict each other, or the suffix is unknown.
    """
    if json and format_ not in {None, Format.JSON}:
        raise ConfigurationError(f"--json and --format {format_} contradict each other; give one of them")
    asked = Format.JSON if json else format_
    suffix = Path(output).suffix.lower() if output is not None else ""
    implied = _FORMAT_OF_SUFFIX.get(suffix)
    if asked is None and suffix and implied is None:
        raise ConfigurationError(
            f"the suffix of {output} must be one of {', '.join(_FORMAT_OF_SUFFIX)}, got {suffix}; "
            "for another suffix, give --format"
        )
    if asked is not None and implied not in {None, asked}:
        raise ConfigurationError(
            f"{'--json' if json else f'--format {asked}'} and -o {output} contradict each other; "
            "change the suffix or the format"
        )
    return asked or implied or Format.TEXT


def written_message(path: Path, count: int, item: str) -> str:
    """Return the message for a finished file."""
    return f"{path}: {count or 'no'} {item}{'' if count == 1 else 's'} written."


def _is_folder(output: str) -> bool:
    return output.endswith(("/", os.sep)) or Path(output).is_dir()


def _open_untouched(path: Path) -> TextIO:
    """Open a file for writing, but keep what it holds."""
    return open(path, "w", encoding="utf-8", newline="\n", opener=_without_truncation)


def _without_truncation(path: str, flags: int) -> int:
    return os.open(path, flags & ~os.O_TRUNC, 0o666)


class Outputs:
    """Opens the sinks that the options of a command ask for, and closes them at the end of its block.

    Recordings that go to standard output, or to one file, share a sink; each folder and each further file
    gets a sink per recording.

    Args:
        format_: Format of the main output.
        output: File or folder of the main output; None: standard output. A path that ends with a
            slash is a folder, which is created if it does not exist.
        extra: Further files, by format.
        partials: Whether JSON includes partials.
        speakers: How all of them show who speaks.
    """

    def __init__(
        self,
        format_: Format,
        output: str | None,
        extra: dict[Format, Path | None],
        *,
        partials: bool,
        speakers: SpeakerDisplay = NO_SPEAKERS,
    ) -> None:
        self._format = format_
        self._output = Path(output) if output not in {None, STANDARD_STREAM} else None
        self._is_folder = self._output is not None and _is_folder(str(output))
        self._extra = {kind: path for kind, path in extra.items() if path is not None}
        self._partials = partials
        self._speakers = speakers
        self._shared: Sink | None = None  # of all recordings; None until the first is open
        self._shared_stack = contextlib.ExitStack()  # closes the shared sink
        self._files: list[GuardedOutput] = []  # whose failure loses transcripts
        self._sinks: list[Sink] = []  # that are open

    @classmethod
    def from_options(
        cls,
        format_: Format | None,
        output: str | None,
        speakers: SpeakerDisplay = NO_SPEAKERS,
        *,
        srt: Path | None,
        vtt: Path | None,
        json: bool,
        partials: bool,
    ) -> Self:
        """Create the outputs from the options of a command.

        Raises:
            ConfigurationError: Options contradict each other, or a value is invalid.
        """
        if output == "":
            raise ConfigurationError("-o must be a path or -, got an empty text")
        is_file = output not in {None, STANDARD_STREAM} and not _is_folder(str(output))
        chosen = choose_format(format_, output if is_file else None, json=json)
        if partials and chosen is not Format.JSON:
            raise ConfigurationError("--partials needs --json: other formats contain finals only")
        extra = {Format.SRT: srt, Format.VTT: vtt}
        return cls(chosen, output, extra, partials=partials, speakers=speakers)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._shared_stack.close()

    def release(self) -> None:
        """Let transcripts replace what the files held before; called when the session is open."""
        for file in self._files:
            file.release()

    def finish_sinks(self) -> None:
        """Write what the open sinks still hold, such as the last caption, before the process is ended."""
        for sink in list(self._sinks):
            sink.close()

    @property
    def is_hidden(self) -> bool:
        """Whether all transcripts go to files, so that the terminal shows no progress."""
        if self._output is not None:
            return True
        try:
            return stat.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode)
        except (OSError, ValueError):  # a program replaced standard output by an object without a file
            return False

    @property
    def includes_partials(self) -> bool:
        """Whether partials are written."""
        return self._partials

    @property
    def failed(self) -> bool:
        """Whether an output lost transcripts."""
        return any(file.failed for file in self._files)

    def check(self, files: Sequence[str], *, save: Path | None = None) -> None:
        """Check that the outputs can hold the transcripts of these recordings and overwrite none of them.

        Args:
            files: The recordings; ``-`` is standard input.
            save: The file that will hold recorded audio.

        Raises:
            ConfigurationError: An output for one recording is asked for several, two outputs are the same
                file, or an output is a recording.
        """
        if len(files) > 1:
            self._check_several(files)
        inputs = [
            Place.of_stream(sys.stdin, "standard input") if file == STANDARD_STREAM else Place.of_path(file)
            for file in files
        ]
        paths = list(self._paths(files))
        places = [Place.of_path(path) for path in paths]
        if save is not None:
            if str(save) == STANDARD_STREAM:
                raise ConfigurationError("--save must be a file: standard output carries the transcripts")
            places.append(Place.of_path(save))
        if self._output is None or STANDARD_STREAM in map(str, self._extra.values()):
            places.append(Place.of_stream(sys.stdout, "standard output"))
        check_distinct(inputs, places)
        for path in paths:
            refuse_other_than_text(path)
        if save is not None:
            refuse_other_than_wav(save)

    def check_writable(self, files: Sequence[str], *, save: Path | None = None) -> None:
        """Check that every file can be opened; none of them changes, and none is left behind.

        Args:
            files: The recordings, for which `check` has found nothing wrong.
            save: The file that will hold recorded audio.

        Raises:
            ConfigurationError: A file or a folder can't be written.
        """
        for path in self._paths(files):
            check_writable(path, makes_folder=self._is_folder and path.parent == self._output)
        if save is not None:
            check_writable(save)

    def _check_several(self, files: Sequence[str]) -> None:
        if self._extra:
            raise ConfigurationError(
                "--srt and --vtt take one recording; for several, give --format and -o FOLDER/"
            )
        if self._format in {Format.SRT, Format.VTT} and not self._is_folder:
            raise ConfigurationError(
                f"captions of several recordings need a folder; give --format {self._format} -o FOLDER/"
            )
        stems = [Path(file).stem for file in files]
        twice = next((stem for stem in stems if stems.count(stem) > 1), None)
        if self._is_folder and twice is not None:
            raise ConfigurationError(
                f"two recordings are named {twice} and would overwrite each other; transcribe them one by one"
            )

    def _paths(self, files: Sequence[str]) -> Iterator[Path]:
        """Yield every file that the transcripts of these recordings are written to."""
        on_stdout = [self._output is None, *(str(path) == STANDARD_STREAM for path in self._extra.values())]
        if sum(on_stdout) > 1:
            raise ConfigurationError("only one output can go to standard output; name a file for the others")
        yield from (path for path in self._extra.values() if str(path) != STANDARD_STREAM)
        if self._output is not None and self._is_folder:
            yield from (self._path_in_folder(self._output, file) for file in files)
        elif self._output is not None:
            yield self._output

    def open(self, stack: contextlib.ExitStack, source: str, *, idle: Callable[[], str] = str) -> Sink:
        """Open the sink for one recording.

        Args:
            stack: Closes what belongs to this recording only.
            source: Name of the recording.
            idle: Returns what a terminal shows while no one speaks.

        Raises:
            ConfigurationError: A file can't be written.
        """
        extra = [self._open_file(stack, path, kind) for kind, path in self._extra.items()]
        main = self._open_main(stack, source, idle)
        return TeeSink([main, *extra]) if extra else main

    def _open_main(self, stack: contextlib.ExitStack, source: str, idle: Callable[[], str]) -> Sink:
        if self._output is not None and self._is_folder:
            self._make_folder(self._output)
            return self._open_file(stack, self._path_in_folder(self._output, source), self._format)
        if self._shared is None:
            if self._output is None:
                self._shared = self._open_stdout(self._shared_stack, self._format, idle)
            else:
                self._shared = self._open_file(self._shared_stack, self._output, self._format)
        return self._shared

    def _path_in_folder(self, folder: Path, source: str) -> Path:
        name = "stdin" if source == STANDARD_STREAM else Path(source).stem
        return folder / f"{name}{_SUFFIX_OF_FORMAT[self._format]}"

    @staticmethod
    def _make_folder(folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(opening_problem(folder, error)) from None

    def _open_stdout(
        self, stack: contextlib.ExitStack, format_: Format, idle: Callable[[], str] = str
    ) -> Sink:
        guarded = GuardedOutput(sys.stdout, "standard output", raises_broken_pipe=True)
        if not sys.stdout.isatty():  # a terminal that was closed has no reader who misses the rest
            self._files.append(guarded)
        sink = standard_output_sink(
            format_, out=guarded, partials=self._partials, idle=idle, speakers=self._speakers
        )
        self._sinks.append(sink)
        stack.callback(sink.close)
        return sink

    def _open_file(self, stack: contextlib.ExitStack, path: Path, format_: Format) -> Sink:
        if str(path) == STANDARD_STREAM:
            return self._open_stdout(stack, format_)
        existed = path.exists()
        try:
            out = stack.enter_context(_open_untouched(path))
        except OSError as error:
            raise ConfigurationError(opening_problem(path, error)) from None
        guarded = GuardedOutput(out, str(path), is_held=True)
        self._files.append(guarded)
        is_document = path.suffix.lower() == _DOCUMENT_SUFFIX
        sink = file_sink(
            guarded,
            format_,
            partials=self._partials,
            is_document=is_document,
            speakers=self._speakers,
        )

        def finish() -> None:
            self._sinks.remove(sink)
            sink.close()
            if guarded.is_held and not existed:
                path.unlink(missing_ok=True)
            elif not guarded.is_held and not guarded.failed:
                sink.note(written_message(path, sink.n_written, sink.ITEM))

        self._sinks.append(sink)
        stack.callback(finish)
        return sink
