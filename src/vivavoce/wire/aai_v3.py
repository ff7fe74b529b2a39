"""AssemblyAI Universal-Streaming v3, ``/v3/ws``: its messages and its behaviour as a server.

Both ends use these definitions. Times are whole milliseconds of the session's audio; timestamps are
whole seconds since 1970.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from vivavoce.errors import ProtocolViolation
from vivavoce.types import Failure
from vivavoce.wire.fields import Query, clip_reason, json_object
from vivavoce.wire.neutral import (
    Audio,
    Closing,
    Command,
    Configure,
    Event,
    ForceEndpoint,
    KeepAlive,
    Limits,
    SessionBegan,
    SessionEnded,
    SessionFailed,
    SessionOptions,
    SpeechStarted,
    Terminate,
    TurnUpdated,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "PATH",
    "Begin",
    "ErrorV3",
    "ServerMessageV3",
    "Termination",
    "Turn",
    "UpdateConfiguration",
    "V3Dialect",
    "V3Factory",
    "WordV3",
    "decode_server_message",
]

PATH = "/v3/ws"
_DEFAULT_SAMPLE_RATE = 16_000
# Universal-Streaming's balanced preset.
_DEFAULT_THRESHOLD = 0.4
_DEFAULT_MIN_SILENCE_MS = 400
_DEFAULT_MAX_SILENCE_MS = 1_280
_SILENCE_MS = range(60_001)
_INACTIVITY_S = range(5, 3_601)
_MAX_KEY_TERMS = 100
_MAX_KEY_TERM_CHARACTERS = 50


# --- messages of the server -------------------------------------------------------------------


class Begin(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="Begin"):
    """The first message of a session."""

    id: str
    expires_at: int


class WordV3(msgspec.Struct, frozen=True, kw_only=True):
    """A word; times in ms."""

    start: int
    end: int
    text: str
    confidence: float
    word_is_final: bool


class Turn(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="Turn"):
    """A turn so far, or, with ``end_of_turn``, for good.

    ``transcript`` holds the committed words only; a word that may still change is in ``words`` alone.
    """

    turn_order: int
    turn_is_formatted: bool
    end_of_turn: bool
    transcript: str
    end_of_turn_confidence: float
    words: list[WordV3]
    utterance: str = ""


class Termination(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="Termination"):
    """The last message of a session that was ended by its client."""

    audio_duration_seconds: int
    session_duration_seconds: int


class ErrorV3(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="Error"):
    """A fault; the socket is closed next, with the same code."""

    error_code: int
    error: str


ServerMessageV3 = Begin | Turn | Termination | ErrorV3

_encode = msgspec.json.Encoder().encode
_decoder: msgspec.json.Decoder[ServerMessageV3] = msgspec.json.Decoder(ServerMessageV3)


def decode_server_message(text: str | bytes) -> ServerMessageV3 | None:
    """Read what a server sent; None for a type that is not known.

    Raises:
        ProtocolViolation: It is no JSON object, or a known type with wrong fields.
    """
    fields = json_object(text)
    if fields.get("type") not in {"Begin", "Turn", "Termination", "Error"}:
        return None
    try:
        return _decoder.decode(text)
    except msgspec.ValidationError as error:
        raise ProtocolViolation(Failure.BAD_MESSAGE, str(error)) from error


# --- messages of the client -------------------------------------------------------------------


class UpdateConfiguration(msgspec.Struct, frozen=True, kw_only=True):
    """Changes in mid-session; what is absent stays as it is. Unknown fields are ignored."""

    min_turn_silence: int | None = None
    min_end_of_turn_silence_when_confident: int | None = None  # the name before March 2026
    max_turn_silence: int | None = None
    end_of_turn_confidence_threshold: float | None = None
    vad_threshold: float | None = None
    format_turns: bool | None = None
    keyterms_prompt: list[str] | None = None


# --- the server's side ------------------------------------------------------------------------

_CODES = {
    Failure.BAD_SAMPLE_RATE: (3006, "Invalid Message"),
    Failure.BAD_ENCODING: (3006, "Invalid Message"),
    Failure.BAD_OPTION: (3006, "Invalid Message"),
    Failure.BAD_WORD_BOOST: (3006, "Invalid Message"),
    Failure.UNAUTHORIZED: (1008, "Unauthorized Connection"),
    Failure.TOKEN_EXPIRED: (3008, "Session Expired"),
    Failure.BAD_JSON: (3006, "Invalid JSON"),
    Failure.BAD_MESSAGE: (3006, "Invalid Message Type"),
    Failure.AUDIO_TOO_SHORT: (3007, "Input duration violation"),
    Failure.AUDIO_TOO_LONG: (3007, "Input duration violation"),
    Failure.AUDIO_TOO_FAST: (3007, "Audio Transmission Rate Exceeded"),
    Failure.AUDIO_MISALIGNED: (3006, "Invalid Message"),
    Failure.IDLE: (3006, "Inactivity timeout"),
    Failure.EXPIRED: (3008, "Session Expired: Maximum session duration exceeded"),
    Failure.BUSY: (3009, "Unauthorized Connection: Too many concurrent sessions"),
    Failure.SHUTTING_DOWN: (3005, "Session Cancelled: The server is shutting down"),
    Failure.INTERNAL: (3005, "Session Cancelled: An error occurred"),
}


def _refuse(failed: SessionFailed) -> Closing:
    code, text = _CODES[failed.failure]
    if failed.detail:
        text = f"{text}: {failed.detail}"
    frame = _encode(ErrorV3(error_code=code, error=text)).decode()
    return Closing(code, clip_reason(text), (frame,))


def _checked_terms(terms: Sequence[str]) -> tuple[str, ...]:
    if len(terms) > _MAX_KEY_TERMS:
        raise ProtocolViolation(
            Failure.BAD_OPTION, f"keyterms_prompt: {len(terms)} terms, at most {_MAX_KEY_TERMS}"
        )
    for term in terms:
        if len(term) > _MAX_KEY_TERM_CHARACTERS:
            raise ProtocolViolation(
                Failure.BAD_OPTION,
                f"keyterms_prompt: {term[:20]!r}... is longer than {_MAX_KEY_TERM_CHARACTERS} characters",
            )
    return tuple(terms)


def _checked_silence(name: str, value: int | None) -> int | None:
    if value is not None and value not in _SILENCE_MS:
        raise ProtocolViolation(Failure.BAD_OPTION, f"{name}: {value} is not in 0..{_SILENCE_MS.stop - 1} ms")
    return value


def _checked_fraction(name: str, value: float | None) -> float | None:
    if value is not None and not 0.0 <= value <= 1.0:
        raise ProtocolViolation(Failure.BAD_OPTION, f"{name}: {value} is not in 0..1")
    return value


class V3Dialect:
    """One v3 connection, seen from the server."""

    name: ClassVar[str] = "v3"

    def __init__(self, options: SessionOptions, limits: Limits) -> None:
        self.options = options
        self.limits = limits

    def decode(self, message: str | bytes) -> tuple[Command, ...]:
        """Turn one WebSocket message into commands: binary is audio, text is JSON.

        Raises:
            ProtocolViolation: The message is none of the protocol's.
        """
        if isinstance(message, bytes):
            return (Audio(message),)
        kind = json_object(message).get("type")
        match kind:
            case "Terminate":
                return (Terminate(),)
            case "ForceEndpoint":
                return (ForceEndpoint(),)
            case "KeepAlive":
                return (KeepAlive(),)
            case "UpdateConfiguration":
                return (self._configure(message),)
        raise ProtocolViolation(Failure.BAD_MESSAGE, f"{kind!r}")

    @staticmethod
    def _configure(message: str) -> Configure:
        try:
            update = msgspec.json.decode(message, type=UpdateConfiguration)
        except msgspec.ValidationError as error:
            raise ProtocolViolation(Failure.BAD_OPTION, str(error)) from error
        min_silence = update.min_turn_silence
        if min_silence is None:
            min_silence = update.min_end_of_turn_silence_when_confident
        terms = update.keyterms_prompt
        return Configure(
            min_silence_ms=_checked_silence("min_turn_silence", min_silence),
            max_silence_ms=_checked_silence("max_turn_silence", update.max_turn_silence),
            end_of_turn_threshold=_checked_fraction(
                "end_of_turn_confidence_threshold", update.end_of_turn_confidence_threshold
            ),
            speech_threshold=_checked_fraction("vad_threshold", update.vad_threshold),
            format_turns=update.format_turns,
            key_terms=None if terms is None else _checked_terms(terms),
        )

    def encode(self, event: Event, unix_time: float) -> tuple[str, ...]:  # noqa: ARG002 - v3 has no timestamps
        """Turn an event into the protocol's messages."""
        match event:
            case SessionBegan():
                message: ServerMessageV3 = Begin(id=event.session_id, expires_at=int(event.expires_at_unix))
            case TurnUpdated():
                message = self._turn(event)
            case SpeechStarted():
                return ()  # belongs to the Universal-3 models
            case SessionEnded() | SessionFailed():
                return self.closing(event).frames
        return (_encode(message).decode(),)

    @staticmethod
    def _turn(event: TurnUpdated) -> Turn:
        return Turn(
            turn_order=event.turn_order,
            turn_is_formatted=event.formatted,
            end_of_turn=event.ended,
            transcript=event.final_text,
            end_of_turn_confidence=round(event.end_of_turn_confidence, 6),
            words=[
                WordV3(
                    start=word.start_ms,
                    end=word.end_ms,
                    text=word.text,
                    confidence=round(word.confidence, 6),
                    word_is_final=word.is_final,
                )
                for word in event.words
            ],
            utterance=event.text if event.ended else "",
        )

    def closing(self, event: SessionEnded | SessionFailed) -> Closing:
        """How to close the socket after that event."""
        if isinstance(event, SessionFailed):
            return _refuse(event)
        message = Termination(
            audio_duration_seconds=round(event.audio_ms / 1000),
            session_duration_seconds=round(event.session_ms / 1000),
        )
        return Closing(1000, "", (_encode(message).decode(),))


class V3Factory:
    """Opens v3 connections."""

    name: ClassVar[str] = "v3"

    def open(self, pairs: Sequence[tuple[str, str]]) -> V3Dialect:
        """Read the query of the handshake.

        Raises:
            ProtocolViolation: A parameter can't be used.
        """
        query = Query(pairs)
        low, high = _SILENCE_MS.start, _SILENCE_MS.stop - 1
        min_silence = query.integer("min_turn_silence", low=low, high=high)
        if min_silence is None:
            min_silence = query.integer("min_end_of_turn_silence_when_confident", low=low, high=high)
        max_silence = query.integer("max_turn_silence", low=low, high=high)
        threshold = query.fraction("end_of_turn_confidence_threshold")
        formatted = query.flag("format_turns", default=False)
        idle_s = query.integer("inactivity_timeout", low=_INACTIVITY_S.start, high=_INACTIVITY_S.stop - 1)
        options = SessionOptions(
            sample_rate=query.sample_rate(default=_DEFAULT_SAMPLE_RATE),
            encoding=query.encoding(),
            partials=query.flag("include_partial_turns", default=True),
            format_partials=formatted,
            format_finals=formatted,
            min_silence_ms=_DEFAULT_MIN_SILENCE_MS if min_silence is None else min_silence,
            max_silence_ms=_DEFAULT_MAX_SILENCE_MS if max_silence is None else max_silence,
            end_of_turn_threshold=_DEFAULT_THRESHOLD if threshold is None else threshold,
            speech_threshold=query.fraction("vad_threshold"),
            answer_empty_force=True,
            commit_words=True,
            key_terms=_checked_terms(query.strings("keyterms_prompt")),
        )
        limits = Limits(
            min_chunk_ms=50, max_chunk_ms=1_000, max_lead_s=60, idle_s=idle_s, max_session_s=3 * 3600
        )
        return V3Dialect(options, limits)

    def refuse(self, violation: SessionFailed) -> Closing:
        """How to close a socket on which no session could begin."""
        return _refuse(violation)
