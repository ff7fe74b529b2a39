"""AssemblyAI Realtime v2, ``/v2/realtime/ws``: its messages and its behaviour as a server.

Both ends use these definitions: the server encodes what the client decodes. Times are whole
milliseconds of the session's audio; timestamps are ISO without a zone, in UTC.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

import msgspec

from vivavoce.errors import ProtocolViolation
from vivavoce.protocol.events import (
    Audio,
    Closing,
    Command,
    Configure,
    ForceEndpoint,
    Heartbeat,
    SessionBegan,
    SessionEnded,
    SessionEvent,
    SessionFailed,
    SessionLimits,
    SessionOptions,
    SilenceDetected,
    SpeechStarted,
    Terminate,
    TurnUpdated,
    Warned,
)
from vivavoce.protocol.key_terms import sort_terms
from vivavoce.protocol.query import Query, clip_reason, json_object
from vivavoce.types import Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "CLOSE_TEXTS",
    "DEFAULT_SILENCE_MS",
    "MAX_SILENCE_MS",
    "PATH",
    "RESUME_PATH",
    "ErrorMessage",
    "FinalTranscript",
    "PartialTranscript",
    "ServerMessage",
    "SessionBegins",
    "SessionInformation",
    "SessionTerminated",
    "V2Dialect",
    "V2Factory",
    "WordV2",
    "decode_server_message",
    "end_utterance_silence_threshold",
    "force_end_utterance",
    "terminate_session",
]

PATH = "/v2/realtime/ws"
RESUME_PATH = "/v2/realtime/ws/{session_id}"
"""Where clients would return to a session; ours end with their WebSocket, so it says why not."""
DEFAULT_SILENCE_MS = 700
MAX_SILENCE_MS = 20_000
_MAX_WORD_BOOST_CHARACTERS = 2_500
_SILENCE_UPDATE_MS = 1_000  # the service repeats empty partials in silence; its cadence is not published


# --- messages of the server -------------------------------------------------------------------


class WordV2(msgspec.Struct, frozen=True, kw_only=True):
    """A word; times in ms."""

    start: int
    end: int
    confidence: float
    text: str


class SessionBegins(msgspec.Struct, frozen=True, kw_only=True, tag_field="message_type", tag="SessionBegins"):
    """The first message of a session."""

    session_id: str
    expires_at: str


class PartialTranscript(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="message_type", tag="PartialTranscript"
):
    """The whole utterance so far, lower case and without punctuation."""

    audio_start: int
    audio_end: int
    confidence: float
    text: str
    words: list[WordV2]
    created: str


class FinalTranscript(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="message_type", tag="FinalTranscript"
):
    """The finished utterance."""

    audio_start: int
    audio_end: int
    confidence: float
    text: str
    words: list[WordV2]
    created: str
    punctuated: bool
    text_formatted: bool


class SessionInformation(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="message_type", tag="SessionInformation"
):
    """Sent before the end, when asked for."""

    audio_duration_seconds: float


class SessionTerminated(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="message_type", tag="SessionTerminated"
):
    """The last message of a session that was ended by its client."""


class ErrorMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A fault. Has no ``message_type``: with one, the vendor's SDK would not see it."""

    error: str


_TypedMessage = SessionBegins | PartialTranscript | FinalTranscript | SessionInformation | SessionTerminated
ServerMessage = _TypedMessage | ErrorMessage

_encode = msgspec.json.Encoder().encode
_typed_decoder: msgspec.json.Decoder[_TypedMessage] = msgspec.json.Decoder(_TypedMessage)
_error_decoder = msgspec.json.Decoder(ErrorMessage)


def decode_server_message(text: str | bytes) -> ServerMessage | None:
    """Read what a server sent; None for a type that is not known.

    Raises:
        ProtocolViolation: It is no JSON object, or a known type with wrong fields.
    """
    fields = json_object(text)
    try:
        if "message_type" not in fields:
            return _error_decoder.decode(text) if "error" in fields else None
        return _typed_decoder.decode(text)
    except msgspec.ValidationError as error:
        if "Invalid value" in str(error) and "message_type" in str(error):
            return None
        raise ProtocolViolation(Failure.BAD_MESSAGE, str(error)) from error


# --- messages of the client -------------------------------------------------------------------


def terminate_session() -> str:
    """Ask for the end of the session."""
    return '{"terminate_session": true}'


def force_end_utterance() -> str:
    """Ask for the end of the utterance."""
    return '{"force_end_utterance": true}'


def end_utterance_silence_threshold(milliseconds: int) -> str:
    """Set the silence that ends an utterance, in ms."""
    return f'{{"end_utterance_silence_threshold": {milliseconds}}}'


# --- the server's side ------------------------------------------------------------------------

CLOSE_TEXTS = {
    4000: "Sample rate must be a positive integer",
    4001: "Not Authorized",
    4002: "Insufficient funds",
    4003: "This feature is paid-only and requires you to add a credit card",
    4004: "Session not found",
    4008: "Session expired",
    4010: "Session previously closed",
    4029: "Client sent audio too fast",
    4030: "Session is handled by another WebSocket",
    4031: "Session idle for too long",
    4032: "Audio duration is too short",
    4033: "Audio duration is too long",
    4034: "Audio too small to transcode",
    4100: "Endpoint received invalid JSON",
    4101: "Endpoint received a message with an invalid schema",
    4102: "This account has exceeded the number of allowed streams",
    4103: "The session has been reconnected; this WebSocket is no longer valid",
    4104: "Could not parse word boost",
    1013: "Temporary server condition forced blocking the client's request",
}
"""What the protocol calls each of its close codes."""

_CODES = {
    Failure.BAD_SAMPLE_RATE: 4000,
    Failure.BAD_ENCODING: 4101,
    Failure.BAD_OPTION: 4101,
    Failure.BAD_WORD_BOOST: 4104,
    Failure.UNAUTHORIZED: 4001,
    Failure.TOKEN_EXPIRED: 4001,
    Failure.NO_FUNDS: 4002,
    Failure.UNPAID: 4003,
    Failure.BAD_JSON: 4100,
    Failure.BAD_MESSAGE: 4101,
    Failure.AUDIO_TOO_SHORT: 4032,
    Failure.AUDIO_TOO_LONG: 4033,
    Failure.AUDIO_TOO_FAST: 4029,
    Failure.AUDIO_MISALIGNED: 4034,
    Failure.AUDIO_UNREADABLE: 4101,
    Failure.MESSAGE_TOO_LARGE: 4101,
    Failure.SESSION_UNKNOWN: 4004,
    Failure.SESSION_OVER: 4010,
    Failure.SESSION_ELSEWHERE: 4030,
    Failure.IDLE: 4031,
    Failure.EXPIRED: 4008,
    Failure.BUSY: 4102,
    Failure.SHUTTING_DOWN: 1013,
    Failure.CANNOT_BEGIN: 1013,
    Failure.INTERNAL: 1013,
}


def _naive_iso(unix_time: float) -> str:
    return datetime.fromtimestamp(unix_time, UTC).replace(tzinfo=None).isoformat()


def _refuse(failed: SessionFailed) -> Closing:
    code = _CODES[failed.failure]
    text = CLOSE_TEXTS[code]
    if failed.detail:
        text = f"{text}: {failed.detail}"
    return Closing(code, clip_reason(text), (_encode(ErrorMessage(error=text)).decode(),))


class V2Dialect:
    """One v2 connection, seen from the server."""

    name: ClassVar[str] = "v2"
    webhook: ClassVar[None] = None  # v2 has none
    limits: ClassVar[SessionLimits] = SessionLimits(
        min_chunk_ms=100, max_chunk_ms=2_000, max_lead_s=60, idle_s=60, max_session_s=24 * 3600
    )

    def __init__(self, options: SessionOptions, *, extra_information: bool = False) -> None:
        self.options = options
        self._extra_information = extra_information

    def decode(self, message: str | bytes) -> tuple[Command, ...]:
        """Turn one WebSocket message into commands: binary is audio, text is JSON.

        Raises:
            ProtocolViolation: The message is none of the protocol's.
        """
        if isinstance(message, bytes):
            return (Audio(message),)
        fields = json_object(message)
        match fields:
            case {"audio_data": str(encoded)}:
                try:
                    return (Audio(base64.b64decode(encoded, validate=True)),)
                except ValueError as error:  # binascii.Error, or no ASCII
                    raise ProtocolViolation(
                        Failure.BAD_MESSAGE, f"audio_data is not base64: {error}"
                    ) from error
            case {"terminate_session": True}:
                return (Terminate(),)
            case {"force_end_utterance": True}:
                return (ForceEndpoint(),)
            case {"terminate_session": False} | {"force_end_utterance": False}:
                return ()
            case {"end_utterance_silence_threshold": ms}:
                if not isinstance(ms, int) or isinstance(ms, bool) or not 0 <= ms <= MAX_SILENCE_MS:
                    raise ProtocolViolation(
                        Failure.BAD_MESSAGE,
                        f"end_utterance_silence_threshold {str(ms)[:20]} is not a whole number"
                        f" in 0..{MAX_SILENCE_MS}",
                    )
                return (Configure(min_silence_ms=ms, max_silence_ms=ms),)
        names = ", ".join(sorted(fields)) or "no fields"
        raise ProtocolViolation(Failure.BAD_MESSAGE, f"unknown message with {names}")

    def encode(self, event: SessionEvent, unix_time: float) -> tuple[str, ...]:
        """Turn an event into the protocol's messages."""
        match event:
            case SessionBegan():
                message: ServerMessage = SessionBegins(
                    session_id=event.session_id, expires_at=_naive_iso(event.expires_at_unix)
                )
            case TurnUpdated():
                message = self._transcript(event, unix_time)
            case SpeechStarted() | SilenceDetected() | Heartbeat() | Warned():
                return ()  # v2 has no such messages
            case SessionEnded() | SessionFailed():
                return self.closing(event).frames
        return (_encode(message).decode(),)

    @staticmethod
    def _transcript(event: TurnUpdated, unix_time: float) -> PartialTranscript | FinalTranscript:
        words = [
            WordV2(start=word.start_ms, end=word.end_ms, confidence=round(word.confidence, 4), text=word.text)
            for word in event.words
        ]
        confidence = round(event.confidence, 4)
        created = _naive_iso(unix_time)
        if not event.ended:
            return PartialTranscript(
                audio_start=event.start_ms,
                audio_end=event.end_ms,
                confidence=confidence,
                text=event.text,
                words=words,
                created=created,
            )
        return FinalTranscript(
            audio_start=event.start_ms,
            audio_end=event.end_ms,
            confidence=confidence,
            text=event.text,
            words=words,
            created=created,
            punctuated=event.punctuated,
            text_formatted=event.formatted,
        )

    def closing(self, event: SessionEnded | SessionFailed) -> Closing:
        """How to close the socket after that event."""
        if isinstance(event, SessionFailed):
            return _refuse(event)
        frames: list[str] = []
        if self._extra_information:
            seconds = event.audio_ms / 1000
            frames.append(_encode(SessionInformation(audio_duration_seconds=seconds)).decode())
        frames.append(_encode(SessionTerminated()).decode())
        return Closing(1000, "", tuple(frames))


class V2Factory:
    """Opens v2 connections."""

    name: ClassVar[str] = "v2"

    def open(self, pairs: Sequence[tuple[str, str]]) -> V2Dialect:
        """Read the query of the handshake.

        Raises:
            ProtocolViolation: A parameter can't be used.
        """
        query = Query(pairs)
        if query.flag("redact_pii"):  # no parameter of v2, but whoever asks for it must not be ignored
            raise ProtocolViolation(Failure.BAD_OPTION, "redact_pii: v3 can redact, v2 can't")
        key_terms = query.strings("word_boost", Failure.BAD_WORD_BOOST) or ()
        length = sum(map(len, key_terms))
        if length > _MAX_WORD_BOOST_CHARACTERS:
            raise ProtocolViolation(
                Failure.BAD_WORD_BOOST, f"{length} characters, at most {_MAX_WORD_BOOST_CHARACTERS}"
            )
        options = SessionOptions(
            sample_rate=query.sample_rate(default=None),
            encoding=query.encoding(),
            partials=not query.flag("disable_partial_transcripts"),
            format_partials=False,
            format_finals=query.flag("format_text") is not False,
            punctuate_finals=query.flag("punctuate") is not False,
            filter_profanity=query.flag("filter_profanity") or False,
            min_silence_ms=DEFAULT_SILENCE_MS,
            max_silence_ms=DEFAULT_SILENCE_MS,
            silence_updates_ms=_SILENCE_UPDATE_MS,
            key_terms=sort_terms(key_terms)[0],
        )
        return V2Dialect(options, extra_information=query.flag("enable_extra_session_information") or False)

    def refuse(self, violation: SessionFailed) -> Closing:
        """How to close a socket on which no session could begin."""
        return _refuse(violation)
