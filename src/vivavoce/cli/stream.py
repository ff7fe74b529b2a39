"""``vivavoce stream``."""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vivavoce.cli.options import ApiKey, Json, Partials, SampleRate, Url, check_output
from vivavoce.errors import ConfigurationError
from vivavoce.types import Encoding

if TYPE_CHECKING:
    from vivavoce.cli.interrupt import Interrupt
    from vivavoce.cli.sinks import Sink
    from vivavoce.cli.sources import Sound

__all__ = ["MAX_LEAD_S", "stream"]

_STDIN = "-"
# The protocol closes a session whose audio runs a minute ahead of the clock.
MAX_LEAD_S = 20.0


def _open(
    stack: contextlib.ExitStack, file: str, sample_rate: int, encoding: Encoding, interrupt: Interrupt
) -> Sound:
    from vivavoce.cli import sources

    if file != _STDIN:
        return stack.enter_context(sources.from_file(Path(file)))
    read = sources.interruptible_reader(sys.stdin.fileno(), lambda: interrupt.requested)
    return sources.from_reader(read, sample_rate=sample_rate, encoding=encoding)


def _say_what_is_mixed(sound: Sound, sink: Sink) -> None:
    if sound.channels > 1:
        sink.note(f"{sound.channels} channels are mixed into one.")


def stream(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="A recording, or - for standard input.")],
    *,
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
    """Transcribe a recording, or sound from a pipe.

    \b
    Examples:
      vivavoce stream meeting.wav
      vivavoce stream interview.mp3 --json > interview.ndjson
      vivavoce stream meeting.wav --realtime
      arecord -q -f S16_LE -r 16000 -c 1 -t raw | vivavoce stream -
      ffmpeg -i talk.mkv -f s16le -ac 1 -ar 16000 - | vivavoce stream -

    WAV is read as it is; other files need: pip install "vivavoce[audio]". A file goes to a server inside
    this process as fast as it is heard, to a configured one at most 20 s ahead of the clock, which is
    what the protocol allows. Standard input carries raw mono samples or a WAV stream.

    Ctrl-C sends no more, shows the last utterance and exits within two seconds: with 0 for standard
    input, with 130 for a file, which was not heard to its end. A second Ctrl-C stops at once.
    """  # noqa: D301  - click keeps what follows \b as it is
    check_output(json=json, partials=partials)
    if file == _STDIN and sys.stdin.isatty():
        raise ConfigurationError(
            "standard input is a terminal; pipe sound into it (see stream --help), or use vivavoce mic"
        )
    from vivavoce.cli.interrupt import Interrupt
    from vivavoce.cli.live import paced, transcribe
    from vivavoce.cli.sinks import open_sink
    from vivavoce.cli.target import server_for

    with contextlib.ExitStack() as stack:
        interrupt = stack.enter_context(Interrupt(live=file == _STDIN))
        sink = open_sink(json=json, partials=partials)
        stack.callback(sink.close)
        sound = _open(stack, file, sample_rate, encoding, interrupt)
        _say_what_is_mixed(sound, sink)
        target = stack.enter_context(server_for(url, api_key))
        chunks = sound.chunks
        if file != _STDIN and (realtime or target.local is None):
            lead_s = 0.0 if realtime else MAX_LEAD_S
            chunks = paced(
                chunks, sound.bytes_per_second, clock=time.monotonic, wait=interrupt.wait, lead_s=lead_s
            )
        transcribe(
            chunks,
            sample_rate=sound.sample_rate,
            encoding=sound.encoding,
            show=sink.show,
            interrupt=interrupt,
        )
    raise typer.Exit(interrupt.exit_code)
