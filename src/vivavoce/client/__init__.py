"""The client of the SDK: real-time sessions under the vendor's names."""

from vivavoce.client.realtime import RealtimeTranscriber
from vivavoce.client.settings_client import Client
from vivavoce.protocol.aai_v2.messages import (
    AudioEncoding,
    RealtimeFinalTranscript,
    RealtimeMessageTypes,
    RealtimePartialTranscript,
    RealtimeSessionInformation,
    RealtimeSessionOpened,
    RealtimeSpeakerRevision,
    RealtimeTranscript,
    RealtimeWord,
)

__all__ = [
    "AudioEncoding",
    "Client",
    "RealtimeFinalTranscript",
    "RealtimeMessageTypes",
    "RealtimePartialTranscript",
    "RealtimeSessionInformation",
    "RealtimeSessionOpened",
    "RealtimeSpeakerRevision",
    "RealtimeTranscriber",
    "RealtimeTranscript",
    "RealtimeWord",
]
