"""The messages of v3, in both directions."""

from __future__ import annotations

from typing import Any, Final, get_args

import msgspec

from vivavoce.errors import ProtocolViolation
from vivavoce.protocol.query import json_object
from vivavoce.types import Failure

__all__ = [
    "API_VERSION",
    "CLIENT_MESSAGES",
    "Begin",
    "Configuration",
    "ErrorV3",
    "ForceEndpointV3",
    "HeartbeatV3",
    "KeepAliveV3",
    "LLMGatewayResponse",
    "ServerMessageV3",
    "Silence",
    "SpeakerRevision",
    "SpeakerRevisionItem",
    "SpeechStartedV3",
    "TerminateV3",
    "Termination",
    "Turn",
    "UpdateConfiguration",
    "WarningV3",
    "WordV3",
    "decode_server_message",
]

API_VERSION: Final = "2025-05-12"

_UNSET: Final = msgspec.UNSET
_Unset = msgspec.UnsetType


# --- messages of the server -------------------------------------------------------------------


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """What a session was opened with."""

    model: str | None = None
    mode: str | None = None
    api_version: str | None = None
    speaker_labels: bool | None = None
    redact_pii: bool | None = None
    filter_profanity: bool | None = None
    domain: str | None = None
    voice_focus: str | None = None


class Begin(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="Begin"):
    """The first message of a session; it will be ended at ``expires_at``, in seconds since 1970."""

    id: str
    expires_at: int
    configuration: Configuration | None = None


class WordV3(msgspec.Struct, frozen=True, kw_only=True):
    """A word; times in ms. A word that is final never changes."""

    start: int
    end: int
    text: str
    confidence: float
    word_is_final: bool
    speaker: str | _Unset | None = _UNSET
    speaker_confidence: float | _Unset | None = _UNSET


class Turn(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="Turn"):
    """A turn so far, or, with ``end_of_turn``, for good.

    With the Universal-Streaming models ``transcript`` holds the final words only; a word that may still
    change is in ``words`` alone. With the Universal-3 models it holds all of the turn, and each message
    replaces the one before it.
    """

    turn_order: int
    turn_is_formatted: bool
    end_of_turn: bool
    transcript: str
    end_of_turn_confidence: float
    words: list[WordV3]
    utterance: str = ""
    language_code: str | _Unset | None = _UNSET
    language_confidence: float | _Unset | None = _UNSET
    speaker_label: str | _Unset | None = _UNSET
    channel: int | _Unset = _UNSET
    """Ours: which channel was heard, from 0, in a session with ``channels=2``."""


class SpeechStartedV3(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="SpeechStarted"):
    """Somebody began to speak, ``timestamp`` ms into the audio. Only with the Universal-3 models."""

    timestamp: int
    confidence: float | None = None
    channel: int | _Unset = _UNSET


class HeartbeatV3(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="Heartbeat"):
    """How the session is doing, every 5 s, when asked for."""

    total_audio_received_ms: int
    total_duration_ms: int
    realtime_factor: float
    max_speech_probability: float = 0.0


class Silence(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="Silence"):
    """Nobody spoke from ``start_ms`` to ``end_ms`` of the audio; about once a second, when asked for."""

    start_ms: int
    end_ms: int
    channel: int | _Unset = _UNSET


class SpeakerRevisionItem(msgspec.Struct, frozen=True, kw_only=True):
    """Who said the words of a turn, told again."""

    turn_order: int
    words: list[WordV3] = []
    speaker_label: str | None = None


class SpeakerRevision(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="SpeakerRevision"):
    """Turns whose speakers were told wrong before. The vendor's; our server never sends it."""

    revisions: list[SpeakerRevisionItem]


class LLMGatewayResponse(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="LLMGatewayResponse"
):
    """What a language model made of a turn. The vendor's; our server never sends it."""

    turn_order: int
    transcript: str
    data: Any


class WarningV3(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="Warning"):
    """Something that was asked for is not done as may be expected; the session goes on."""

    warning_code: int
    warning: str


class ErrorV3(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="Error"):
    """A fault; the socket is closed next, with the same code. Older servers send no code."""

    error: str
    error_code: int | None = None


class Termination(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="Termination"):
    """The last message of a session that was ended by its client."""

    audio_duration_seconds: int | None = None
    session_duration_seconds: int | None = None


ServerMessageV3 = (
    Begin
    | SpeechStartedV3
    | Turn
    | HeartbeatV3
    | Silence
    | SpeakerRevision
    | LLMGatewayResponse
    | WarningV3
    | ErrorV3
    | Termination
)

_TYPES: Final = frozenset(message.__struct_config__.tag for message in get_args(ServerMessageV3))
_decoder: msgspec.json.Decoder[ServerMessageV3] = msgspec.json.Decoder(ServerMessageV3)


def decode_server_message(text: str | bytes) -> ServerMessageV3 | None:
    """Read what a server sent; None for a type that is not known.

    Raises:
        ProtocolViolation: It is no JSON object, or a known type with wrong fields.
    """
    fields = json_object(text)
    if "type" not in fields and isinstance(fields.get("error"), str):
        return ErrorV3(error=str(fields["error"]))  # as servers told errors before they had a type
    kind = fields.get("type")
    if not isinstance(kind, str) or kind not in _TYPES:
        return None
    try:
        return _decoder.decode(text)
    except msgspec.ValidationError as error:
        raise ProtocolViolation(Failure.BAD_MESSAGE, str(error)) from error


# --- messages of the client -------------------------------------------------------------------


class UpdateConfiguration(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="UpdateConfiguration"
):
    """Changes in mid-session; what is absent stays as it is."""

    end_of_turn_confidence_threshold: float | None = None
    min_turn_silence: int | None = None
    min_end_of_turn_silence_when_confident: int | None = None
    """The name of ``min_turn_silence`` before March 2026."""
    max_turn_silence: int | None = None
    vad_threshold: float | None = None
    format_turns: bool | None = None
    keyterms_prompt: list[str] | None = None
    filter_profanity: bool | None = None
    mode: str | None = None
    continuous_partials: bool | None = None
    interruption_delay: int | None = None
    session_heartbeat: bool | None = None
    acknowledge_silence: bool | None = None
    prompt: str | None = None
    agent_context: str | None = None
    turn_left_pad_ms: int | None = None
    language_codes: list[str] | None = None
    partials_ms: int | None = None
    """Ours: audio between two partials of a turn, in ms."""


class ForceEndpointV3(msgspec.Struct, frozen=True, tag_field="type", tag="ForceEndpoint"):
    """End the turn now; answered by exactly one message with ``end_of_turn``."""


class KeepAliveV3(msgspec.Struct, frozen=True, tag_field="type", tag="KeepAlive"):
    """Only starts the time again after which a silent client is closed."""


class TerminateV3(msgspec.Struct, frozen=True, tag_field="type", tag="Terminate"):
    """Finish the last turn and end the session."""


CLIENT_MESSAGES: Final = (UpdateConfiguration, ForceEndpointV3, KeepAliveV3, TerminateV3)
"""All of them; audio is binary."""
