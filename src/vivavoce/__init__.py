"""Real-time transcription on your own machine.

``import vivavoce as aai`` gives the real-time part of AssemblyAI's SDK under its own names.
"""

from vivavoce import extras
from vivavoce.client import (
    AudioEncoding,
    Client,
    RealtimeFinalTranscript,
    RealtimeMessageTypes,
    RealtimePartialTranscript,
    RealtimeSessionInformation,
    RealtimeSessionOpened,
    RealtimeTranscriber,
    RealtimeTranscript,
    RealtimeWord,
)
from vivavoce.errors import (
    AudioError,
    ConfigurationError,
    ConnectError,
    ExtrasNotInstalledError,
    MicrophoneError,
    RealtimeError,
    RefusedError,
    VivavoceError,
)
from vivavoce.settings import Settings, settings
from vivavoce.version import __version__

__all__ = [
    "AssemblyAIError",
    "AudioEncoding",
    "AudioError",
    "Client",
    "ConfigurationError",
    "ConnectError",
    "ExtrasNotInstalledError",
    "MicrophoneError",
    "RealtimeError",
    "RealtimeFinalTranscript",
    "RealtimeMessageTypes",
    "RealtimePartialTranscript",
    "RealtimeSessionInformation",
    "RealtimeSessionOpened",
    "RealtimeTranscriber",
    "RealtimeTranscript",
    "RealtimeWord",
    "RefusedError",
    "Settings",
    "VivavoceError",
    "__version__",
    "extras",
    "settings",
]

AssemblyAIError = VivavoceError
"""The vendor's name for it."""
