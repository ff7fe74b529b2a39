"""``vivavoce mic``."""

from __future__ import annotations

import contextlib
import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vivavoce.cli.guarded import say
from vivavoce.cli.model_options import (
    LanguageOption,
    MicModelDeviceOption,
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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractContextManager

    from vivavoce.cli.outputs import Outputs
    from vivavoce.cli.server_choice import ChosenServer

__all__ = ["mic"]

_DeviceOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|INDEX",
        show_default=False,
        help="Use the microphone with this index or with this text in its name; see --list-devices "
        "(default: the microphone of the system).",
    ),
]
_SampleRateOption = Annotated[
    int | None,
    typer.Option(
        metavar="HZ",
        min=MIN_SAMPLE_RATE,
        max=MAX_SAMPLE_RATE,
        show_default=False,
        help="Record at this sample rate (default: 16000, or else the rate of the microphone).",
    ),
]
_SecondsOption = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", min=0.1, show_default=False, help="Stop after this much audio."),
]
_ListDevicesOption = Annotated[bool, typer.Option("--list-devices", help="List the microphones and exit.")]
_SaveOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", show_default=False, help="Also write the audio to this WAV file."),
]


def mic(
    *,
    device: _DeviceOption = None,
    sample_rate: _SampleRateOption = None,
    seconds: _SecondsOption = None,
    list_devices: _ListDevicesOption = False,
    save: _SaveOption = None,
    output: OutputOption = None,
    format_: FormatOption = None,
    srt: SrtOption = None,
    vtt: VttOption = None,
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
    model_device: MicModelDeviceOption = "cpu",
    translate: TranslateOption = False,
    room: RoomOption = None,
    url: UrlOption = None,
    api_key: ApiKeyOption = None,
) -> None:
    """Transcribe the microphone.

    \b
    Examples:
      vivavoce mic
      vivavoce mic --save talk.wav --vtt talk.vtt > talk.txt
      vivavoce mic --device "USB Audio" --seconds 60 --json
      vivavoce mic --turns conservative --key-term Vivavoce

    Ctrl-C, or closing the terminal, stops recording, shows the last utterance and exits with 0 within
    two seconds; a second Ctrl-C exits with 130 at once. The exit code is 3 if a lost connection can't be
    restored, and 1 if an output failed, as on a full disk, while transcription continued.
    """  # noqa: D301  - click keeps the lines after \b as they are
    if list_devices:
        return _print_devices()
    from vivavoce.cli.outputs import Outputs
    from vivavoce.cli.server_choice import choose_server, fetch_model

    shown = speaker_display(speakers, max_speakers, speaker_name, speaker_mark)
    outputs = Outputs.from_options(format_, output, shown, srt=srt, vtt=vtt, json=json, partials=partials)
    outputs.check([], save=save)
    parameters = turn_parameters(key_term, filter_profanity, redact, redact_with, turns, formatting)
    parameters |= model_parameters(model, language, url, translate=translate) | room_parameters(room)
    parameters |= shown.parameters
    choice = functools.partial(choose_server, url, api_key, model, model_device)
    source: int | str | None = int(device) if device is not None and device.isdecimal() else device
    fetch_model(*choice.args, check=lambda: _check_before_download(outputs, save, sample_rate, source))
    audio = _Audio(source, sample_rate, seconds, save)
    raise typer.Exit(_transcribe_microphone(audio, outputs, parameters=parameters, choice=choice))


@dataclass(frozen=True, slots=True)
class _Audio:
    device: int | str | None  # None: the microphone of the system
    sample_rate: int | None  # None: 16 kHz, or else that of the microphone
    seconds: float | None  # after which recording stops; None: when it is interrupted
    save: Path | None  # where the audio is written


def _check_before_download(
    outputs: Outputs, save: Path | None, sample_rate: int | None, device: int | str | None
) -> None:
    """Check outputs and microphone before a model is downloaded for them."""
    from vivavoce.cli.microphone import open_microphone

    outputs.check_writable([], save=save)
    open_microphone(sample_rate, device).close()


def _print_devices() -> None:
    from vivavoce.cli.microphone import device_line
    from vivavoce.mic import list_devices

    devices = list_devices()
    for device in devices:
        print(device_line(device))
    if not devices:
        say("This machine has no microphone; connect one, and allow this program to use it.")


def _transcribe_microphone(
    audio: _Audio,
    outputs: Outputs,
    *,
    parameters: Mapping[str, Any],
    choice: Callable[[], AbstractContextManager[ChosenServer]],
) -> int:
    """Transcribe until the microphone stops; return the exit code."""
    from vivavoce.cli.audio_copy import AudioCopy
    from vivavoce.cli.chunks import first_seconds
    from vivavoce.cli.interrupt import Interrupt
    from vivavoce.cli.level_meter import level_meter
    from vivavoce.cli.live_session import run_session
    from vivavoce.cli.microphone import open_microphone
    from vivavoce.cli.transcribers import transcriber_factory
    from vivavoce.types import Encoding

    with contextlib.ExitStack() as stack:
        interrupt = stack.enter_context(Interrupt(live=True))
        microphone = stack.enter_context(contextlib.closing(open_microphone(audio.sample_rate, audio.device)))
        interrupt.on_stop(microphone.close)
        rate = microphone.sample_rate
        copy: AudioCopy | None = None
        chunks: Iterable[bytes] = microphone
        if audio.seconds is not None:
            chunks = first_seconds(chunks, audio.seconds, 2 * rate)
        if audio.save is not None:
            copy = stack.enter_context(AudioCopy(audio.save, rate))
            chunks = copy.of(chunks)
        stack.enter_context(outputs)
        interrupt.on_exit(outputs.finish_sinks)
        sink = outputs.open(stack, "microphone", idle=lambda: level_meter(microphone.level_db))
        server = stack.enter_context(choice())

        def begin() -> None:
            outputs.release()
            sink.note("Listening. Ctrl-C stops.")
            if (address := reader_address(server.base_url, parameters)) is not None:
                sink.note(f"Readers: {address}")

        run_session(
            chunks,
            sample_rate=rate,
            encoding=Encoding.PCM_S16LE,
            show=sink.show,
            interrupt=interrupt,
            on_connected=begin,
            drains_on_stop=True,
            factory=transcriber_factory(parameters, note=sink.note, reconnects=server.local is None),
        )
    is_incomplete = outputs.failed or (copy is not None and copy.failed)
    return interrupt.exit_code or int(is_incomplete)
