"""The messages of v2, in both directions, under the vendor's names.

Both ends use these classes. Times are whole milliseconds of the session's audio; timestamps are in UTC and
carry no zone.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, fields
from datetime import datetime  # noqa: TC003  - msgspec reads the annotations
from typing import Any, Final, TypeAlias, get_args
from uuid import UUID  # noqa: TC003  - as above

import msgspec

from vivavoce.errors import ProtocolViolation
from vivavoce.protocol.commands import MAX_SILENCE_MS
from vivavoce.protocol.model_methods import ModelMethods, convert_nested
from vivavoce.protocol.query import json_object
from vivavoce.types import Failure

__all__ = [
    "DEFAULT_SILENCE_MS",
    "MAX_AUDIO_MS",
    "MAX_SILENCE_MS",
    "MIN_AUDIO_MS",
    "AudioEncoding",
    "ErrorMessage",
    "RealtimeFinalTranscript",
    "RealtimeMessageTypes",
    "RealtimePartialTranscript",
    "RealtimeSessionInformation",
    "RealtimeSessionOpened",
    "RealtimeSpeakerRevision",
    "RealtimeSpeakerRevisionItem",
    "RealtimeTranscript",
    "RealtimeWord",
    "ServerMessage",
    "SessionTerminated",
    "decode_server_message",
    "encode_server_message",
    "end_utterance_silence_threshold",
    "force_end_utterance",
    "message_type",
    "terminate_session",
]

MIN_AUDIO_MS: Final = 100
MAX_AUDIO_MS: Final = 2_000
"""The least and the most audio in one message."""
DEFAULT_SILENCE_MS: Final = 700
"""The silence that ends an utterance, without a message about it."""


class AudioEncoding(enum.StrEnum):
    """The encoding of the audio samples."""

    pcm_s16le = "pcm_s16le"
    """16-bit signed integers, little-endian."""

    pcm_mulaw = "pcm_mulaw"
    """8-bit mu-law, the encoding of telephony."""


class RealtimeMessageTypes(enum.StrEnum):
    """The types of the server's messages."""

    partial_transcript = "PartialTranscript"
    final_transcript = "FinalTranscript"
    session_begins = "SessionBegins"
    session_terminated = "SessionTerminated"
    session_information = "SessionInformation"
    speaker_revision = "SpeakerRevision"


# --- messages of the server -------------------------------------------------------------------

_OURS: Final = ("speaker", "speaker_label")
"""Fields that the vendor's messages do not have; they are left out where they have no value."""


def _without_ours(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _without_ours(content)
            for name, content in value.items()
            if content is not None or name not in _OURS
        }
    return list(map(_without_ours, value)) if isinstance(value, list) else value


class _Methods(ModelMethods):
    """The vendor's methods; what they return has the vendor's fields, and ours where they have a value."""

    __slots__ = ()

    def model_dump(self, *, exclude_none: bool = False, **_: object) -> dict[str, Any]:
        """Return the fields as a dictionary of plain values; times stay ``datetime``.

        Args:
            exclude_none: Whether fields without a value are left out, nested ones too.
        """
        fields: dict[str, Any] = _without_ours(super().model_dump(exclude_none=exclude_none))
        return fields

    dict = model_dump


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeWord(_Methods):
    """One word of a transcript.

    Attributes:
        start: Where it begins, in milliseconds since the session's audio began.
        end: Where it ends, on the same timeline.
        confidence: Probability that it is right, 0 to 1.
        text: The word.
        speaker: Who says it, in a final of a session that asked for speaker labels. An extension of ours.
    """

    start: int
    end: int
    confidence: float
    text: str
    speaker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeTranscript(_Methods):
    """The transcript of an utterance, partial or final.

    Attributes:
        message_type: Which of the two it is.
        audio_start: Where the utterance begins, in milliseconds since the session's audio began.
        audio_end: Where it ends, on the same timeline.
        confidence: Probability that the text is right, 0 to 1.
        text: The whole utterance so far; empty during silence.
        words: Its words, in order.
        created: When the server made the transcript, in UTC, without a zone.
    """

    message_type: RealtimeMessageTypes
    audio_start: int
    audio_end: int
    confidence: float
    text: str
    words: list[RealtimeWord]
    created: datetime

    def __post_init__(self) -> None:
        convert_nested(self, "words")


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimePartialTranscript(RealtimeTranscript):
    """The utterance so far, in lower case and without punctuation; each one replaces the last."""

    message_type: RealtimeMessageTypes = RealtimeMessageTypes.partial_transcript


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeFinalTranscript(RealtimeTranscript):
    """The finished utterance.

    Attributes:
        punctuated: Whether it has punctuation.
        text_formatted: Whether it has case and figures.
        speaker_label: Who says most of it, if the session asked for speaker labels: ``A``, ``B`` and so on,
            or ``PENDING``. An extension of ours.
    """

    message_type: RealtimeMessageTypes = RealtimeMessageTypes.final_transcript
    punctuated: bool
    text_formatted: bool
    speaker_label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeSessionOpened(_Methods):
    """The first message of a session.

    Attributes:
        message_type: Always ``session_begins``.
        session_id: The server's name for the session.
        expires_at: When the server will end the session, in UTC, without a zone.
    """

    message_type: RealtimeMessageTypes = RealtimeMessageTypes.session_begins
    session_id: UUID
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeSessionInformation(_Methods):
    """How much audio the server received; sent before the end, if the session asked for it.

    Attributes:
        message_type: Always ``session_information``.
        audio_duration_seconds: Length of the session's audio, in seconds.
    """

    message_type: RealtimeMessageTypes = RealtimeMessageTypes.session_information
    audio_duration_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeSpeakerRevisionItem(_Methods):
    """An utterance with corrected speakers.

    Attributes:
        audio_start: Where the utterance begins, as in its final transcript.
        audio_end: Where it ends, as there.
        speaker_label: Who says most of it.
        words: Its words, with their speakers.
    """

    audio_start: int
    audio_end: int
    speaker_label: str | None = None
    words: list[RealtimeWord]

    def __post_init__(self) -> None:
        convert_nested(self, "words")


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeSpeakerRevision(_Methods):
    """Utterances with corrected speakers; sent before the end, if the session asked for speaker labels.

    An extension of ours: the vendor's v2 has no speakers, and its SDK skips the message.

    Attributes:
        message_type: Always ``speaker_revision``.
        revisions: The utterances.
    """

    message_type: RealtimeMessageTypes = RealtimeMessageTypes.speaker_revision
    revisions: list[RealtimeSpeakerRevisionItem]

    def __post_init__(self) -> None:
        convert_nested(self, "revisions")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTerminated:
    """The last message of a session that its client ended.

    Attributes:
        message_type: Always ``session_terminated``.
    """

    message_type: RealtimeMessageTypes = RealtimeMessageTypes.session_terminated


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorMessage:
    """The session failed. Without a ``message_type``: the vendor's SDK ignores an error that has one.

    Attributes:
        error: What went wrong.
    """

    error: str


_TypedMessage: TypeAlias = (
    RealtimeSessionOpened
    | RealtimePartialTranscript
    | RealtimeFinalTranscript
    | RealtimeSessionInformation
    | RealtimeSpeakerRevision
    | SessionTerminated
)
ServerMessage: TypeAlias = _TypedMessage | ErrorMessage
"""Every message that a server can send."""


def message_type(message: type) -> str | None:
    """Return the value of a message's ``message_type`` field; None if it has none."""
    return next((str(field.default) for field in fields(message) if field.name == "message_type"), None)


_BY_TYPE: Final[dict[object, type[_TypedMessage]]] = {
    message_type(message): message for message in get_args(_TypedMessage)
}
# msgspec builds what it knows of a type when that is decoded first, and crashes if two threads do so at
# once (0.22).
for _message in get_args(ServerMessage):
    msgspec.json.Decoder(_message)
_encode = msgspec.json.Encoder().encode


def decode_server_message(text: str | bytes) -> ServerMessage | None:
    """Decode a message of a server; None for an unknown type. Unknown fields are skipped.

    Raises:
        ProtocolViolation: The message is not a JSON object, or a known type with wrong fields.
    """
    received = json_object(text)
    kind = received.get("message_type")
    known: type[ServerMessage] | None = None
    if "message_type" not in received:
        known = ErrorMessage if "error" in received else None
    elif isinstance(kind, str):
        known = _BY_TYPE.get(kind)
    if known is None:
        return None
    try:
        return msgspec.convert(received, known)
    except msgspec.ValidationError as error:
        raise ProtocolViolation(Failure.BAD_MESSAGE, str(error)) from error


def encode_server_message(message: ServerMessage) -> str:
    """Encode a message of the server."""
    encoded = _encode(message)
    for name in _OURS:  # quotes in a text are escaped, so this is a field
        encoded = encoded.replace(f',"{name}":null'.encode(), b"")
    return encoded.decode()


# --- messages of the client -------------------------------------------------------------------


def terminate_session() -> str:
    """Return the message that asks for the end of the session."""
    return '{"terminate_session": true}'


def force_end_utterance() -> str:
    """Return the message that asks for the end of the utterance."""
    return '{"force_end_utterance": true}'


def end_utterance_silence_threshold(milliseconds: int) -> str:
    """Return the message that sets the silence which ends an utterance, in milliseconds."""
    return f'{{"end_utterance_silence_threshold": {milliseconds}}}'
