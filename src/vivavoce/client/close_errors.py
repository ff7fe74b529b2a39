"""Converts close codes to errors."""

from __future__ import annotations

from typing import Final

from vivavoce.errors import (
    ConnectError,
    RealtimeError,
    RefusedError,
    SessionLostError,
    SessionRefusedError,
)
from vivavoce.protocol.aai_v2.close_codes import CLOSE_TEXTS

__all__ = [
    "CLEAN_CODES",
    "CONNECTION_LOST",
    "KEY_ADVICE",
    "REFUSAL_STATUSES",
    "close_error",
    "close_text",
    "lost_error",
    "opening_error",
]

CLEAN_CODES: Final = frozenset({1000, 1005})
"""Close codes of a regular end; 1005 is a close frame without a code."""

CONNECTION_LOST: Final = 1006
"""The code that RFC 6455 reserves for a connection that ended without a close frame."""

REFUSAL_STATUSES: Final = frozenset({401, 403, 429, 503})
"""HTTP statuses by which a server refuses a request, rather than fails."""

KEY_ADVICE: Final = "; set VIVAVOCE_API_KEY, or settings.api_key"
"""What to do about a key that the server refused, to append to an error message."""

_UNAUTHORIZED = frozenset({1008, 4001})
_REFUSAL_CODES = frozenset({1008, 1013, 3006, 3008, 3009})  # in addition to the codes of v2
_OWN_CODES = range(4000, 5000)
_EXPIRED = frozenset({3008, 4008})  # of an open session: another one may continue it
_BROKEN_RULES = frozenset({1008, 3006, 3007, 3009, *_OWN_CODES}) - _EXPIRED


def close_text(code: int, reason: str, message: str | None = None) -> str:
    """Return the error message for a close.

    It begins with the protocol's text for the code, if there is one, so that programs can match it; the
    server's own text follows.

    Args:
        code: The close code.
        reason: The reason in the close frame, which is cut to 123 bytes.
        message: The error message before the close frame, if there was one: the same reason in full.
    """
    words = message or reason
    text = CLOSE_TEXTS.get(code, "")
    if code == CONNECTION_LOST:
        text = "the connection was lost"
    if not text:
        return words or f"the server closed the session with code {code}"
    if not words or text.casefold() == words.casefold():
        return text
    return words if words.casefold().startswith(text.casefold()) else f"{text}: {words}"


def close_error(code: int, reason: str, message: str | None = None) -> RealtimeError:
    """Return the error for the close of an open session: a refusal if the server's rules ended it."""
    kind = RefusedError if code in _BROKEN_RULES else RealtimeError
    return kind(close_text(code, reason, message), code)


def lost_error(error: RealtimeError, lost_ms: int) -> SessionLostError:
    """Return the error for a session that ends because of another error, with the audio that it lost."""
    kind = SessionRefusedError if isinstance(error, RefusedError) else SessionLostError
    return kind(str(error), error.status_code, lost_ms=lost_ms)


def opening_error(where: str, code: int, reason: str, message: str | None = None) -> RealtimeError:
    """Return the error for a close before the session began."""
    text = close_text(code, reason, message)
    if code in _REFUSAL_CODES or code in _OWN_CODES:
        advice = KEY_ADVICE if code in _UNAUTHORIZED else ""
        return RefusedError(f"{where} refused the session: {text}{advice}", code)
    return ConnectError(f"{where} did not open a session: {text}", code)
