"""Open a microphone for a command, and show devices as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vivavoce.cli.options import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE
from vivavoce.errors import MicrophoneError, VivavoceError
from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from vivavoce.mic import InputDevice, Microphone

__all__ = ["device_line", "open_microphone"]


def device_line(device: InputDevice) -> str:
    """Return a device as ``--list-devices`` shows it; ``--device`` takes its index or a part of its name."""
    return f"{device.index}: {device.name}{' (default)' if device.is_default else ''}"


def open_microphone(sample_rate: int | None, device: int | str | None) -> Microphone:
    """Open a microphone.

    Args:
        sample_rate: In Hz; None: the rate of the model, or else the default rate of the device.
        device: Index or a part of the name; None: the default device.

    Raises:
        ExtrasNotInstalledError: sounddevice or PortAudio is missing.
        MicrophoneError: There is no such device, or it can't be opened.
    """
    from vivavoce.mic import Microphone

    if sample_rate is not None:
        return Microphone(sample_rate=sample_rate, device=device)
    try:
        return Microphone(sample_rate=MODEL_RATE_HZ, device=device)
    except MicrophoneError as refusal:
        from vivavoce.mic.devices import find_device

        try:
            rate = find_device(device).default_sample_rate
        except VivavoceError:
            raise refusal from None
        if rate == MODEL_RATE_HZ or not MIN_SAMPLE_RATE <= rate <= MAX_SAMPLE_RATE:
            raise
        try:
            return Microphone(sample_rate=rate, device=device)
        except MicrophoneError as second:
            raise MicrophoneError(f"{second}; before: {refusal}") from None
