"""How a session's end becomes an error, and which one."""

from __future__ import annotations

from typing import Final

from vivavoce.errors import ConnectError, RealtimeError, RefusedError
from vivavoce.protocol.aai_v2.close_codes import CLOSE_TEXTS

__all__ = [
    "CLEAN_CODES",
    "CONNECTION_LOST",
    "KEY_ADVICE",
    "REFUSAL_STATUSES",
    "close_error",
    "close_text",
    "opening_error",
]

CLEAN_CODES: Final = frozenset({1000, 1005})
"""Closed on purpose and without complaint; 1005 is a close frame without a code."""

CONNECTION_LOST: Final = 1006
"""What RFC 6455 calls a connection that ended without a close frame."""

REFUSAL_STATUSES: Final = frozenset({401, 403, 429, 503})
"""HTTP statuses by which a server says no rather than that it is broken."""

KEY_ADVICE: Final = "; set VIVAVOCE_API_KEY, or settings.api_key"
"""What to do about a key that was not accepted, to put after the reason."""

_UNAUTHORIZED = frozenset({1008, 4001})
_REFUSAL_CODES = frozenset({1008, 1013, 3009})  # beside every code of the protocol's own, 4000 to 4999
_OWN_CODES = range(4000, 5000)


def close_text(code: int, reason: str, said: str | None = None) -> str:
    """What to call a close.

    The protocol's own text comes first where the code has one, so that programs can look for it; the
    server's further words follow.

    Args:
        code: The close code.
        reason: The reason in the close frame, which is cut to 123 bytes.
        said: The error message just before it, if there was one: the same, in full.
    """
    words = said or reason
    text = CLOSE_TEXTS.get(code, "")
    if code == CONNECTION_LOST:
        text = "the connection was lost"
    if not text:
        return words or f"the server closed the session with code {code}"
    if not words or text.casefold() == words.casefold():
        return text
    return words if words.casefold().startswith(text.casefold()) else f"{text}: {words}"


def close_error(code: int, reason: str, said: str | None = None) -> RealtimeError:
    """The error that a close of a running session is."""
    return RealtimeError(close_text(code, reason, said), code)


def opening_error(where: str, code: int, reason: str, said: str | None = None) -> RealtimeError:
    """The error that a close before the session began is."""
    text = close_text(code, reason, said)
    if code in _REFUSAL_CODES or code in _OWN_CODES:
        advice = KEY_ADVICE if code in _UNAUTHORIZED else ""
        return RefusedError(f"{where} refused the session: {text}{advice}", code)
    return ConnectError(f"{where} did not open a session: {text}", code)
