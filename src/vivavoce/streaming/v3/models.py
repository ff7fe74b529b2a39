"""All types of the vendor's v3 package, in the module where the vendor has them."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from vivavoce.client.backoff import Reconnect
from vivavoce.client.events import (
    BeginEvent,
    ClosedEvent,
    ErrorEvent,
    EventMessage,
    HeartbeatEvent,
    LLMGatewayResponseEvent,
    ReconnectedEvent,
    ReconnectingEvent,
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
from vivavoce.client.parameters import (
    LLMGatewayConfig,
    LLMGatewayMessage,
    RealTimeParameters,
    RealTimeSessionParameters,
)
from vivavoce.client.timeouts import CLOSE_LIMIT_S
from vivavoce.errors import ConfigurationError
from vivavoce.errors import RealtimeError as RealTimeError
from vivavoce.protocol.aai_v2 import close_codes as aai_v2_codes
from vivavoce.protocol.aai_v3 import close_codes as aai_v3_codes
from vivavoce.protocol.aai_v3.choices import (
    NoiseSuppressionModel,
    SpeechModel,
    StreamingDomain,
    StreamingMode,
    StreamingPiiPolicy,
    StreamingPiiSubstitution,
)
from vivavoce.protocol.aai_v3.choices import StreamEncoding as Encoding
from vivavoce.protocol.aai_v3.messages import ForceEndpoint, KeepAlive, TerminateSession

__all__ = [
    "VENDOR_HOST",
    "BeginEvent",
    "ClosedEvent",
    "Encoding",
    "ErrorEvent",
    "EventMessage",
    "ForceEndpoint",
    "HeartbeatEvent",
    "KeepAlive",
    "LLMGatewayConfig",
    "LLMGatewayMessage",
    "LLMGatewayResponseEvent",
    "NoiseSuppressionModel",
    "OperationMessage",
    "RealTimeError",
    "RealTimeErrorCodes",
    "RealTimeEvents",
    "RealTimeParameters",
    "RealTimeSessionParameters",
    "RealTimeTranscriberOptions",
    "Reconnect",
    "ReconnectedEvent",
    "ReconnectingEvent",
    "SessionConfiguration",
    "SilenceEvent",
    "SpeakerRevisionEvent",
    "SpeakerRevisionItem",
    "SpeechModel",
    "SpeechStartedEvent",
    "StreamingClientOptions",
    "StreamingDomain",
    "StreamingError",
    "StreamingErrorCodes",
    "StreamingEvents",
    "StreamingMode",
    "StreamingParameters",
    "StreamingPiiPolicy",
    "StreamingPiiSubstitution",
    "StreamingSessionParameters",
    "TerminateSession",
    "TerminationEvent",
    "TurnEvent",
    "UpdateConfiguration",
    "WarningEvent",
    "Word",
]

VENDOR_HOST: Final = "streaming.assemblyai.com"
"""The default of ``api_host`` in the vendor's SDK."""


@dataclass(kw_only=True)
class RealTimeTranscriberOptions:
    """The address of the server, and time limits.

    Attributes:
        api_host: The server: ``host:port``, which means TLS, or an address with ``ws://`` or ``wss://``.
            None means the configured server, as does the vendor's host if a server is configured.
        api_key: The key; None: that of the settings.
        token: A temporary token, instead of the key.
        connect_timeout: Time limit for the handshake, in seconds.
        max_connection_retries: Number of further attempts if no server answers.
        connection_retry_delay: The wait before each of them, in seconds.
        terminate_timeout: Time limit without progress for the last turns in ``disconnect(terminate=True)``,
            in seconds; by default 60.
        reconnect: How to restore a lost connection; None, as with the vendor: the session ends with it. Not
            one of the vendor's options.

    Raises:
        ConfigurationError: A number is out of bounds.
    """

    api_host: str | None = None
    api_key: str | None = None
    token: str | None = None
    connect_timeout: float = 5.0
    max_connection_retries: int = 2
    connection_retry_delay: float = 0.5
    terminate_timeout: float = CLOSE_LIMIT_S
    reconnect: Reconnect | None = None

    def __post_init__(self) -> None:
        if self.connect_timeout <= 0:
            raise ConfigurationError(
                f"connect_timeout must be more than 0 seconds, got {self.connect_timeout!r}"
            )
        for name in ("max_connection_retries", "connection_retry_delay", "terminate_timeout"):
            if getattr(self, name) < 0:
                raise ConfigurationError(f"{name} must be 0 or more, got {getattr(self, name)!r}")


class RealTimeEvents(enum.Enum):
    """The events that a handler can be registered for. The last three are not the vendor's."""

    Begin = "Begin"
    Termination = "Termination"
    Turn = "Turn"
    SpeechStarted = "SpeechStarted"
    Error = "Error"
    Warning = "Warning"
    Heartbeat = "Heartbeat"
    Silence = "Silence"
    LLMGatewayResponse = "LLMGatewayResponse"
    SpeakerRevision = "SpeakerRevision"
    Reconnecting = "Reconnecting"
    Reconnected = "Reconnected"
    Closed = "Closed"


RealTimeErrorCodes: Final[dict[int, str]] = {
    **aai_v3_codes.CLOSE_TEXTS,
    **aai_v2_codes.CLOSE_TEXTS,
}
"""The meaning of each close code of both protocols."""


@dataclass(kw_only=True)
class UpdateConfiguration(RealTimeSessionParameters):
    """Changes parameters during a session; what is None stays as it is."""

    type: str = "UpdateConfiguration"


OperationMessage = bytes | TerminateSession | ForceEndpoint | KeepAlive | UpdateConfiguration
"""Every message that a client can send."""

# The names before 1.0 of the vendor's SDK.
StreamingClientOptions = RealTimeTranscriberOptions
StreamingError = RealTimeError
StreamingErrorCodes = RealTimeErrorCodes
StreamingEvents = RealTimeEvents
StreamingParameters = RealTimeParameters
StreamingSessionParameters = RealTimeSessionParameters
