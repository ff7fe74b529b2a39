"""AssemblyAI Universal-Streaming v3, ``/v3/ws``: its messages and its behaviour as a server.

Both ends use these definitions. Times are whole milliseconds of the session's audio; timestamps are
whole seconds since 1970.
"""

from vivavoce.protocol.aai_v3.dialect import PATH, V3Dialect, V3Factory
from vivavoce.protocol.aai_v3.messages import (
    CLIENT_MESSAGES,
    Begin,
    Configuration,
    ErrorV3,
    ForceEndpointV3,
    HeartbeatV3,
    KeepAliveV3,
    LLMGatewayResponse,
    ServerMessageV3,
    Silence,
    SpeakerRevision,
    SpeakerRevisionItem,
    SpeechStartedV3,
    TerminateV3,
    Termination,
    Turn,
    UpdateConfiguration,
    WarningV3,
    WordV3,
    decode_server_message,
)

__all__ = [
    "CLIENT_MESSAGES",
    "PATH",
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
    "V3Dialect",
    "V3Factory",
    "WarningV3",
    "WordV3",
    "decode_server_message",
]
