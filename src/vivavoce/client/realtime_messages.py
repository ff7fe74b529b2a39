"""Messages of a Realtime v2 server as what handlers are given."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from vivavoce.client.transcripts import (
    RealtimeFinalTranscript,
    RealtimePartialTranscript,
    RealtimeSessionInformation,
    RealtimeSessionOpened,
    RealtimeWord,
)
from vivavoce.errors import ProtocolViolation
from vivavoce.protocol import aai_v2
from vivavoce.types import Failure

__all__ = ["information_from_wire", "opened_from_wire", "transcript_from_wire"]


def _time(field: str, text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ProtocolViolation(Failure.BAD_MESSAGE, f"{field} is no timestamp: {text!r}") from None


def opened_from_wire(message: aai_v2.SessionBegins) -> RealtimeSessionOpened:
    """Read the first message of a session.

    Raises:
        ProtocolViolation: Its session id or its time can't be read.
    """
    try:
        session_id = UUID(message.session_id)
    except ValueError:
        raise ProtocolViolation(
            Failure.BAD_MESSAGE, f"session_id is no UUID: {message.session_id!r}"
        ) from None
    return RealtimeSessionOpened(session_id=session_id, expires_at=_time("expires_at", message.expires_at))


def information_from_wire(message: aai_v2.SessionInformation) -> RealtimeSessionInformation:
    """Read what the server counted."""
    return RealtimeSessionInformation(audio_duration_seconds=message.audio_duration_seconds)


def transcript_from_wire(
    message: aai_v2.PartialTranscript | aai_v2.FinalTranscript, *, offset_ms: int = 0
) -> RealtimePartialTranscript | RealtimeFinalTranscript:
    """Read a transcript.

    Args:
        message: What the server sent.
        offset_ms: Where its audio begins in the session's.

    Raises:
        ProtocolViolation: Its time can't be read.
    """
    heard: dict[str, Any] = {
        "audio_start": message.audio_start + offset_ms,
        "audio_end": message.audio_end + offset_ms,
        "confidence": message.confidence,
        "text": message.text,
        "words": [
            RealtimeWord(
                start=word.start + offset_ms,
                end=word.end + offset_ms,
                confidence=word.confidence,
                text=word.text,
            )
            for word in message.words
        ],
        "created": _time("created", message.created),
    }
    if isinstance(message, aai_v2.FinalTranscript):
        return RealtimeFinalTranscript(
            **heard, punctuated=message.punctuated, text_formatted=message.text_formatted
        )
    return RealtimePartialTranscript(**heard)
