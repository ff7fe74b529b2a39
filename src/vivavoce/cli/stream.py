"""``vivavoce stream``."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from vivavoce.cli.guarded import say
from vivavoce.cli.model_options import (
    LanguageOption,
    LocalDeviceOption,
    SpeechModelOption,
    TranslateOption,
    model_parameters,
)
from vivavoce.cli.options import (
    MAX_SAMPLE_RATE,
    MIN_SAMPLE_RATE,
    ApiKeyOption,
    FormatOption,
    JsonOption,
    OutputOption,
    PartialsOption,
    SrtOption,
    UrlOption,
    VttOption,
)
from vivavoce.cli.room_options import RoomOption, reader_address, room_parameters
from vivavoce.cli.server_choice import fetch_model
from vivavoce.cli.speaker_display import (
    MaxSpeakersOption,
    SpeakerMarkOption,
    SpeakerNameOption,
    SpeakersOption,
    speaker_display,
)
from vivavoce.cli.turn_options import (
    FilterProfanityOption,
    FormattingOption,
    KeyTermOption,
    RedactOption,
    RedactWithOption,
    TurnsOption,
    turn_parameters,
)
from vivavoce.errors import AudioError, ConfigurationError
from vivavoce.types import Encoding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from vivavoce.cli.interrupt import Interrupt
    from vivavoce.cli.outputs import Outputs
    from vivavoce.cli.sinks import Sink
    from vivavoce.cli.transcript_line import TranscriptLine
    from vivavoce.recordings.sound import Sound

__all__ = ["stream"]

_STDIN: Final = "-"

_FilesArgument = Annotated[
    list[str], typer.Argument(metavar="FILE|-", help="Recordings, or - for standard input.")
]
_TrackOption = Annotated[
    int | None,
    typer.Option(
        metavar="N", min=1, help="Audio track of a film, from 1 on (default: the one that a player chooses)."
    ),
]
_RealtimeOption = Annotated[
    bool,
    typer.Option("--realtime", help="Send files at the speed of speech, not as fast as possible."),
]
_SampleRateOption = Annotated[
    int,
    typer.Option(
        "--sample-rate",
        metavar="HZ",
        min=MIN_SAMPLE_RATE,
        max=MAX_SAMPLE_RATE,
        help="Sample rate of raw audio on standard input.",
    ),
]
_EncodingOption = Annotated[
    Encoding,
    typer.Option(metavar="ENCODING", help="Encoding of raw audio on standard input: pcm_s16le or pcm_mulaw."),
]

_FEW_PARTIALS = (
    "--partials: a recording that is sent faster than speech has few partials or none; --realtime sends it "
    "at the speed of speech."
)


def stream(
    files: _FilesArgument,
    *,
    output: OutputOption = None,
    format_: FormatOption = None,
    srt: SrtOption = None,
    vtt: VttOption = None,
    track: _TrackOption = None,
    realtime: _RealtimeOption = False,
    sample_rate: _SampleRateOption = 16_000,
    encoding: _EncodingOption = Encoding.PCM_S16LE,
    json: JsonOption = False,
    partials: PartialsOption = False,
    key_term: KeyTermOption = None,
    filter_profanity: FilterProfanityOption = False,
    redact: RedactOption = None,
    redact_with: RedactWithOption = None,
    turns: TurnsOption = None,
    formatting: FormattingOption = None,
    speakers: SpeakersOption = False,
    max_speakers: MaxSpeakersOption = None,
    speaker_name: SpeakerNameOption = None,
    speaker_mark: SpeakerMarkOption = None,
    model: SpeechModelOption = None,
    language: LanguageOption = None,
    device: LocalDeviceOption = "cpu",
    translate: TranslateOption = False,
    room: RoomOption = None,
    url: UrlOption = None,
    api_key: ApiKeyOption = None,
) -> None:
    """Transcribe recordings, or audio from a pipe.

    \b
    Examples:
      vivavoce stream film.mkv -o film.srt
      vivavoce stream *.ogg --format srt -o captions/
      vivavoce stream vortrag.mp3 --model whisper-base --language de
      vivavoce stream call.wav --key-term Vivavoce --redact phone_number
      vivavoce stream interview.wav --max-speakers 2 --speaker-name A=Anna -o interview.srt
      arecord -q -f S16_LE -r 16000 -c 1 -t raw | vivavoce stream -

    WAV files need no decoder; for other files run: pip install "vivavoce[audio]". A server of ours receives
    a file as fast as it can transcribe it, any other at most 20 s ahead of real time. Standard input, or a
    pipe in place of a file, is raw mono audio or a stream of any format. Damage is skipped and counted.
    If one of several recordings can't be read, the exit code is 1; if a lost connection can't be restored,
    3; if the server refuses it, 4. Ctrl-C shows the last utterance and exits with 0 (pipe) or 130 (file).
    """  # noqa: D301  - click keeps the lines after \b as they are
    from vivavoce.cli.outputs import Outputs

    shown = speaker_display(speakers, max_speakers, speaker_name, speaker_mark)
    outputs = Outputs.from_options(format_, output, shown, srt=srt, vtt=vtt, json=json, partials=partials)
    outputs.check(files)
    _check_stdin(files, warns=partials and not realtime)
    parameters = turn_parameters(key_term, filter_profanity, redact, redact_with, turns, formatting)
    parameters |= model_parameters(model, language, url, translate=translate) | room_parameters(room)
    parameters |= shown.parameters
    options = _Options(sample_rate, encoding, track, realtime, url, api_key, model, device, parameters)
    fetch_model(url, api_key, model, device, check=lambda: _check_before_download(files, outputs, track))
    raise typer.Exit(_transcribe_files(files, outputs, options))


@dataclass(frozen=True, slots=True)
class _Options:
    sample_rate: int
    encoding: Encoding
    track: int | None  # None: the one that a player chooses
    realtime: bool
    url: str | None
    api_key: str | None
    model: str | None
    device: str
    parameters: Mapping[str, Any]  # of the session


def _check_stdin(files: list[str], *, warns: bool) -> None:
    """Check that standard input can be read if it is asked for; else warn of few partials, if so asked."""
    if _STDIN not in files:
        if warns:
            say(_FEW_PARTIALS)
        return
    if len(files) > 1:
        raise ConfigurationError("- (standard input) can't be combined with other recordings")
    if sys.stdin.isatty():
        raise ConfigurationError(
            "standard input is a terminal; pipe audio into it (see vivavoce stream --help), "
            "or use vivavoce mic"
        )


def _is_live(file: str) -> bool:
    """Whether a recording is a pipe, which can be read once and may have no end."""
    from vivavoce.recordings.sources import is_pipe

    return file == _STDIN or is_pipe(file)


def _check_readable(file: str, track: int | None) -> None:
    """Open a file before a server starts for it: a wrong file name must not load the model."""
    if not _is_live(file):
        from vivavoce.recordings import sources

        with sources.from_file(file, track=track):
            pass


def _check_before_download(files: Sequence[str], outputs: Outputs, track: int | None) -> None:
    """Check outputs and recordings before a model is downloaded for them; one that can be read is enough."""
    outputs.check_writable(files)
    problems = []
    for file in files:
        try:
            _check_readable(file, track)
        except AudioError as error:
            problems.append(error)
    if len(problems) == len(files):
        raise problems[0]


def _transcribe_files(files: list[str], outputs: Outputs, options: _Options) -> int:
    """Transcribe recordings in order, with one server for all; return the exit code."""
    from vivavoce.cli.interrupt import Interrupt
    from vivavoce.cli.server_choice import ChosenServer, choose_server

    failed = False
    with contextlib.ExitStack() as stack:
        interrupt = stack.enter_context(Interrupt(live=any(map(_is_live, files))))
        stack.enter_context(outputs)
        interrupt.on_exit(outputs.finish_sinks)
        server: ChosenServer | None = None
        for file in files:
            if interrupt.stop_requested:
                break
            try:
                if server is None:
                    _check_readable(file, options.track)
                    chosen = choose_server(options.url, options.api_key, options.model, options.device)
                    server = stack.enter_context(chosen)
                    if (address := reader_address(server.base_url, options.parameters)) is not None:
                        say(f"Readers: {address}")
                _transcribe_file(
                    file,
                    outputs,
                    interrupt,
                    options,
                    is_local=server.local is not None,
                    titled=len(files) > 1,
                )
            except AudioError as error:
                if len(files) == 1:
                    raise
                say(f"vivavoce: {error}")
                failed = True
    return interrupt.exit_code or int(failed or outputs.failed)


def _transcribe_file(
    file: str,
    outputs: Outputs,
    interrupt: Interrupt,
    options: _Options,
    *,
    is_local: bool,
    titled: bool,
) -> None:
    """Transcribe one recording, or ``-``, into the outputs, until the interrupt stops it.

    Args:
        file: Path, or ``-``.
        outputs: Where its transcripts go.
        interrupt: Stops it.
        options: Options of the command.
        is_local: Whether the server is inside this process, receives a file at any speed, and can't be lost.
        titled: Whether the name of the file is shown before its transcripts and stands in its events.
    """
    from vivavoce.cli.live_session import run_session
    from vivavoce.cli.progress import progress_bar
    from vivavoce.cli.transcribers import recording_transcriber
    from vivavoce.recordings.pacing import MAX_LEAD_S, paced

    with contextlib.ExitStack() as stack:
        is_live = _is_live(file)
        audio, sink = _open(stack, file, outputs, options, interrupt, titled=titled)
        rate = audio.bytes_per_second
        chunks = _some_audio(audio.chunks, file, lambda: interrupt.stop_requested)
        is_slowed = options.realtime and not is_live
        if is_slowed:
            chunks = paced(chunks, rate, wait=interrupt.wait)
        is_followed = is_live or is_slowed  # as it is spoken
        pace = functools.partial(paced, bytes_per_second=rate, wait=interrupt.wait, lead_s=MAX_LEAD_S)
        is_shown = not is_live and outputs.is_hidden
        move_to = stack.enter_context(progress_bar(Path(file).name, audio.duration_s, is_shown=is_shown))

        def show(transcript: TranscriptLine) -> None:
            if not transcript.is_revised:
                move_to(transcript.end_ms / 1000)  # the server has received more than it has transcribed
            sink.show(replace(transcript, file=file) if titled else transcript)

        run_session(
            chunks,
            sample_rate=audio.sample_rate,
            encoding=audio.encoding,
            show=show,
            interrupt=interrupt,
            on_connected=outputs.release,
            drains_on_stop=is_live,
            factory=recording_transcriber(
                {**options.parameters, "recording": not is_followed},
                partials=outputs.includes_partials or (is_followed and sys.stdout.isatty()),
                note=sink.note,
                reconnects=not is_local,
                pace=None if is_slowed or is_local else pace,
            ),
        )


def _open(
    stack: contextlib.ExitStack,
    file: str,
    outputs: Outputs,
    options: _Options,
    interrupt: Interrupt,
    *,
    titled: bool,
) -> tuple[Sound, Sink]:
    """Open a recording, and what its transcripts go to; arguments as for `_transcribe_file`."""

    def warn(text: str) -> None:
        sink.note(text)  # it is open when the audio is read

    audio = _open_audio(stack, file, options, interrupt, warn)
    sink = outputs.open(stack, file)
    if titled:
        sink.note(f"{file}:")
    if audio.channels > 1:
        sink.note(f"{audio.channels} channels are mixed into one.")
    return audio, sink


def _some_audio(chunks: Iterable[bytes], file: str, is_stopped: Callable[[], bool]) -> Iterator[bytes]:
    """Yield the chunks of a recording.

    Raises:
        AudioError: There is none, as of a pipe whose writer has failed.
    """
    is_empty = True
    for chunk in chunks:
        is_empty = is_empty and not chunk
        yield chunk
    if is_empty and not is_stopped():
        name = "standard input" if file == _STDIN else file
        raise AudioError(f"{name}: no audio; check the program or the recording that it comes from")


def _open_audio(
    stack: contextlib.ExitStack,
    file: str,
    options: _Options,
    interrupt: Interrupt,
    warn: Callable[[str], None],
) -> Sound:
    from vivavoce.recordings import sources

    if not _is_live(file):
        return stack.enter_context(sources.from_file(file, track=options.track, warn=warn))
    if file == _STDIN:
        fd, name = sys.stdin.fileno(), "standard input"
    else:
        fd, name = sources.open_pipe(file), file
        stack.callback(os.close, fd)
    return sources.from_reader(
        sources.interruptible_reader(fd, lambda: interrupt.stop_requested),
        sample_rate=options.sample_rate,
        encoding=options.encoding,
        name=name,
        track=options.track,
        warn=warn,
    )
