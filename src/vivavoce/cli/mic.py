"""``vivavoce mic``."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path  # noqa: TC003  - typer reads it
from typing import TYPE_CHECKING, Annotated

import typer

from vivavoce.cli.options import (
    MAX_SAMPLE_RATE,
    MIN_SAMPLE_RATE,
    ApiKey,
    Format,
    FormatOption,
    Json,
    Output,
    Partials,
    Srt,
    Url,
    Vtt,
    check_output,
)
from vivavoce.errors import MicrophoneError, VivavoceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vivavoce.mic import InputDevice, Microphone

__all__ = ["device_line", "first_seconds", "mic", "open_microphone"]

_MODEL_RATE_HZ = 16_000
_WAV_HEAD_BYTES = 44


def first_seconds(chunks: Iterable[bytes], seconds: float, bytes_per_second: int) -> Iterator[bytes]:
    """The beginning of a stream of sound, cut to whole 16-bit samples."""
    left = int(seconds * bytes_per_second) // 2 * 2
    for chunk in chunks:
        yield chunk[:left]
        left -= len(chunk)
        if left <= 0:
            return


def device_line(device: InputDevice) -> str:
    """A microphone as --list-devices shows it; the number or a part of the name goes to --device."""
    return f"{device.index}: {device.name}{' (default)' if device.is_default else ''}"


def open_microphone(sample_rate: int | None, device: int | str | None) -> Microphone:
    """Open a microphone at a rate, or, where none is asked for, at one that it takes.

    Args:
        sample_rate: In Hz; None: what the model hears, or else what the device is set to.
        device: Its index, or a part of its name.

    Raises:
        ExtrasNotInstalledError: sounddevice or PortAudio is missing.
        MicrophoneError: There is no such microphone, or it can't be opened.
    """
    from vivavoce.mic import Microphone

    if sample_rate is not None:
        return Microphone(sample_rate=sample_rate, device=device)
    try:
        return Microphone(sample_rate=_MODEL_RATE_HZ, device=device)
    except MicrophoneError as refusal:
        from vivavoce.mic.devices import find_device

        try:
            rate = find_device(device).default_sample_rate
        except VivavoceError:
            raise refusal from None
        if rate == _MODEL_RATE_HZ or not MIN_SAMPLE_RATE <= rate <= MAX_SAMPLE_RATE:
            raise
        return Microphone(sample_rate=rate, device=device)


def level_meter(level_db: float) -> str:
    """How loud it is, for a line of text: ten marks for the 60 dB below the loudest there can be."""
    n = round(min(max(level_db + 60, 0), 60) / 6)
    return f"[{'#' * n}{'.' * (10 - n)}] {level_db:.0f} dB"


@contextlib.contextmanager
def _saved(chunks: Iterable[bytes], path: Path, sample_rate: int) -> Iterator[Iterator[bytes]]:
    """Keep sound in a file, and say so at the end, on standard error."""
    from vivavoce.recordings.saving import saved

    with saved(chunks, path, sample_rate) as passed:
        yield passed
    seconds = max(0, path.stat().st_size - _WAV_HEAD_BYTES) / 2 / sample_rate
    print(f"{path}: {seconds:.1f} s of sound written.", file=sys.stderr)


def _print_devices() -> None:
    from vivavoce.mic import list_devices

    for device in list_devices():
        print(device_line(device))


def mic(
    *,
    device: Annotated[
        str | None,
        typer.Option(metavar="NAME|INDEX", show_default=False, help="Microphone; see --list-devices."),
    ] = None,
    sample_rate: Annotated[
        int | None,
        typer.Option(
            metavar="HZ",
            min=MIN_SAMPLE_RATE,
            max=MAX_SAMPLE_RATE,
            show_default=False,
            help="In samples a second. Without it: 16000, or what the microphone takes.",
        ),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", min=0.1, show_default=False, help="Stop after so much sound."),
    ] = None,
    list_devices: Annotated[
        bool, typer.Option("--list-devices", help="Show the microphones and exit.")
    ] = False,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FILE", show_default=False, help="Also write what is heard to a WAV file."),
    ] = None,
    output: Output = None,
    format_: FormatOption = None,
    srt: Srt = None,
    vtt: Vtt = None,
    json: Json = False,
    partials: Partials = False,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Transcribe what the microphone hears.

    \b
    Examples:
      vivavoce mic
      vivavoce mic > notes.txt
      vivavoce mic --save talk.wav --vtt talk.vtt
      vivavoce mic --list-devices
      vivavoce mic --device "USB Audio" --seconds 60 --json

    Ctrl-C stops listening, shows the last utterance and exits with 0, within two seconds. A second
    Ctrl-C stops at once, with 130.
    """  # noqa: D301  - click keeps what follows \b as it is
    if list_devices:
        _print_devices()
        return
    from vivavoce.cli.outputs import Outputs, chosen_format

    kind = chosen_format(format_, output, json=json)
    check_output(json=kind is Format.JSON, partials=partials)
    outputs = Outputs(kind, output, {Format.SRT: srt, Format.VTT: vtt}, partials=partials)
    from vivavoce.cli.interrupt import Interrupt
    from vivavoce.cli.live_session import run_session
    from vivavoce.cli.server_choice import choose_server
    from vivavoce.types import Encoding

    with contextlib.ExitStack() as stack:
        interrupt = stack.enter_context(Interrupt(live=True))
        chosen = int(device) if device is not None and device.isdecimal() else device
        microphone = stack.enter_context(contextlib.closing(open_microphone(sample_rate, chosen)))
        interrupt.on_request = microphone.close
        rate = microphone.sample_rate
        chunks: Iterable[bytes] = microphone
        if seconds is not None:
            chunks = first_seconds(chunks, seconds, 2 * rate)
        if save is not None:
            chunks = stack.enter_context(_saved(chunks, save, rate))
        sink = outputs.open(stack, "microphone", idle=lambda: level_meter(microphone.level_db))
        stack.enter_context(choose_server(url, api_key))
        run_session(
            chunks,
            sample_rate=rate,
            encoding=Encoding.PCM_S16LE,
            show=sink.show,
            interrupt=interrupt,
            connected=lambda: sink.note("Listening; Ctrl-C stops."),
            ends_itself=True,
        )
    raise typer.Exit(interrupt.exit_code)
