"""``vivavoce voices``: the voices that a server knows by name."""

from __future__ import annotations

import contextlib
import functools
import shlex
import time
from datetime import datetime
from pathlib import Path  # noqa: TC003  - typer reads it
from typing import TYPE_CHECKING, Annotated, Final

import typer

from vivavoce.cli.guarded import say
from vivavoce.cli.server_choice import server_extra
from vivavoce.errors import AudioError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from vivavoce.asr.engine import Enrolment
    from vivavoce.store import KnownVoice, KnownVoicesFile

__all__ = ["voices"]

voices = typer.Typer(
    no_args_is_help=True,
    help="Enrol, list and delete voices; serve --known-voices gives them their names.",
)

_MIC_SPEECH_S: Final = 12.0  # a little more than is needed, since the end may be cut
_MIC_LIMIT_S: Final = 90.0
_STEP_S: Final = 4.0  # of speech, between two lines of progress

_NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="What the speaker is called.", show_default=False)
]


@voices.command()
def add(
    name: _NameArgument,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", help="A recording in which only this person speaks.", show_default=False
        ),
    ] = None,
    *,
    mic: Annotated[bool, typer.Option("--mic", help="Record from the microphone instead.")] = False,
    device: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|INDEX",
            show_default=False,
            help="Use this microphone; see vivavoce mic --list-devices.",
        ),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the voice of this name.")] = False,
    speaker_model: Annotated[
        str,
        typer.Option(
            metavar="MODEL",
            envvar="VIVAVOCE_SPEAKER_MODEL",
            help="Use this voice encoder, the same one as the server: see serve --speaker-model.",
        ),
    ] = "auto",
) -> None:
    """Enrol a voice from at least ten seconds of speech, pauses not counted.

    \b
    Examples:
      vivavoce voices add Anna anna.wav
      vivavoce voices add "Dr Weber" --mic

    What is stored can recognise a person, which many laws call biometric data: ask the person first. No audio
    is stored. A server with --known-voices knows the voice from its next session on.
    """  # noqa: D301  - click keeps the lines after \b as they are
    from vivavoce.store import KnownVoice, KnownVoicesFile, known_voices_path, voice_name

    name = voice_name(name)
    if (file is None) is not mic or (device is not None and not mic):
        raise ConfigurationError("name a recording or --mic, and --device only with --mic")
    if speaker_model == "none":
        raise ConfigurationError("--speaker-model must be a voice encoder, got none")
    store = KnownVoicesFile(known_voices_path())
    if not replace:
        store.check_free(name)  # before anybody has spoken
    model, embedding, speech_s = _enrolled(speaker_model, file, device)
    say(
        f"Storing in {store.path}: the name {name}, the voice encoder {model}, the time, and "
        f"{len(embedding) // 4} numbers that describe the voice; no audio. To delete it: vivavoce voices "
        f"remove {shlex.quote(name)}"
    )
    store.add(KnownVoice(name, model, embedding, time.time()), replace=replace)
    say(f"Enrolled {name} from {speech_s:.1f} s of speech.")


@voices.command("list")
def list_() -> None:
    """List known voices: name, voice encoder, and when each was enrolled."""
    found = _file().read()
    if not found:
        say("No voice is enrolled: vivavoce voices add enrols one.")
        return
    table = [("NAME", "VOICE ENCODER", "ENROLLED"), *map(_row, found)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        print("  ".join(map(str.ljust, row, widths)).rstrip())


@voices.command()
def remove(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="The voice; small letters will do.", show_default=False),
    ] = None,
    *,
    all_: Annotated[bool, typer.Option("--all", help="Delete all voices, and their file.")] = False,
) -> None:
    """Delete a voice. A server does not know it any more from its next session on.

    Transcripts that a server has stored keep the names that were in them.
    """
    if (name is None) is not all_:
        raise ConfigurationError("name the voice to delete, or --all")
    if name is None:
        say("Deleted all known voices." if _file().remove_all() else "No voice is enrolled.")
    else:
        say(f"Deleted {_file().remove(name)}.")


def _file() -> KnownVoicesFile:
    from vivavoce.store import KnownVoicesFile, known_voices_path

    return KnownVoicesFile(known_voices_path())


def _row(voice: KnownVoice) -> tuple[str, str, str]:
    enrolled = datetime.fromtimestamp(voice.enrolled_unix).astimezone()
    return voice.name, voice.model, enrolled.strftime("%Y-%m-%d %H:%M")


def _enrolled(speaker_model: str, file: Path | None, device: str | None) -> tuple[str, bytes, float]:
    """Enrol the voice of a recording, or of the microphone.

    Returns:
        The name of the voice encoder, the embedding as it is stored, and how much speech it is from, in
        seconds.
    """
    with server_extra():
        from vivavoce.asr.engine import load_voices
    from vivavoce.model_files import voice_file

    models = load_voices(voice_file(speaker_model))
    enrolment = _from_microphone(device) if file is None else _from_file(file)
    try:
        embedding = enrolment.embedding(models)
    except AudioError as error:
        raise AudioError(f"{'microphone' if file is None else file}: {error}") from None
    return models.embedder.name, embedding.astype("<f4").tobytes(), enrolment.speech_s


def _from_file(file: Path) -> Enrolment:
    """Return the speech of a recording."""
    from vivavoce.recordings import sources

    with sources.from_file(file, warn=say) as sound:
        enrolment = _enrolment_maker()(sound.sample_rate)
        for chunk in sound.chunks:
            enrolment.feed(chunk)
            if enrolment.is_full:
                break
    return enrolment


def _from_microphone(device: str | None) -> Enrolment:
    """Record until there is enough speech, or for a minute and a half."""
    from vivavoce.cli.chunks import first_seconds
    from vivavoce.cli.microphone import open_microphone

    source = int(device) if device is not None and device.isdecimal() else device
    begin = _enrolment_maker()  # loads for a second, in which no audio may be lost
    with contextlib.closing(open_microphone(None, source)) as microphone:
        enrolment = begin(microphone.sample_rate)
        say("Speak for about fifteen seconds, as you usually do. Ctrl-C stops, and nothing is stored.")
        shown_s = _STEP_S
        for chunk in first_seconds(microphone, _MIC_LIMIT_S, 2 * microphone.sample_rate):
            enrolment.feed(chunk)
            if enrolment.speech_s >= _MIC_SPEECH_S:
                break
            if enrolment.speech_s >= shown_s:
                say(f"{shown_s:g} s of speech")
                shown_s += _STEP_S
    return enrolment


def _enrolment_maker() -> Callable[[int], Enrolment]:
    """Load the speech detector; returns what begins an enrolment from audio of a sample rate, in Hz."""
    with server_extra():
        from vivavoce.asr.engine import Enrolment
        from vivavoce.asr.models import load_detector
    return functools.partial(Enrolment, load_detector())
