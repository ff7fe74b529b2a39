"""The outputs that the options of a command ask for: standard output, files, or a folder."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from vivavoce.cli.options import Format
from vivavoce.cli.sinks import FileSink, Sink, TeeSink, file_sink, standard_output_sink
from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable, Sequence

__all__ = ["Outputs", "choose_format", "written_message"]

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


def choose_format(format_: Format | None, output: str | None, *, json: bool) -> Format:
    """Return the format that options ask for: ``--json``, ``--format``, or the suffix of the output.

    Raises:
        ConfigurationError: ``--json`` and ``--format`` contradict each other.
    """
    if json and format_ not in {None, Format.JSON}:
        raise ConfigurationError(f"--json and --format {format_} contradict each other; give one of them")
    if json:
        return Format.JSON
    if format_ is not None:
        return format_
    suffix = Path(output).suffix.lower() if output is not None else ""
    return _FORMAT_OF_SUFFIX.get(suffix, Format.TEXT)


def written_message(path: Path, count: int, item: str) -> str:
    """Return the message for a finished file."""
    return f"{path}: {count or 'no'} {item}{'' if count == 1 else 's'} written."


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


class Outputs:
    """Opens the sinks that the options of a command ask for.

    Args:
        format_: Format of the main output.
        output: File or folder of the main output; None: standard output. A path that ends with a
            slash is a folder, which is created if it does not exist.
        extra: Further files, by format.
        partials: Whether JSON includes partials.
    """

    def __init__(
        self, format_: Format, output: str | None, extra: dict[Format, Path | None], *, partials: bool
    ) -> None:
        self._format = format_
        self._output = Path(output) if output is not None else None
        self._is_folder = output is not None and (output.endswith(("/", os.sep)) or Path(output).is_dir())
        self._extra = {kind: path for kind, path in extra.items() if path is not None}
        self._partials = partials

    @classmethod
    def from_options(
        cls,
        format_: Format | None,
        output: str | None,
        *,
        srt: Path | None,
        vtt: Path | None,
        json: bool,
        partials: bool,
    ) -> Self:
        """Create the outputs from the options of a command.

        Raises:
            ConfigurationError: Options contradict each other.
        """
        chosen = choose_format(format_, output, json=json)
        if partials and chosen is not Format.JSON:
            raise ConfigurationError("--partials needs --json: other formats contain finals only")
        return cls(chosen, output, {Format.SRT: srt, Format.VTT: vtt}, partials=partials)

    @property
    def is_hidden(self) -> bool:
        """Whether all transcripts go to files, so that the terminal shows no progress."""
        if self._output is not None:
            return True
        try:
            return stat.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode)
        except (OSError, ValueError):  # a program replaced standard output by an object without a file
            return False

    def check(self, files: Sequence[str]) -> None:
        """Check that the outputs can hold the transcripts of these recordings.

        Raises:
            ConfigurationError: An output for one recording is asked for several, or two recordings
                would be written to the same file.
        """
        if len(files) < 2:  # noqa: PLR2004 - every output can hold one recording
            return
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

    def open(
        self,
        stack: contextlib.ExitStack,
        source: str,
        *,
        append: bool = False,
        idle: Callable[[], str] = str,
    ) -> Sink:
        """Open the sink for one recording.

        Args:
            stack: Closes the sink and its files.
            source: Name of the recording.
            append: Whether a previous recording was written to the same file.
            idle: Returns what a terminal shows while no one speaks.

        Raises:
            ConfigurationError: A file can't be written.
        """
        # The stack closes the main output, opened last, first: its message comes before the others.
        extra = [self._open_file(stack, path, kind) for kind, path in self._extra.items()]
        main: Sink
        if self._output is None:
            main = standard_output_sink(self._format, partials=self._partials, idle=idle)
        elif self._is_folder:
            main = self._open_file(stack, self._path_in_folder(self._output, source), self._format)
        else:
            main = self._open_file(stack, self._output, self._format, append=append)
        sink = TeeSink([main, *extra]) if extra else main
        stack.callback(sink.close)
        return sink

    def _path_in_folder(self, folder: Path, source: str) -> Path:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"{folder}: {_reason(error)}") from None
        name = "stdin" if source == "-" else Path(source).stem
        return folder / f"{name}{_SUFFIX_OF_FORMAT[self._format]}"

    def _open_file(
        self, stack: contextlib.ExitStack, path: Path, format_: Format, *, append: bool = False
    ) -> FileSink:
        try:
            out = stack.enter_context(path.open("a" if append else "w", encoding="utf-8", newline="\n"))
        except OSError as error:
            raise ConfigurationError(f"{path}: {_reason(error)}") from None
        sink = file_sink(out, format_, partials=self._partials)
        stack.callback(lambda: sink.note(written_message(path, sink.n_written, sink.ITEM)))
        return sink
