"""What the handlers of a real-time session are given, under the vendor's names.

Times are whole milliseconds of the session's audio. Timestamps are in UTC and carry no zone, as the
protocol writes them.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

__all__ = [
    "AudioEncoding",
    "RealtimeFinalTranscript",
    "RealtimeMessageTypes",
    "RealtimePartialTranscript",
    "RealtimeSessionInformation",
    "RealtimeSessionOpened",
    "RealtimeTranscript",
    "RealtimeWord",
]


class AudioEncoding(enum.StrEnum):
    """How the samples of the audio are written."""

    pcm_s16le = "pcm_s16le"
    """16-bit signed integers, little-endian."""

    pcm_mulaw = "pcm_mulaw"
    """8-bit mu-law, as telephones have it."""


class RealtimeMessageTypes(enum.StrEnum):
    """What kind a message of the server is."""

    partial_transcript = "PartialTranscript"
    final_transcript = "FinalTranscript"
    session_begins = "SessionBegins"
    session_terminated = "SessionTerminated"
    session_information = "SessionInformation"


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeWord:
    """One word of a transcript.

    Attributes:
        start: Where it begins, in milliseconds since the session's audio began.
        end: Where it ends, on the same timeline.
        confidence: Probability that the word is right, 0 to 1.
        text: The word.
    """

    start: int
    end: int
    confidence: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeTranscript:
    """An utterance, or what is known of it so far.

    Attributes:
        message_type: Which kind of transcript it is.
        audio_start: Where the utterance begins, in milliseconds since the session's audio began.
        audio_end: Where it ends, on the same timeline.
        confidence: Probability that the text is right, 0 to 1.
        text: The whole utterance so far; empty while nobody speaks.
        words: Its words, in order.
        created: When the server made it, in UTC, without a zone.
    """

    message_type: RealtimeMessageTypes
    audio_start: int
    audio_end: int
    confidence: float
    text: str
    words: list[RealtimeWord]
    created: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimePartialTranscript(RealtimeTranscript):
    """The utterance so far; the next one replaces it."""

    message_type: RealtimeMessageTypes = RealtimeMessageTypes.partial_transcript


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeFinalTranscript(RealtimeTranscript):
    """The finished utterance.

    Attributes:
        punctuated: Whether it has punctuation.
        text_formatted: Whether it has capitals and figures.
    """

    message_type: RealtimeMessageTypes = RealtimeMessageTypes.final_transcript
    punctuated: bool
    text_formatted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeSessionOpened:
    """The session has begun.

    Attributes:
        session_id: What the server calls the session.
        expires_at: When the server will end it, in UTC, without a zone.
        message_type: Always ``session_begins``.
    """

    session_id: UUID
    expires_at: datetime
    message_type: RealtimeMessageTypes = RealtimeMessageTypes.session_begins


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeSessionInformation:
    """What the server counted; sent before the end.

    Attributes:
        audio_duration_seconds: Length of the session's audio, in seconds.
        message_type: Always ``session_information``.
    """

    audio_duration_seconds: float
    message_type: RealtimeMessageTypes = RealtimeMessageTypes.session_information
