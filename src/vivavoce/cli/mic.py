"""``vivavoce mic``."""

from __future__ import annotations

import contextlib
from pathlib import Path  # noqa: TC003  - typer reads it
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

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vivavoce.mic import InputDevice

__all__ = ["device_line", "first_seconds", "mic"]


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
    sample_rate: SampleRate = 16_000,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, show_default=False, help="Stop after so much sound.")
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
    from vivavoce.cli.live import transcribe
    from vivavoce.cli.saving import saved
    from vivavoce.cli.target import server_for
    from vivavoce.mic import Microphone
    from vivavoce.types import Encoding

    with contextlib.ExitStack() as stack:
        interrupt = stack.enter_context(Interrupt(live=True))
        sink = outputs.open(stack, "microphone")
        chosen = int(device) if device is not None and device.isdecimal() else device
        microphone = stack.enter_context(
            contextlib.closing(Microphone(sample_rate=sample_rate, device=chosen))
        )
        interrupt.on_request = microphone.close
        stack.enter_context(server_for(url, api_key))
        chunks: Iterable[bytes] = microphone
        if seconds is not None:
            chunks = first_seconds(chunks, seconds, 2 * sample_rate)
        if save is not None:
            chunks = stack.enter_context(saved(chunks, save, sample_rate))
        transcribe(
            chunks,
            sample_rate=sample_rate,
            encoding=Encoding.PCM_S16LE,
            show=sink.show,
            interrupt=interrupt,
            connected=lambda: sink.note("Listening; Ctrl-C stops."),
        )
    raise typer.Exit(interrupt.exit_code)
