"""Lists microphones and selects one."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vivavoce.errors import ExtrasNotInstalledError, MicrophoneError

__all__ = ["InputDevice", "find_device", "list_devices", "load_sounddevice", "portaudio_reason"]


_ALSA_CONFIGURATION: Final = Path("/usr/share/alsa/alsa.conf")


def load_sounddevice() -> Any:
    """Import sounddevice, which starts PortAudio.

    Raises:
        ExtrasNotInstalledError: It or PortAudio is missing; the message says what to install.
        MicrophoneError: PortAudio can't start.
    """
    _refuse_what_aborts()
    try:
        return importlib.import_module("sounddevice")
    except ImportError as error:
        raise ExtrasNotInstalledError(
            f'the microphone needs sounddevice ({error}): pip install "vivavoce[mic]"'
        ) from error
    except OSError as error:  # the package is installed, the library that it loads is not
        install = "apt install libportaudio2" if sys.platform == "linux" else "brew install portaudio"
        raise ExtrasNotInstalledError(
            f"the microphone needs PortAudio ({error}); to install it: {install}"
        ) from error
    except Exception as error:  # the library's own class, which can't be imported without the library
        raise MicrophoneError(f"PortAudio can't start: {portaudio_reason(error)}; {_advice()}") from error


def portaudio_reason(error: Exception) -> str:
    """Return the reason of a failed call, in one line: that of the system, where there is one."""
    match error.args:
        case (str(text), code, (_, _, host_text)) if str(host_text).strip():
            return f"{' '.join(str(host_text).split())} ({text} {code})"
        case (str(text), code, *_):
            return f"{text} [PaErrorCode {code}]"
    return " ".join(str(error).split()) or type(error).__name__


def _advice() -> str:
    if sys.platform != "linux":
        return "check the sound settings of the system"
    variable = os.environ.get("ALSA_CONFIG_PATH")
    files = f"ALSA_CONFIG_PATH={variable}" if variable else "~/.asoundrc and /etc/asound.conf"
    return f"check the sound configuration in {files}, and that the sound server runs"


def _refuse_what_aborts() -> None:
    """Refuse a sound configuration with which PortAudio ends the process.

    Without any device in ALSA's configuration an assertion of PortAudio fails, and nothing in this process
    could report it. Another process tries, where the configuration is not the usual one.

    Raises:
        MicrophoneError: PortAudio ended that process.
    """
    is_usual = "ALSA_CONFIG_PATH" not in os.environ and _ALSA_CONFIGURATION.exists()
    if "sounddevice" in sys.modules or sys.platform != "linux" or is_usual or not sys.executable:
        return
    # -I: nothing but the library, from the folders of this interpreter
    tried = subprocess.run(
        [sys.executable, "-I", "-c", "import sounddevice"], capture_output=True, check=False
    )
    if tried.returncode < 0:
        raise MicrophoneError(
            f"PortAudio can't start: its process ended with signal {-tried.returncode}; {_advice()}"
        )


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
        raise MicrophoneError(
            f"PortAudio can't list the microphones: {portaudio_reason(error)}; {_advice()}"
        ) from error
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
