"""The close codes of v3: the meaning of each one, and which one ends a session for which failure."""

from __future__ import annotations

from typing import Final

from vivavoce.types import Failure

__all__ = ["CLOSE_TEXTS", "CODES"]

CLOSE_TEXTS: Final = {
    3005: "Server error",
    3006: "Input validation error",
    3007: "Audio chunk duration violation",
    3008: "Session expired: maximum session duration exceeded",
    3009: "Too many concurrent sessions",
}
"""The meaning of each code of the protocol's own; the others are those of WebSockets."""

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
    Failure.AUDIO_TOO_SHORT: (3007, "Input Duration Error: Input Duration Violation"),
    Failure.AUDIO_TOO_LONG: (3007, "Input Duration Error: Input Duration Violation"),
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
"""The close code of each failure, and the beginning of the server's text."""
