"""AssemblyAI Realtime v2, ``/v2/realtime/ws``: messages, parameters and the behaviour of a server."""

from vivavoce.protocol.aai_v2.close_codes import CLOSE_TEXTS
from vivavoce.protocol.aai_v2.dialect import (
    DEFAULT_SILENCE_MS,
    MAX_SILENCE_MS,
    PATH,
    RESUME_PATH,
    V2Dialect,
    V2Factory,
)
from vivavoce.protocol.aai_v2.messages import (
    ErrorMessage,
    RealtimeFinalTranscript,
    RealtimePartialTranscript,
    RealtimeSessionInformation,
    RealtimeSessionOpened,
    RealtimeTranscript,
    RealtimeWord,
    ServerMessage,
    SessionTerminated,
    decode_server_message,
    end_utterance_silence_threshold,
    force_end_utterance,
    terminate_session,
)

__all__ = [
    "CLOSE_TEXTS",
    "DEFAULT_SILENCE_MS",
    "MAX_SILENCE_MS",
    "PATH",
    "RESUME_PATH",
    "ErrorMessage",
    "RealtimeFinalTranscript",
    "RealtimePartialTranscript",
    "RealtimeSessionInformation",
    "RealtimeSessionOpened",
    "RealtimeTranscript",
    "RealtimeWord",
    "ServerMessage",
    "SessionTerminated",
    "V2Dialect",
    "V2Factory",
    "decode_server_message",
    "end_utterance_silence_threshold",
    "force_end_utterance",
    "terminate_session",
]
