"""The messages of v3, in both directions, under the vendor's names.

Both ends use these classes. Times are whole milliseconds of the session's audio.

A reader has to accept every server of the protocol: a field with a default may be missing, and unknown
fields and types are skipped. Our server writes every field, except those that are None.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  - msgspec reads the annotations
from typing import Any, Final, Literal, get_args

import msgspec

from vivavoce.errors import ProtocolViolation
from vivavoce.protocol.model_methods import ModelMethods, convert_nested
from vivavoce.protocol.query import json_object
from vivavoce.types import Failure
from vivavoce.word_joining import join_words

__all__ = [
    "ABSENT",
    "API_VERSION",
    "CLIENT_MESSAGES",
    "MAX_AUDIO_MS",
    "MIN_AUDIO_MS",
    "BeginEvent",
    "ErrorEvent",
    "EventMessage",
    "ForceEndpoint",
    "HeartbeatEvent",
    "KeepAlive",
    "LLMGatewayResponseEvent",
    "Model",
    "SessionConfiguration",
    "SilenceEvent",
    "SpeakerRevisionEvent",
    "SpeakerRevisionItem",
    "SpeechStartedEvent",
    "TerminateSession",
    "TerminationEvent",
    "TurnEvent",
    "WarningEvent",
    "Word",
    "decode_event",
    "encode_event",
    "message_type",
]

API_VERSION: Final = "2025-05-12"
"""The version of the protocol, as the vendor's SDK sends it."""
ABSENT: Final[Any] = msgspec.UNSET
"""The value of an optional field that the server leaves out. None is left out as well, which takes longer."""
MIN_AUDIO_MS: Final = 50
MAX_AUDIO_MS: Final = 1_000
"""The least and the most audio in one message."""


class Model(ModelMethods, msgspec.Struct, kw_only=True):
    """The base of all messages."""


# --- messages of the server -------------------------------------------------------------------


class Word(Model, kw_only=True):
    """One word of a turn.

    Attributes:
        start: Where it begins, in milliseconds.
        end: Where it ends, in milliseconds.
        text: The word, with its punctuation.
        confidence: Probability that it is right, 0 to 1.
        word_is_final: Whether the word is final: a final word never changes.
        speaker: Who says it, if the session asked for speaker labels.
        speaker_confidence: Probability that the speaker is right, 0 to 1.
    """

    start: int
    end: int
    text: str
    confidence: float
    word_is_final: bool = True
    speaker: str | None = None
    speaker_confidence: float | None = None


class SessionConfiguration(Model, kw_only=True):
    """What the session was opened with.

    Attributes:
        model: The speech model.
        mode: The latency mode of a Universal-3 model.
        api_version: The version of the protocol.
        speaker_labels: Whether words carry speaker labels.
        redact_pii: Whether personal data is removed from finished turns.
        filter_profanity: Whether profanity is masked.
        domain: The domain of the speech.
        voice_focus: Which noise is suppressed.
    """

    model: str | None = None
    mode: str | None = None
    api_version: str | None = None
    speaker_labels: bool | None = None
    redact_pii: bool | None = None
    filter_profanity: bool | None = None
    domain: str | None = None
    voice_focus: str | None = None


class BeginEvent(Model, kw_only=True):
    """The first message of a session.

    Attributes:
        id: The server's name for the session.
        expires_at: When the server will end the session, in UTC; on the wire, in seconds since 1970.
        configuration: What the session was opened with; None if the server does not say.
        recording: True if the session asked for ``recording`` and the server takes its audio at any speed;
            else None. An extension of ours.
    """

    type: Literal["Begin"] = "Begin"
    id: str
    expires_at: datetime
    configuration: SessionConfiguration | None = None
    recording: bool | None = None

    def __post_init__(self) -> None:
        convert_nested(self, "configuration")


class TurnEvent(Model, kw_only=True):
    """The transcript of a turn so far or, with ``end_of_turn``, its final transcript.

    With the Universal-Streaming models ``transcript`` holds final words only; a word that may still change
    is in ``words`` alone. With the Universal-3 models it holds the whole turn, and each message replaces the
    last one.

    Attributes:
        turn_order: The number of the turn, from 0, in its channel.
        turn_is_formatted: Whether this is the formatted end of the turn: many programs take it for the end.
        end_of_turn: Whether the turn is finished.
        transcript: The text of the turn.
        end_of_turn_confidence: Probability that the turn is complete, 0 to 1.
        words: All words of the turn, including those that may still change.
        utterance: With the Universal-Streaming models the text since the last pause: in the message at a
            pause that may end the turn, or else at the end. With the Universal-3 models the whole text, at
            the end. In all other messages it is empty.
        language_code: The language, if the session asked for language detection.
        language_confidence: Probability that the language is right, 0 to 1.
        speaker_label: Who says most of the turn, if the session asked for speaker labels.
        speaker_confidence: Probability that the speaker is right, 0 to 1.
        channel: The channel, from 0, in a session with ``channels=2``; else None. An extension of ours.
    """

    type: Literal["Turn"] = "Turn"
    turn_order: int
    turn_is_formatted: bool = False
    end_of_turn: bool
    transcript: str = ""
    end_of_turn_confidence: float = 0.0
    words: list[Word] = []
    utterance: str = ""
    language_code: str | None = None
    language_confidence: float | None = None
    speaker_label: str | None = None
    speaker_confidence: float | None = None
    channel: int | None = None

    def __post_init__(self) -> None:
        convert_nested(self, "words")

    @property
    def text(self) -> str:
        """The whole text of the turn, including words that may still change."""
        if self.end_of_turn or not self.words:
            return self.transcript
        return join_words(word.text for word in self.words)

    @property
    def start(self) -> int | None:
        """Where the first word begins, in milliseconds; None without words."""
        return self.words[0].start if self.words else None

    @property
    def end(self) -> int | None:
        """Where the last word ends, in milliseconds; None without words."""
        return self.words[-1].end if self.words else None


class SpeechStartedEvent(Model, kw_only=True):
    """A speaker began to speak. Our server sends it with the Universal-3 models only.

    Attributes:
        timestamp: Where speech begins, in milliseconds: at the first word, or at most 400 ms before.
        confidence: Speech probability there, 0 to 1.
        channel: The channel, from 0, in a session with ``channels=2``; else None. An extension of ours.
    """

    type: Literal["SpeechStarted"] = "SpeechStarted"
    timestamp: int
    confidence: float | None = None
    channel: int | None = None


class HeartbeatEvent(Model, kw_only=True):
    """What the server has received; every 5 s, if the session asked for it.

    Attributes:
        total_audio_received_ms: Audio received over this connection.
        total_duration_ms: How long this connection has been open.
        realtime_factor: Seconds of audio received in each second.
        max_speech_probability: The highest speech probability since the last heartbeat, 0 to 1.
    """

    type: Literal["Heartbeat"] = "Heartbeat"
    total_audio_received_ms: int
    total_duration_ms: int
    realtime_factor: float
    max_speech_probability: float = 0.0


class SilenceEvent(Model, kw_only=True):
    """A stretch without speech; about once a second, if the session asked for it.

    Attributes:
        start_ms: Where it begins.
        end_ms: Where it ends.
        channel: The channel, from 0, in a session with ``channels=2``; else None. An extension of ours.
    """

    type: Literal["Silence"] = "Silence"
    start_ms: int
    end_ms: int
    channel: int | None = None


class SpeakerRevisionItem(Model, kw_only=True):
    """A turn with corrected speakers.

    Attributes:
        turn_order: The number of the turn.
        speaker_label: Who says most of the turn.
        words: The words of the turn, with their speakers.
        channel: The channel, from 0, in a session with ``channels=2``; else None. An extension of ours.
    """

    turn_order: int
    speaker_label: str | None = None
    words: list[Word] = []
    channel: int | None = None

    def __post_init__(self) -> None:
        convert_nested(self, "words")


class SpeakerRevisionEvent(Model, kw_only=True):
    """Turns with corrected speakers: at the end of a session, and now and then if that was asked for.

    Attributes:
        revisions: The turns.
    """

    type: Literal["SpeakerRevision"] = "SpeakerRevision"
    revisions: list[SpeakerRevisionItem] = []

    def __post_init__(self) -> None:
        convert_nested(self, "revisions")


class LLMGatewayResponseEvent(Model, kw_only=True):
    """The answer of a language model to a turn. Our server never sends it.

    Attributes:
        turn_order: The number of the turn.
        transcript: The text of the turn.
        data: The answer, a chat completion.
    """

    type: Literal["LLMGatewayResponse"] = "LLMGatewayResponse"
    turn_order: int
    transcript: str
    data: Any


class WarningEvent(Model, kw_only=True):
    """The server does not do something as requested; the session continues.

    Attributes:
        warning_code: The kind of warning; the vendor has published no codes.
        warning: What the server does instead.
    """

    type: Literal["Warning"] = "Warning"
    warning_code: int
    warning: str


class ErrorEvent(Model, kw_only=True):
    """The session failed; the server closes the socket next, with the same code.

    In the SDK, handlers get a RealtimeError instead.

    Attributes:
        error: What went wrong.
        error_code: The close code; None from older servers.
    """

    type: Literal["Error"] = "Error"
    error: str
    error_code: int | None = None


class TerminationEvent(Model, kw_only=True):
    """The last message of a session that its client ended.

    Attributes:
        audio_duration_seconds: Length of the audio.
        session_duration_seconds: How long the session was open.
    """

    type: Literal["Termination"] = "Termination"
    audio_duration_seconds: int | None = None
    session_duration_seconds: int | None = None


EventMessage = (
    BeginEvent
    | SpeechStartedEvent
    | TurnEvent
    | HeartbeatEvent
    | SilenceEvent
    | SpeakerRevisionEvent
    | LLMGatewayResponseEvent
    | WarningEvent
    | ErrorEvent
    | TerminationEvent
)
"""Every message that a server can send."""


def message_type(message: type[Model]) -> str:
    """Return the value of a message's ``type`` field."""
    (name,) = (field.default for field in msgspec.structs.fields(message) if field.name == "type")
    return str(name)


_BY_TYPE: Final[dict[str, type[EventMessage]]] = {
    message_type(message): message for message in get_args(EventMessage)
}


# msgspec builds what it knows of a type when that is decoded first, and crashes if two threads do so at
# once (0.22).
for _message in get_args(EventMessage):
    msgspec.json.Decoder(_message)


def decode_event(message: str | bytes) -> EventMessage | None:
    """Decode a message of a server, leniently; None for an unknown type.

    Fractions without a fractional part count as integers, and strings of digits as numbers.

    Raises:
        ProtocolViolation: The message is not a JSON object, or a known type with wrong fields.
    """
    fields = json_object(message)
    kind = fields.get("type")
    if kind is None and isinstance(fields.get("error"), str):
        kind = "Error"  # older servers send errors without a type
    event_type = _BY_TYPE.get(kind) if isinstance(kind, str) else None
    if event_type is None:
        return None
    try:
        return msgspec.convert({**fields, "type": kind}, event_type, strict=False)
    except msgspec.ValidationError as error:
        raise ProtocolViolation(Failure.BAD_MESSAGE, str(error)) from error


_encode = msgspec.json.Encoder().encode


def encode_event(event: EventMessage) -> str:
    """Encode a message of the server: fields that are None are left out, except in the configuration."""
    frame = _encode(event)
    if b":null" not in frame and not isinstance(event, BeginEvent):
        return frame.decode()
    fields = event.model_dump()
    if isinstance(event, BeginEvent):
        fields["expires_at"] = int(event.expires_at.timestamp())
    elif isinstance(event, TurnEvent):
        fields["words"] = [_without_none(word) for word in fields["words"]]
    return _encode(_without_none(fields)).decode()


def _without_none(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


# --- messages of the client -------------------------------------------------------------------


class ForceEndpoint(Model, kw_only=True):
    """End the turn now; the server answers with exactly one message with ``end_of_turn``."""

    type: Literal["ForceEndpoint"] = "ForceEndpoint"


class KeepAlive(Model, kw_only=True):
    """Restart the timer after which the server closes a session without audio or messages."""

    type: Literal["KeepAlive"] = "KeepAlive"


class TerminateSession(Model, kw_only=True):
    """Finish the last turn and end the session."""

    type: Literal["Terminate"] = "Terminate"


CLIENT_MESSAGES: Final = (ForceEndpoint, KeepAlive, TerminateSession)
"""The messages without fields; the others are audio, which is binary, and ``UpdateConfiguration``."""
