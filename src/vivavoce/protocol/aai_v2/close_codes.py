"""The close codes of v2: the text of each one, and which one ends a session for which failure."""

from __future__ import annotations

from typing import Final

from vivavoce.types import Failure

__all__ = ["CLOSE_TEXTS", "CODES"]

CLOSE_TEXTS: Final = {
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
"""The protocol's text for each of its close codes."""

CODES: Final = {
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
"""The close code of each failure."""
