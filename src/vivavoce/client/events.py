"""What a v3 session tells, as typed values under the vendor's names.

Times are whole milliseconds of the session's audio. They go on over lost connections: whatever server
or connection heard a word, its time counts from the first sample that was sent.

A client has to live with every server of the protocol, so fields that one of them leaves out have
defaults, and unknown ones are skipped.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from vivavoce.errors import ProtocolViolation, RealtimeError
from vivavoce.types import Failure

__all__ = [
    "BeginEvent",
    "ClosedEvent",
    "ErrorEvent",
    "Event",
    "EventMessage",
    "HeartbeatEvent",
    "LLMGatewayResponseEvent",
    "Model",
    "ReconnectedEvent",
    "ReconnectingEvent",
    "SessionConfiguration",
    "SilenceEvent",
    "SpeakerRevisionEvent",
    "SpeakerRevisionItem",
    "SpeechStartedEvent",
    "TerminationEvent",
    "TurnEvent",
    "UpdateEvent",
    "WarningEvent",
    "Word",
    "decode_event",
]


class Model(msgspec.Struct, kw_only=True):
    """What all events have in common: the two methods by which programs turn one into plain data."""

    def model_dump(self) -> dict[str, Any]:
        """The fields as a dictionary, with dictionaries and lists in it; times stay ``datetime``."""
        dumped: dict[str, Any] = msgspec.to_builtins(self, builtin_types=(datetime,))
        return dumped

    def model_dump_json(self) -> str:
        """The fields as a JSON object."""
        return msgspec.json.encode(self).decode()


class Word(Model, kw_only=True):
    """One word of a turn.

    Attributes:
        start: Where it begins, in milliseconds.
        end: Where it ends, in milliseconds.
        confidence: Probability that it is right, 0 to 1.
        text: The word.
        word_is_final: Whether it will not change any more.
        speaker: Who says it, where that is asked for.
    """

    start: int
    end: int
    confidence: float
    text: str
    word_is_final: bool = True
    speaker: str | None = None


class SessionConfiguration(Model, kw_only=True):
    """What the server uses for the session."""

    model: str | None = None
    mode: str | None = None
    api_version: str | None = None


class BeginEvent(Model, kw_only=True):
    """The session has begun.

    Attributes:
        id: What the server calls the session.
        expires_at: When the server will end it, with its zone (UTC).
        configuration: What it uses, if it says so.
    """

    type: Literal["Begin"] = "Begin"
    id: str
    expires_at: datetime
    configuration: SessionConfiguration | None = None


class TurnEvent(Model, kw_only=True):
    """A turn so far, or, with ``end_of_turn``, for good.

    Attributes:
        turn_order: Counts turns from 0.
        turn_is_formatted: Whether it has capitals, punctuation and figures.
        end_of_turn: Whether the turn is finished.
        transcript: Its text; of an unfinished turn some servers give only the words that will stay.
        end_of_turn_confidence: How complete the turn sounds, 0 to 1.
        words: Its words, with those that may still change.
        language_code: What language it is in, where that is asked for.
        language_confidence: How sure that is, 0 to 1.
        speaker_label: Who speaks, where that is asked for.
        utterance: What some servers fill when they notice a pause.
    """

    type: Literal["Turn"] = "Turn"
    turn_order: int
    turn_is_formatted: bool = False
    end_of_turn: bool
    transcript: str = ""
    end_of_turn_confidence: float = 0.0
    words: list[Word] = []
    language_code: str | None = None
    language_confidence: float | None = None
    speaker_label: str | None = None
    utterance: str = ""

    @property
    def text(self) -> str:
        """All that is known of the turn, words that may still change included."""
        if self.end_of_turn or not self.words:
            return self.transcript
        return " ".join(word.text for word in self.words)

    @property
    def start(self) -> int | None:
        """Where its first word begins, in milliseconds; None without words."""
        return self.words[0].start if self.words else None

    @property
    def end(self) -> int | None:
        """Where its last word ends, in milliseconds; None without words."""
        return self.words[-1].end if self.words else None


class SpeechStartedEvent(Model, kw_only=True):
    """Somebody began to speak, ``timestamp`` milliseconds after the beginning."""

    type: Literal["SpeechStarted"] = "SpeechStarted"
    timestamp: int


class TerminationEvent(Model, kw_only=True):
    """The server has ended the session.

    Attributes:
        audio_duration_seconds: Length of the audio.
        session_duration_seconds: How long the session was open.
    """

    type: Literal["Termination"] = "Termination"
    audio_duration_seconds: int | None = None
    session_duration_seconds: int | None = None


class WarningEvent(Model, kw_only=True):
    """The server has something to say that ends nothing."""

    type: Literal["Warning"] = "Warning"
    warning_code: int
    warning: str


class ErrorEvent(Model, kw_only=True):
    """The server ends the session because something is wrong. Handlers get a RealtimeError instead."""

    type: Literal["Error"] = "Error"
    error_code: int | None = None
    error: str


class HeartbeatEvent(Model, kw_only=True):
    """What the server has received.

    Attributes:
        total_audio_received_ms: Audio received by this connection.
        total_duration_ms: How long this connection has been open.
        realtime_factor: Seconds of audio for each second.
        max_speech_probability: The highest in the interval, 0 to 1.
    """

    type: Literal["Heartbeat"] = "Heartbeat"
    total_audio_received_ms: int
    total_duration_ms: int
    realtime_factor: float
    max_speech_probability: float = 0.0


class SilenceEvent(Model, kw_only=True):
    """Nobody spoke from ``start_ms`` to ``end_ms``."""

    type: Literal["Silence"] = "Silence"
    start_ms: int
    end_ms: int


class LLMGatewayResponseEvent(Model, kw_only=True):
    """What a language model said to a turn."""

    type: Literal["LLMGatewayResponse"] = "LLMGatewayResponse"
    turn_order: int
    transcript: str
    data: Any


class SpeakerRevisionItem(Model, kw_only=True):
    """A turn whose speakers were found to be others."""

    turn_order: int
    speaker_label: str | None = None
    words: list[Word] = []


class SpeakerRevisionEvent(Model, kw_only=True):
    """Turns whose speakers were found to be others."""

    type: Literal["SpeakerRevision"] = "SpeakerRevision"
    revisions: list[SpeakerRevisionItem] = []


class ReconnectingEvent(Model, kw_only=True):
    """The connection was lost; another is being made. Not one of the vendor's events.

    Attributes:
        reason: What happened, for people.
        attempt: Counts attempts since there was progress, from 1.
        delay_s: After how long it will be made, in seconds.
    """

    type: Literal["Reconnecting"] = "Reconnecting"
    reason: str
    attempt: int
    delay_s: float


class ReconnectedEvent(Model, kw_only=True):
    """Another connection carries the session on. Not one of the vendor's events.

    Attributes:
        session_id: What the server calls it now.
        replayed_ms: How much audio is sent once more: what came after the last finished turn.
        lost_ms: How much more had to be forgotten before, because no turn ended for too long.
    """

    type: Literal["Reconnected"] = "Reconnected"
    session_id: str
    replayed_ms: int
    lost_ms: int = 0


class ClosedEvent(Model, kw_only=True):
    """The last event of every session that began, exactly once. Not one of the vendor's events.

    Attributes:
        code: The WebSocket close code; 1006 where the connection was lost.
        reason: What the server said, or what happened.
    """

    type: Literal["Closed"] = "Closed"
    code: int
    reason: str


UpdateEvent = (
    TurnEvent
    | SpeechStartedEvent
    | WarningEvent
    | HeartbeatEvent
    | SilenceEvent
    | LLMGatewayResponseEvent
    | SpeakerRevisionEvent
)
"""What a server tells between the beginning and the end."""

EventMessage = BeginEvent | UpdateEvent | TerminationEvent | ErrorEvent
"""What a server can send."""

Event = (
    BeginEvent
    | UpdateEvent
    | TerminationEvent
    | RealtimeError
    | ReconnectingEvent
    | ReconnectedEvent
    | ClosedEvent
)
"""What a session tells: the server's events, an error instead of its error message, and our own."""

_BY_TYPE: dict[str, type[EventMessage]] = {
    "Begin": BeginEvent,
    "Turn": TurnEvent,
    "SpeechStarted": SpeechStartedEvent,
    "Termination": TerminationEvent,
    "Warning": WarningEvent,
    "Error": ErrorEvent,
    "Heartbeat": HeartbeatEvent,
    "Silence": SilenceEvent,
    "LLMGatewayResponse": LLMGatewayResponseEvent,
    "SpeakerRevision": SpeakerRevisionEvent,
}


class _Kind(msgspec.Struct):
    type: str | None = None
    error: str | None = None


_kinds = msgspec.json.Decoder(_Kind)


def decode_event(message: str | bytes) -> EventMessage | None:
    """Read what a server sent; None for a type that is not known.

    Numbers with a fraction are taken for whole ones, and strings for numbers, where nothing is lost.

    Raises:
        ProtocolViolation: It is no JSON object, or a known type with wrong fields.
    """
    try:
        kind = _kinds.decode(message)
        wanted = _BY_TYPE.get(kind.type or "")
        if kind.type is None and kind.error is not None:  # older servers send errors without a type
            wanted = ErrorEvent
        if wanted is None:
            return None
        fields: dict[str, Any] = msgspec.json.decode(message)
        fields.setdefault("type", "Error")
        return msgspec.convert(fields, wanted, strict=False)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise ProtocolViolation(Failure.BAD_MESSAGE, str(error)) from error
