"""``vivavoce stream``."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vivavoce.cli.options import (
    ApiKey,
    Format,
    FormatOption,
    Json,
    Output,
    Partials,
    SampleRate,
    Srt,
    Url,
    Vtt,
    check_output,
)
from vivavoce.errors import AudioError, ConfigurationError
from vivavoce.types import Encoding

if TYPE_CHECKING:
    from vivavoce.cli.interrupt import Interrupt
    from vivavoce.cli.outputs import Outputs
    from vivavoce.cli.server_choice import ChosenServer
    from vivavoce.cli.sinks import Sink
    from vivavoce.recordings.sound import Sound

__all__ = ["stream"]

_STDIN = "-"


def _open(
    stack: contextlib.ExitStack, file: str, sample_rate: int, encoding: Encoding, interrupt: Interrupt
) -> Sound:
    from vivavoce.recordings import sources

    if file != _STDIN:
        return stack.enter_context(sources.from_file(Path(file)))
    read = sources.interruptible_reader(sys.stdin.fileno(), lambda: interrupt.requested)
    return sources.from_reader(read, sample_rate=sample_rate, encoding=encoding)


def _say_what_is_mixed(sound: Sound, sink: Sink) -> None:
    if sound.channels > 1:
        sink.note(f"{sound.channels} channels are mixed into one.")


def _run(
    file: str,
    outputs: Outputs,
    target: ChosenServer,
    interrupt: Interrupt,
    options: _Options,
    *,
    nth: int,
    of: int,
) -> None:
    """Transcribe one recording."""
    from vivavoce.cli.live_session import run_session
    from vivavoce.cli.progress import counted, progress_bar
    from vivavoce.recordings.pacing import MAX_LEAD_S, paced

    with contextlib.ExitStack() as stack:
        sound = _open(stack, file, options.sample_rate, options.encoding, interrupt)
        sink = outputs.open(stack, file, more=nth > 0)
        if of > 1:
            sink.note(f"{file}:")
        _say_what_is_mixed(sound, sink)
        chunks = sound.chunks
        if file != _STDIN and (options.realtime or target.local is None):
            lead_s = 0.0 if options.realtime else MAX_LEAD_S
            chunks = paced(chunks, sound.bytes_per_second, wait=interrupt.wait, lead_s=lead_s)
        if file != _STDIN and outputs.is_out_of_sight:
            advance = stack.enter_context(progress_bar(Path(file).name, sound.duration_s))
            chunks = counted(chunks, lambda n_bytes: advance(n_bytes / sound.bytes_per_second))
        run_session(
            chunks,
            sample_rate=sound.sample_rate,
            encoding=sound.encoding,
            show=sink.show,
            interrupt=interrupt,
            ends_itself=file == _STDIN,
        )


@dataclass(frozen=True, slots=True)
class _Options:
    sample_rate: int
    encoding: Encoding
    realtime: bool


def stream(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE|-", help="Recordings, or - for standard input.")
    ],
    *,
    output: Output = None,
    format_: FormatOption = None,
    srt: Srt = None,
    vtt: Vtt = None,
    realtime: Annotated[
        bool,
        typer.Option("--realtime", help="Send a file at the speed of speech."),
    ] = False,
    sample_rate: SampleRate = 16_000,
    encoding: Annotated[
        Encoding, typer.Option(help="Of raw samples from standard input, like --sample-rate.")
    ] = Encoding.PCM_S16LE,
    json: Json = False,
    partials: Partials = False,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Transcribe recordings, or sound from a pipe.

    \b
    Examples:
      vivavoce stream meeting.wav
      vivavoce stream film.mkv -o film.srt
      vivavoce stream talk.mp3 --vtt talk.vtt > talk.txt
      vivavoce stream *.ogg --format srt -o captions/
      vivavoce stream interview.mp3 --json > interview.ndjson
      arecord -q -f S16_LE -r 16000 -c 1 -t raw | vivavoce stream -
      ffmpeg -i talk.mkv -f s16le -ac 1 -ar 16000 - | vivavoce stream -

    WAV is read as it is; other files need: pip install "vivavoce[audio]". A file goes to a server inside
    this process as fast as it is heard, to a configured one at most 20 s ahead of the clock, which is
    what the protocol allows. Standard input carries raw mono samples or a WAV stream.

    Of several recordings one that can't be read is skipped, and the exit code is 1. Ctrl-C ends the sound,
    shows the last utterance and exits within two seconds: with 0 for standard input, with 130 for a file,
    which was not heard to its end. A second Ctrl-C stops at once.
    """  # noqa: D301  - click keeps what follows \b as it is
    from vivavoce.cli.outputs import Outputs, chosen_format

    kind = chosen_format(format_, output, json=json)
    check_output(json=kind is Format.JSON, partials=partials)
    outputs = Outputs(kind, output, {Format.SRT: srt, Format.VTT: vtt}, partials=partials)
    outputs.check(files)
    if _STDIN in files:
        _check_stdin(files)
    from vivavoce.cli.interrupt import Interrupt
    from vivavoce.cli.server_choice import choose_server

    failed = False
    with contextlib.ExitStack() as stack:
        interrupt = stack.enter_context(Interrupt(live=_STDIN in files))
        target: ChosenServer | None = None
        for nth, file in enumerate(files):
            if interrupt.requested:
                break
            try:
                if target is None:
                    _check_readable(file)
                    target = stack.enter_context(choose_server(url, api_key))
                options = _Options(sample_rate, encoding, realtime)
                _run(file, outputs, target, interrupt, options, nth=nth, of=len(files))
            except AudioError as error:
                if len(files) == 1:
                    raise
                print(f"vivavoce: {error}", file=sys.stderr)
                failed = True
    raise typer.Exit(interrupt.exit_code or int(failed))


def _check_stdin(files: list[str]) -> None:
    if len(files) > 1:
        raise ConfigurationError("- for standard input stands alone, without other recordings")
    if sys.stdin.isatty():
        raise ConfigurationError(
            "standard input is a terminal; pipe sound into it (see stream --help), or use vivavoce mic"
        )


def _check_readable(file: str) -> None:
    """Open a file once before a server is started for it: a wrong name needs no model."""
    if file != _STDIN:
        from vivavoce.recordings import sources

        with sources.from_file(Path(file)):
            pass
