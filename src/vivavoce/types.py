"""Domain values that every layer shares. Depends on nothing."""

import enum
from dataclasses import dataclass

__all__ = ["Codec", "Encoding", "Failure", "PiiPolicy", "Word"]


class Encoding(enum.StrEnum):
    """How the samples of an audio stream are written."""

    PCM_S16LE = "pcm_s16le"
    PCM_MULAW = "pcm_mulaw"

    @property
    def bytes_per_sample(self) -> int:
        """Width of one mono sample, in bytes."""
        return 2 if self is Encoding.PCM_S16LE else 1


class Codec(enum.StrEnum):
    """Compressed audio streams."""

    OPUS = "opus"
    OGG_OPUS = "ogg_opus"
    AAC = "aac"


class Failure(enum.Enum):
    """Why a session ended in an error, in no protocol's words.

    Each dialect maps every member to its own close code and text.
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
    """One word of a turn.

    Attributes:
        text: The word as it is to be shown, punctuation included.
        start_ms: Where it begins, in milliseconds since the session's audio began.
        end_ms: Where it ends, on the same timeline.
        confidence: Probability that the word is right, 0 to 1.
        is_final: Whether the word is committed: a committed word never changes again.
    """

    text: str
    start_ms: int
    end_ms: int
    confidence: float
    is_final: bool = False


class PiiPolicy(enum.StrEnum):
    """What rules can find and take out of a transcript; the names are the vendor's."""

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
