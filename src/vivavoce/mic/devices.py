"""Which microphones there are, and which one is meant."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from typing import Any

from vivavoce.errors import ExtrasNotInstalledError, MicrophoneError

__all__ = ["InputDevice", "find_device", "list_devices", "load_sounddevice"]


def load_sounddevice() -> Any:
    """Import sounddevice.

    Raises:
        ExtrasNotInstalledError: It or PortAudio is missing; the message says what to install.
    """
    try:
        return importlib.import_module("sounddevice")
    except ModuleNotFoundError as error:
        raise ExtrasNotInstalledError(
            'the microphone needs sounddevice: pip install "vivavoce[mic]"'
        ) from error
    except OSError as error:  # the package is there, the library that it loads is not
        install = "apt install libportaudio2" if sys.platform == "linux" else "brew install portaudio"
        raise ExtrasNotInstalledError(f"the microphone needs PortAudio: {install}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class InputDevice:
    """A microphone.

    Attributes:
        index: What PortAudio calls it.
        name: What the system calls it.
        channels: How many channels it has.
        default_sample_rate: The rate that it is set to, in Hz.
        is_default: Whether it is used where none is named.
    """

    index: int
    name: str
    channels: int
    default_sample_rate: int
    is_default: bool


def list_devices() -> list[InputDevice]:
    """All microphones of this machine.

    Raises:
        ExtrasNotInstalledError: sounddevice or PortAudio is missing.
        MicrophoneError: PortAudio can't say.
    """
    sounddevice = load_sounddevice()
    try:
        found = list(sounddevice.query_devices())
        default = int(sounddevice.default.device[0])
    except sounddevice.PortAudioError as error:
        raise MicrophoneError(f"PortAudio can't list the microphones: {error}") from error
    return [
        InputDevice(
            index=index,
            name=str(device["name"]),
            channels=int(device["max_input_channels"]),
            default_sample_rate=round(float(device["default_samplerate"])),
            is_default=index == default,
        )
        for index, device in enumerate(found)
        if device["max_input_channels"] > 0
    ]


def find_device(wanted: int | str | None) -> InputDevice:
    """The microphone that is meant.

    Args:
        wanted: Its index, or a part of its name in any case, or None for the default one.

    Raises:
        ExtrasNotInstalledError: sounddevice or PortAudio is missing.
        MicrophoneError: There is none, or more than one; the message lists what there is.
    """
    devices = list_devices()
    if not devices:
        raise MicrophoneError("this machine has no microphone")
    if wanted is None:
        return next((device for device in devices if device.is_default), devices[0])
    if isinstance(wanted, int):
        matching = [device for device in devices if device.index == wanted]
    else:
        matching = [device for device in devices if device.name == wanted] or [
            device for device in devices if wanted.casefold() in device.name.casefold()
        ]
    if len(matching) == 1:
        return matching[0]
    choice = ", ".join(f"{device.index}: {device.name}" for device in matching or devices)
    trouble = "several microphones match" if matching else "no microphone matches"
    raise MicrophoneError(f"{trouble} {wanted!r}; there are {choice}")
