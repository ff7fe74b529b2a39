"""Values of the domain that all layers share. Depends on nothing."""

import enum
from dataclasses import dataclass
from typing import Final

__all__ = ["MODEL_RATE_HZ", "Codec", "Encoding", "Failure", "PiiPolicy", "SpeechTask", "Word"]

MODEL_RATE_HZ: Final = 16_000
"""Sample rate of the speech model, in Hz. A higher rate makes messages longer and words no better."""


class Encoding(enum.StrEnum):
    """Encoding of uncompressed samples."""

    PCM_S16LE = "pcm_s16le"
    PCM_MULAW = "pcm_mulaw"

    @property
    def bytes_per_sample(self) -> int:
        """Width of one mono sample, in bytes."""
        return 2 if self is Encoding.PCM_S16LE else 1


class Codec(enum.StrEnum):
    """Encoding of compressed audio."""

    OPUS = "opus"
    OGG_OPUS = "ogg_opus"
    AAC = "aac"


class SpeechTask(enum.StrEnum):
    """What is written of speech."""

    TRANSCRIBE = "transcribe"
    """What is said, in its own language."""

    TRANSLATE = "translate"
    """What it means in English."""


class Failure(enum.Enum):
    """Why a session failed, independent of the protocol.

    Each protocol maps every member to a close code and a text.
    """

    BAD_SAMPLE_RATE = enum.auto()
    BAD_ENCODING = enum.auto()
    BAD_OPTION = enum.auto()
    BAD_WORD_BOOST = enum.auto()
    UNAUTHORIZED = enum.auto()
    TOKEN_EXPIRED = enum.auto()
    NO_FUNDS = enum.auto()
    UNPAID = enum.auto()
    BAD_JSON = enum.auto()
    BAD_MESSAGE = enum.auto()
    AUDIO_TOO_SHORT = enum.auto()
    AUDIO_TOO_LONG = enum.auto()
    AUDIO_TOO_FAST = enum.auto()
    AUDIO_MISALIGNED = enum.auto()
    AUDIO_UNREADABLE = enum.auto()
    MESSAGE_TOO_LARGE = enum.auto()
    SESSION_UNKNOWN = enum.auto()
    SESSION_OVER = enum.auto()
    SESSION_ELSEWHERE = enum.auto()
    IDLE = enum.auto()
    EXPIRED = enum.auto()
    BUSY = enum.auto()
    SHUTTING_DOWN = enum.auto()
    CANNOT_BEGIN = enum.auto()
    INTERNAL = enum.auto()


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a turn, in the server. The SDK's events carry :class:`vivavoce.Word`.

    Attributes:
        text: The word as shown, punctuation included.
        start_ms: Start, in milliseconds of the session's audio.
        end_ms: End, in milliseconds of the session's audio.
        confidence: Probability that the word is right, 0 to 1.
        is_final: Whether the word is committed: it never changes again.
        speaker: Who says it, in a finished turn of a session that labels speakers; else None.
        speaker_confidence: Probability that the speaker is right, 0 to 1; None: not known.
    """

    text: str
    start_ms: int
    end_ms: int
    confidence: float
    is_final: bool = False
    speaker: str | None = None
    speaker_confidence: float | None = None


class PiiPolicy(enum.StrEnum):
    """Kinds of personal data that rules find and redact in a transcript, under the vendor's names."""

    ACCOUNT_NUMBER = "account_number"
    CREDIT_CARD_NUMBER = "credit_card_number"
    DATE = "date"
    EMAIL_ADDRESS = "email_address"
    IP_ADDRESS = "ip_address"
    MONEY_AMOUNT = "money_amount"
    NUMBER_SEQUENCE = "number_sequence"
    PHONE_NUMBER = "phone_number"
    URL = "url"
    US_SOCIAL_SECURITY_NUMBER = "us_social_security_number"
