"""Real-time transcription on your own machine.

``import vivavoce as aai`` has the real-time part of AssemblyAI's SDK under the vendor's names. A shorter
interface to the same server is ``vivavoce.connect()``, or ``vivavoce.connect_async()`` for asyncio.
"""

from vivavoce import command_start as command_start  # first: Ctrl-C is quiet while the rest loads

# isort: split
from typing import TYPE_CHECKING, Any

from vivavoce import extras
from vivavoce.client import (
    AudioEncoding,
    Client,
    RealtimeFinalTranscript,
    RealtimeMessageTypes,
    RealtimePartialTranscript,
    RealtimeSessionInformation,
    RealtimeSessionOpened,
    RealtimeSpeakerRevision,
    RealtimeTranscriber,
    RealtimeTranscript,
    RealtimeWord,
)
from vivavoce.client.backoff import Reconnect
from vivavoce.client.connect import connect, connect_async
from vivavoce.client.events import (
    BeginEvent,
    ClosedEvent,
    Event,
    ReconnectedEvent,
    ReconnectingEvent,
    SpeakerRevisionEvent,
    TerminationEvent,
    TurnEvent,
    WarningEvent,
    Word,
)
from vivavoce.configuration import Settings, settings
from vivavoce.errors import (
    AudioError,
    ConfigurationError,
    ConnectError,
    ExtrasNotInstalledError,
    MicrophoneError,
    RealtimeError,
    RefusedError,
    SessionLostError,
    SessionRefusedError,
    VivavoceError,
)
from vivavoce.version import __version__

if TYPE_CHECKING:
    from vivavoce.client.async_session import AsyncSession
    from vivavoce.client.chunking import Audio
    from vivavoce.client.session import Session
    from vivavoce.printing import TranscriptPrinter
    from vivavoce.transcription import Transcript, Utterance, transcribe, transcribe_async

__all__ = [
    "AssemblyAIError",
    "AsyncSession",
    "Audio",
    "AudioEncoding",
    "AudioError",
    "BeginEvent",
    "Client",
    "ClosedEvent",
    "ConfigurationError",
    "ConnectError",
    "Event",
    "ExtrasNotInstalledError",
    "MicrophoneError",
    "RealtimeError",
    "RealtimeFinalTranscript",
    "RealtimeMessageTypes",
    "RealtimePartialTranscript",
    "RealtimeSessionInformation",
    "RealtimeSessionOpened",
    "RealtimeSpeakerRevision",
    "RealtimeTranscriber",
    "RealtimeTranscript",
    "RealtimeWord",
    "Reconnect",
    "ReconnectedEvent",
    "ReconnectingEvent",
    "RefusedError",
    "Session",
    "SessionLostError",
    "SessionRefusedError",
    "Settings",
    "SpeakerRevisionEvent",
    "TerminationEvent",
    "Transcript",
    "TranscriptPrinter",
    "TurnEvent",
    "Utterance",
    "VivavoceError",
    "WarningEvent",
    "Word",
    "__version__",
    "connect",
    "connect_async",
    "extras",
    "settings",
    "transcribe",
    "transcribe_async",
]

AssemblyAIError = VivavoceError
"""The vendor's name of the class."""

# Loaded on first use: they import asyncio, which takes longer than everything else here.
_LAZY = {
    "AsyncSession": "vivavoce.client.async_session",
    "Audio": "vivavoce.client.chunking",
    "Session": "vivavoce.client.session",
    "Transcript": "vivavoce.transcription",
    "TranscriptPrinter": "vivavoce.printing",
    "Utterance": "vivavoce.transcription",
    "transcribe": "vivavoce.transcription",
    "transcribe_async": "vivavoce.transcription",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'vivavoce' has no attribute {name!r}")
    import importlib  # noqa: PLC0415  - rarely needed

    return getattr(importlib.import_module(_LAZY[name]), name)
