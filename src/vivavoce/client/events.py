"""The events of a v3 session: messages of the server, and what happens to the connection.

Times are whole milliseconds of the session's audio. They continue across lost connections: whichever
connection transcribed a word, its times count from the first sample of the session.
"""

from __future__ import annotations

from typing import Literal

from vivavoce.errors import RealtimeError
from vivavoce.protocol.aai_v3.messages import (
    BeginEvent,
    ErrorEvent,
    EventMessage,
    HeartbeatEvent,
    LLMGatewayResponseEvent,
    Model,
    SessionConfiguration,
    SilenceEvent,
    SpeakerRevisionEvent,
    SpeakerRevisionItem,
    SpeechStartedEvent,
    TerminationEvent,
    TurnEvent,
    WarningEvent,
    Word,
)
from vivavoce.protocol.model_methods import ModelMethods

__all__ = [
    "BeginEvent",
    "ClosedEvent",
    "ErrorEvent",
    "Event",
    "EventMessage",
    "HeartbeatEvent",
    "LLMGatewayResponseEvent",
    "Model",
    "ModelMethods",
    "ReconnectedEvent",
    "ReconnectingEvent",
    "SessionConfiguration",
    "SilenceEvent",
    "SpeakerRevisionEvent",
    "SpeakerRevisionItem",
    "SpeechStartedEvent",
    "StreamEvent",
    "TerminationEvent",
    "TurnEvent",
    "UpdateEvent",
    "WarningEvent",
    "Word",
]


class ReconnectingEvent(Model, kw_only=True):
    """The connection was lost and the client opens another. Not one of the vendor's events.

    Attributes:
        reason: What happened, for people.
        attempt: Number of the attempt since the last progress, from 1.
        delay_s: How long the client waits before the attempt, in seconds.
    """

    type: Literal["Reconnecting"] = "Reconnecting"
    reason: str
    attempt: int
    delay_s: float


class ReconnectedEvent(Model, kw_only=True):
    """Another connection continues the session. Not one of the vendor's events.

    Attributes:
        session_id: The server's new name for the session.
        replayed_ms: How much audio is sent again: everything since the last finished turn.
        lost_ms: How much audio before that was dropped, because no turn ended for too long.
    """

    type: Literal["Reconnected"] = "Reconnected"
    session_id: str
    replayed_ms: int
    lost_ms: int = 0


class ClosedEvent(Model, kw_only=True):
    """The last event of every session that began, exactly once. Not one of the vendor's events.

    Attributes:
        code: The WebSocket close code; 1006 if the connection was lost.
        reason: The server's close reason, or what happened.
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
"""The server's messages between the first and the last."""

StreamEvent = BeginEvent | UpdateEvent | TerminationEvent
"""The server's messages as a program receives them: all but errors."""

Event = (
    BeginEvent
    | TurnEvent
    | SpeechStartedEvent
    | WarningEvent
    | HeartbeatEvent
    | SilenceEvent
    | LLMGatewayResponseEvent
    | SpeakerRevisionEvent
    | TerminationEvent
    | RealtimeError
    | ReconnectingEvent
    | ReconnectedEvent
    | ClosedEvent
)
"""All events of a session: the server's messages, with errors as exceptions, and our own events."""
