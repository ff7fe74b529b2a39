"""How the server speaks v3."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import msgspec

from vivavoce.errors import ProtocolViolation
from vivavoce.protocol.aai_v3.messages import (
    Begin,
    ErrorV3,
    HeartbeatV3,
    ServerMessageV3,
    Silence,
    SpeechStartedV3,
    Termination,
    Turn,
    WarningV3,
    WordV3,
)
from vivavoce.protocol.aai_v3.parameters import Opening, read_query, read_update
from vivavoce.protocol.events import (
    Audio,
    Closing,
    Command,
    ForceEndpoint,
    Heartbeat,
    KeepAlive,
    SessionBegan,
    SessionEnded,
    SessionEvent,
    SessionFailed,
    SessionLimits,
    SilenceDetected,
    SpeechStarted,
    Terminate,
    TurnUpdated,
    Warned,
)
from vivavoce.protocol.query import Fields, Query, clip_reason, json_object
from vivavoce.types import Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.protocol.events import SessionOptions, Webhook

__all__ = ["CODES", "PATH", "WARNING_CODE", "V3Dialect", "V3Factory"]

PATH: Final = "/v3/ws"
WARNING_CODE: Final = 2001
"""Of every warning; the vendor has published none of theirs."""

_MAX_MESSAGE_BYTES: Final = 128 * 1024
_MAX_SESSION_S: Final = 3 * 3600

CODES: Final = {
    Failure.BAD_SAMPLE_RATE: (3006, "Invalid Message"),
    Failure.BAD_ENCODING: (3006, "Invalid Message"),
    Failure.BAD_OPTION: (3006, "Invalid Message"),
    Failure.BAD_WORD_BOOST: (3006, "Invalid Message"),
    Failure.UNAUTHORIZED: (1008, "Unauthorized Connection"),
    Failure.NO_FUNDS: (1008, "Unauthorized Connection"),
    Failure.UNPAID: (1008, "Unauthorized Connection"),
    Failure.TOKEN_EXPIRED: (3008, "Session Expired"),
    Failure.BAD_JSON: (3006, "Invalid JSON"),
    Failure.BAD_MESSAGE: (3006, "Invalid Message Type"),
    Failure.MESSAGE_TOO_LARGE: (1009, "Message too large"),
    Failure.AUDIO_TOO_SHORT: (3007, "Input duration violation"),
    Failure.AUDIO_TOO_LONG: (3007, "Input duration violation"),
    Failure.AUDIO_TOO_FAST: (3007, "Audio Transmission Rate Exceeded"),
    Failure.AUDIO_MISALIGNED: (3006, "Invalid Message"),
    Failure.AUDIO_UNREADABLE: (3006, "User Input Validation Error"),
    Failure.SESSION_UNKNOWN: (3006, "Invalid Message"),
    Failure.SESSION_OVER: (3006, "Invalid Message"),
    Failure.SESSION_ELSEWHERE: (3006, "Invalid Message"),
    Failure.IDLE: (3006, "Inactivity timeout"),
    Failure.EXPIRED: (3008, "Session Expired: Maximum session duration exceeded"),
    Failure.BUSY: (3009, "Unauthorized Connection: Too many concurrent sessions"),
    Failure.SHUTTING_DOWN: (3005, "Session Cancelled: The server is shutting down"),
    Failure.CANNOT_BEGIN: (1011, "Internal error: no session could be established"),
    Failure.INTERNAL: (3005, "Session Cancelled: An error occurred"),
}
"""The close code of each failure, and what its text begins with."""

_encode = msgspec.json.Encoder().encode


def _channel(channel: int | None) -> int | msgspec.UnsetType:
    return msgspec.UNSET if channel is None else channel


def _refuse(failed: SessionFailed) -> Closing:
    code, text = CODES[failed.failure]
    if failed.detail:
        text = f"{text}: {failed.detail}"
    frame = _encode(ErrorV3(error_code=code, error=text)).decode()
    return Closing(code, clip_reason(text), (frame,))


class V3Dialect:
    """One v3 connection, seen from the server."""

    name: ClassVar[str] = "v3"

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self.options: SessionOptions = opening.options
        self.webhook: Webhook | None = opening.webhook
        self.limits = SessionLimits(
            min_chunk_ms=50,
            max_chunk_ms=1_000,
            max_lead_s=60,
            idle_s=opening.idle_s,
            max_session_s=_MAX_SESSION_S,
        )

    def decode(self, message: str | bytes) -> tuple[Command, ...]:
        """Turn one WebSocket message into commands: binary is audio, text is JSON.

        Raises:
            ProtocolViolation: The message is none of the protocol's.
        """
        n_bytes = len(message if isinstance(message, bytes) else message.encode())
        if n_bytes > _MAX_MESSAGE_BYTES:
            raise ProtocolViolation(
                Failure.MESSAGE_TOO_LARGE, f"{n_bytes} bytes, at most {_MAX_MESSAGE_BYTES}"
            )
        if isinstance(message, bytes):
            return (Audio(message),)
        fields = json_object(message)
        kind = fields.get("type")
        match kind:
            case "Terminate":
                return (Terminate(),)
            case "ForceEndpoint":
                return (ForceEndpoint(),)
            case "KeepAlive":
                return (KeepAlive(),)
            case "UpdateConfiguration":
                return read_update(Fields(fields), self._opening.family)
        raise ProtocolViolation(Failure.BAD_MESSAGE, clip_reason(f"{kind!r}"))

    def encode(self, event: SessionEvent, unix_time: float) -> tuple[str, ...]:  # noqa: ARG002 - v3 has no timestamps
        """Turn an event into the protocol's messages."""
        match event:
            case SessionBegan():
                message: ServerMessageV3 = Begin(
                    id=event.session_id,
                    expires_at=int(event.expires_at_unix),
                    configuration=self._opening.configuration,
                )
            case TurnUpdated():
                message = self._turn(event)
            case SpeechStarted():
                if not self._opening.family.tells_speech:
                    return ()
                message = SpeechStartedV3(
                    timestamp=event.at_ms,
                    confidence=round(event.confidence, 6),
                    channel=_channel(event.channel),
                )
            case SilenceDetected():
                message = Silence(
                    start_ms=event.start_ms, end_ms=event.end_ms, channel=_channel(event.channel)
                )
            case Heartbeat():
                message = HeartbeatV3(
                    total_audio_received_ms=event.audio_ms,
                    total_duration_ms=event.session_ms,
                    realtime_factor=round(event.audio_ms / max(1, event.session_ms), 3),
                    max_speech_probability=round(event.max_speech_probability, 6),
                )
            case Warned():
                message = WarningV3(warning_code=WARNING_CODE, warning=event.text)
            case SessionEnded() | SessionFailed():
                return self.closing(event).frames
        return (_encode(message).decode(),)

    def _turn(self, event: TurnUpdated) -> Turn:
        family = self._opening.family
        confidence = float(event.ended) if family.replaces_text else round(event.end_of_turn_confidence, 6)
        return Turn(
            turn_order=event.turn_order,
            turn_is_formatted=event.formatted,
            end_of_turn=event.ended,
            transcript=event.text if family.replaces_text else event.final_text,
            end_of_turn_confidence=confidence,
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
            channel=_channel(event.channel),
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
        return V3Dialect(read_query(Query(pairs)))

    def refuse(self, violation: SessionFailed) -> Closing:
        """How to close a socket on which no session could begin."""
        return _refuse(violation)
