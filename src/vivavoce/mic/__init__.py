"""Microphones, through PortAudio."""

from vivavoce.mic.devices import InputDevice, list_devices
from vivavoce.mic.microphone import Microphone

__all__ = ["InputDevice", "Microphone", "list_devices"]
