"""The commands of a client, as either protocol writes them: a dialect takes both spellings.

Programs that moved from one protocol to the other keep messages of the old one. What such a message asks
for is clear, and refusing it would lose the last words of the session.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from vivavoce.errors import ProtocolViolation
from vivavoce.protocol.events import Audio, Configure, ForceEndpoint, KeepAlive, Terminate
from vivavoce.protocol.query import json_object, shown_value
from vivavoce.types import Failure

if TYPE_CHECKING:
    from vivavoce.protocol.events import Command

__all__ = ["MAX_SILENCE_MS", "read_command", "text_in_binary"]

MAX_SILENCE_MS: Final = 20_000
"""The longest silence that ``end_utterance_silence_threshold`` can set."""

_TYPES: Final = frozenset({"Terminate", "ForceEndpoint", "KeepAlive", "UpdateConfiguration"})
_FIELDS: Final = frozenset(
    {"audio_data", "terminate_session", "force_end_utterance", "end_utterance_silence_threshold"}
)


def text_in_binary(data: bytes) -> str | None:
    """Return the text of a binary frame that holds a known message of a client; None if it holds audio.

    Some programs send their JSON in binary frames. Audio is no JSON object with a known field.
    """
    if not (data.lstrip()[:1] == b"{" and data.rstrip()[-1:] == b"}"):
        return None
    try:
        fields = json_object(data)
    except ProtocolViolation:
        return None
    is_known = (
        fields.get("type") in _TYPES if isinstance(fields.get("type"), str) else _FIELDS & fields.keys()
    )
    return data.decode() if is_known else None


def read_command(fields: dict[str, object]) -> tuple[Command, ...] | None:
    """Read a message that has the same meaning in both protocols; None for any other.

    Raises:
        ProtocolViolation: A field has a value that is not allowed.
    """
    match fields:
        case {"type": "Terminate"} | {"terminate_session": True}:
            return (Terminate(),)
        case {"type": "ForceEndpoint"} | {"force_end_utterance": True}:
            return (ForceEndpoint(),)
        case {"type": "KeepAlive"}:
            return (KeepAlive(),)
        case {"terminate_session": False} | {"force_end_utterance": False}:
            return ()
        case {"audio_data": str(encoded)}:
            return (Audio(_decode_base64(encoded)),)
        case {"end_utterance_silence_threshold": ms}:
            if not isinstance(ms, int) or isinstance(ms, bool) or not 0 <= ms <= MAX_SILENCE_MS:
                raise ProtocolViolation(
                    Failure.BAD_MESSAGE,
                    f"end_utterance_silence_threshold must be a whole number in 0..{MAX_SILENCE_MS},"
                    f" got {shown_value(ms)}",
                )
            return (Configure(min_silence_ms=ms, max_silence_ms=ms),)
    return None


def _decode_base64(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError as error:  # binascii.Error, or a character outside ASCII
        raise ProtocolViolation(Failure.BAD_MESSAGE, f"audio_data must be base64: {error}") from error
