"""The server's side of v3."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

from vivavoce.errors import ProtocolViolation
from vivavoce.protocol.aai_v3.close_codes import CODES
from vivavoce.protocol.aai_v3.messages import (
    ABSENT,
    MAX_AUDIO_MS,
    MIN_AUDIO_MS,
    BeginEvent,
    ErrorEvent,
    EventMessage,
    HeartbeatEvent,
    SilenceEvent,
    SpeakerRevisionEvent,
    SpeakerRevisionItem,
    SpeechStartedEvent,
    TerminationEvent,
    TurnEvent,
    WarningEvent,
    Word,
    encode_event,
)
from vivavoce.protocol.aai_v3.options import Handshake, read_query, read_update
from vivavoce.protocol.aai_v3.parameters import PARAMETERS
from vivavoce.protocol.commands import read_command, text_in_binary
from vivavoce.protocol.events import (
    Audio,
    Closing,
    Command,
    Heartbeat,
    SessionBegan,
    SessionEnded,
    SessionEvent,
    SessionFailed,
    SessionLimits,
    SilenceDetected,
    SpeakersRevised,
    SpeechStarted,
    TurnUpdated,
    Warned,
)
from vivavoce.protocol.query import Fields, Query, clip_reason, json_object, shown_value
from vivavoce.protocol.served_models import ENGLISH_ONLY
from vivavoce.types import Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.protocol.events import RoomRequest, SessionOptions, Webhook
    from vivavoce.protocol.served_models import ServedModels

__all__ = ["WARNING_CODE", "V3Dialect", "V3Factory"]

WARNING_CODE: Final = 2001
"""The code of every warning; the vendor has published no codes."""

_MAX_MESSAGE_BYTES: Final = 128 * 1024
_MAX_SESSION_S: Final = 3 * 3600


def _refuse(failed: SessionFailed) -> Closing:
    code, text = CODES[failed.failure]
    if failed.detail:
        text = f"{text}: {failed.detail}"
    frame = encode_event(ErrorEvent(error=text, error_code=code))
    return Closing(code, clip_reason(text), (frame,))


class V3Dialect:
    """One v3 connection, seen from the server."""

    name: ClassVar[str] = "v3"

    def __init__(self, handshake: Handshake) -> None:
        self._handshake = handshake  # the session's own parameters; an update changes only the session
        self.options: SessionOptions = handshake.options
        self.webhook: Webhook | None = handshake.webhook
        self.room: RoomRequest | None = handshake.room
        self.limits = SessionLimits(
            min_chunk_ms=MIN_AUDIO_MS,
            max_chunk_ms=MAX_AUDIO_MS,
            max_lead_s=None if self.options.recording else 60,
            idle_s=handshake.idle_s,
            max_session_s=_MAX_SESSION_S,
        )

    def decode(self, message: str | bytes) -> tuple[Command, ...]:
        """Translate one WebSocket message into commands: audio is binary, JSON is text or binary.

        Raises:
            ProtocolViolation: The message does not belong to the protocol, or has wrong fields.
        """
        n_bytes = len(message if isinstance(message, bytes) else message.encode())
        if n_bytes > _MAX_MESSAGE_BYTES:
            raise ProtocolViolation(
                Failure.MESSAGE_TOO_LARGE, f"at most {_MAX_MESSAGE_BYTES} bytes, got {n_bytes}"
            )
        if isinstance(message, bytes):
            text = text_in_binary(message)
            if text is None:
                return (Audio(message),)
            message = text
        fields = json_object(message)
        kind = fields.get("type")
        if kind == "UpdateConfiguration":
            handshake = self._handshake
            return read_update(
                Fields(fields, PARAMETERS),
                handshake.family,
                handshake.model,
                self.options.redaction,
                translates=self.options.translates,
            )
        commands = read_command(fields)
        if commands is not None:
            return commands
        raise ProtocolViolation(Failure.BAD_MESSAGE, shown_value(kind))

    def encode(self, event: SessionEvent, unix_time: float) -> tuple[str, ...]:  # noqa: ARG002 - v3 has no timestamps
        """Translate an event into messages, possibly none."""
        match event:
            case SessionBegan():
                message: EventMessage = BeginEvent(
                    id=event.session_id,
                    expires_at=datetime.fromtimestamp(int(event.expires_at_unix), UTC),
                    configuration=self._handshake.configuration,
                    recording=self.options.recording or None,
                )
            case TurnUpdated():
                message = self._turn(event)
            case SpeakersRevised():
                message = _revision(event)
            case SpeechStarted():
                if not self._handshake.family.reports_speech_start:
                    return ()
                message = SpeechStartedEvent(
                    timestamp=event.at_ms,
                    confidence=round(event.confidence, 6),
                    channel=event.channel,
                )
            case SilenceDetected():
                message = SilenceEvent(start_ms=event.start_ms, end_ms=event.end_ms, channel=event.channel)
            case Heartbeat():
                message = HeartbeatEvent(
                    total_audio_received_ms=event.audio_ms,
                    total_duration_ms=event.session_ms,
                    realtime_factor=round(event.audio_ms / max(1, event.session_ms), 3),
                    max_speech_probability=round(event.max_speech_probability, 6),
                )
            case Warned():
                message = WarningEvent(warning_code=WARNING_CODE, warning=event.text)
            case SessionEnded() | SessionFailed():
                return self.closing(event).frames
        return (encode_event(message),)

    def _turn(self, event: TurnUpdated) -> TurnEvent:
        family = self._handshake.family
        whole = event.text if event.ended else ""
        confidence = float(event.ended) if family.replaces_text else round(event.end_of_turn_confidence, 6)
        return TurnEvent(
            turn_order=event.turn_order,
            turn_is_formatted=event.formatted and event.ended,
            end_of_turn=event.ended,
            transcript=event.text if family.replaces_text else event.final_text,
            end_of_turn_confidence=confidence,
            words=_words(event),
            utterance=whole if event.utterance is None else event.utterance,
            language_code=_or_absent(event.language),
            language_confidence=ABSENT if event.language is None else round(event.language_probability, 6),
            speaker_label=_or_absent(event.speaker),
            speaker_confidence=_or_absent(event.speaker_confidence),
            channel=_or_absent(event.channel),
        )

    def closing(self, event: SessionEnded | SessionFailed) -> Closing:
        """Return how to close the socket after an event."""
        if isinstance(event, SessionFailed):
            return _refuse(event)
        message = TerminationEvent(
            audio_duration_seconds=round(event.audio_ms / 1000),
            session_duration_seconds=round(event.session_ms / 1000),
        )
        return Closing(1000, "", (encode_event(message),))


def _words(event: TurnUpdated) -> list[Word]:
    return [
        Word(
            start=word.start_ms,
            end=word.end_ms,
            text=word.text,
            confidence=round(word.confidence, 6),
            word_is_final=word.is_final,
            speaker=_or_absent(word.speaker or event.speaker),
            speaker_confidence=_or_absent(word.speaker_confidence),
        )
        for word in event.words
    ]


def _or_absent(value: Any) -> Any:
    """The value of a field that is left out if there is none."""
    return ABSENT if value is None else value


def _revision(event: SpeakersRevised) -> SpeakerRevisionEvent:
    return SpeakerRevisionEvent(
        revisions=[
            SpeakerRevisionItem(
                turn_order=turn.turn_order,
                speaker_label=turn.speaker,
                words=_words(turn),
                channel=_or_absent(turn.channel),
            )
            for turn in event.turns
        ]
    )


class V3Factory:
    """Opens v3 connections."""

    name: ClassVar[str] = "v3"

    def open(self, pairs: Sequence[tuple[str, str]], models: ServedModels = ENGLISH_ONLY) -> V3Dialect:
        """Read the query of the handshake.

        Args:
            pairs: Names and values.
            models: The server's models.

        Raises:
            ProtocolViolation: A parameter has a value that is not allowed.
        """
        return V3Dialect(read_query(Query(pairs, PARAMETERS), models))

    def refuse(self, violation: SessionFailed) -> Closing:
        """Return how to close a socket on which no session could begin."""
        return _refuse(violation)
