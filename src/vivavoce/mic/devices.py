"""Lists microphones and selects one."""

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
    except OSError as error:  # the package is installed, the library that it loads is not
        install = "apt install libportaudio2" if sys.platform == "linux" else "brew install portaudio"
        raise ExtrasNotInstalledError(f"the microphone needs PortAudio: {install}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class InputDevice:
    """A microphone.

    Attributes:
        index: Its index in PortAudio.
        name: Its name in the system.
        channels: Number of channels it can record.
        default_sample_rate: The rate it is configured for, in Hz.
        is_default: Whether the system uses it by default.
    """

    index: int
    name: str
    channels: int
    default_sample_rate: int
    is_default: bool


def list_devices() -> list[InputDevice]:
    """Return all microphones of this machine.

    Raises:
        ExtrasNotInstalledError: sounddevice or PortAudio is missing.
        MicrophoneError: PortAudio can't list the devices.
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


def find_device(device: int | str | None) -> InputDevice:
    """Return the microphone that matches.

    Args:
        device: Its index, or a part of its name in any case; None for the default microphone.

    Raises:
        ExtrasNotInstalledError: sounddevice or PortAudio is missing.
        MicrophoneError: No microphone matches, or several do; the message lists the candidates.
    """
    devices = list_devices()
    if not devices:
        raise MicrophoneError("this machine has no microphone")
    if device is None:
        return next((each for each in devices if each.is_default), devices[0])
    if isinstance(device, int):
        matching = [each for each in devices if each.index == device]
    else:
        matching = [each for each in devices if each.name == device] or [
            each for each in devices if device.casefold() in each.name.casefold()
        ]
    if len(matching) == 1:
        return matching[0]
    choice = ", ".join(f"{each.index}: {each.name}" for each in matching or devices)
    problem = "several microphones match" if matching else "no microphone matches"
    raise MicrophoneError(f"{problem} {device!r}; choose one of {choice}")
