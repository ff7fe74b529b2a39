"""What every dialect is translated into: commands from the client, events to it.

A session knows these and no protocol; a dialect knows these and no engine. Times are
milliseconds of the session's own audio unless a name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from vivavoce.types import Codec, Encoding, Failure, Word

__all__ = [
    "Audio",
    "Closing",
    "Command",
    "Configure",
    "ForceEndpoint",
    "Heartbeat",
    "KeepAlive",
    "Redaction",
    "SessionBegan",
    "SessionEnded",
    "SessionEvent",
    "SessionFailed",
    "SessionLimits",
    "SessionOptions",
    "SilenceDetected",
    "SpeechStarted",
    "Terminate",
    "TurnUpdated",
    "Warn",
    "Warned",
    "Webhook",
]


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """What a dialect allows its clients.

    Attributes:
        min_chunk_ms: Shortest audio in one message. A shorter one is a fault only when more audio
            follows it: the last piece of a recording is what it is.
        max_chunk_ms: Longest audio in one message.
        max_lead_s: By how much audio may run ahead of the clock, in seconds of audio; None: no limit
            (the server then slows the client down by not reading).
        idle_s: How long a client may send nothing, in seconds of wall time; None: for ever.
        max_session_s: How long a session may live, in seconds of wall time.
    """

    min_chunk_ms: float
    max_chunk_ms: float
    max_lead_s: float | None
    idle_s: float | None
    max_session_s: float


@dataclass(frozen=True, slots=True)
class Redaction:
    """What is taken out of finished turns.

    Attributes:
        policies: Names of what is taken out, as the protocol spells them.
        substitution: ``hash`` or ``entity_name``: what stands in its place.
    """

    policies: tuple[str, ...]
    substitution: str = "hash"


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where the finished turns of a session are posted once it is over.

    Attributes:
        url: With ``http`` or ``https``.
        header: Name and value of a header to send along; None: none.
    """

    url: str
    header: tuple[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What a client asked for when it opened its session.

    Attributes:
        sample_rate: Of the audio that will be sent, in Hz; a codec knows its own.
        encoding: Of the audio that will be sent.
        channels: How many channels it has, each with turns of its own; a codec's are heard as one.
        partials: Whether updates of unfinished turns are wanted.
        partials_ms: Audio between two of them, in milliseconds; None: as often as is reasonable.
        first_partial_ms: Speech before the first of a turn; None: as early as is reasonable.
        format_partials: Whether words of unfinished turns keep case and punctuation.
        format_finals: Whether words of finished turns keep case and get figures.
        punctuate_finals: Whether they keep punctuation.
        min_silence_ms: Silence that ends a turn which sounds complete.
        max_silence_ms: Silence that ends any turn.
        end_of_turn_threshold: Confidence from which a turn counts as complete, 0 to 1.
        speech_threshold: Speech probability from which a frame counts as speech; None: the default.
        silence_updates_ms: How often an empty update is sent while nobody speaks; None: never.
        acknowledge_silence: Whether stretches in which nobody spoke are told.
        heartbeat: Whether the session tells now and then how it is doing.
        answer_empty_force: Whether a forced end is answered by a finished turn though nothing was said.
        commit_words: Whether words of an unfinished turn are committed one by one.
        key_terms: Words the client expects.
        filter_profanity: Whether rude words are masked.
        redaction: What is taken out of finished turns; None: nothing.
        warnings: What the client has to be told about its wishes when the session begins.
    """

    sample_rate: int
    encoding: Encoding | Codec = Encoding.PCM_S16LE
    channels: int = 1
    partials: bool = True
    partials_ms: int | None = None
    first_partial_ms: int | None = None
    format_partials: bool = False
    format_finals: bool = True
    punctuate_finals: bool = True
    min_silence_ms: int = 700
    max_silence_ms: int = 700
    end_of_turn_threshold: float = 0.0
    speech_threshold: float | None = None
    silence_updates_ms: int | None = None
    acknowledge_silence: bool = False
    heartbeat: bool = False
    answer_empty_force: bool = False
    commit_words: bool = False
    key_terms: tuple[str, ...] = ()
    filter_profanity: bool = False
    redaction: Redaction | None = None
    warnings: tuple[str, ...] = ()


# --- commands: what a client asks for ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Audio:
    """Samples, in the encoding and rate of the session."""

    data: bytes


@dataclass(frozen=True, slots=True)
class ForceEndpoint:
    """End the turn now."""


@dataclass(frozen=True, slots=True)
class Configure:
    """Change options in mid-session; None leaves one as it is."""

    min_silence_ms: int | None = None
    max_silence_ms: int | None = None
    end_of_turn_threshold: float | None = None
    speech_threshold: float | None = None
    format_turns: bool | None = None
    partials_ms: int | None = None
    first_partial_ms: int | None = None
    acknowledge_silence: bool | None = None
    heartbeat: bool | None = None
    key_terms: tuple[str, ...] | None = None
    filter_profanity: bool | None = None


@dataclass(frozen=True, slots=True)
class Warn:
    """Something the client has to be told about what it asked for; comes back as `Warned`."""

    text: str


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """Only tells that the client is still there."""


@dataclass(frozen=True, slots=True)
class Terminate:
    """Finish the last turn and end the session."""


Command = Audio | ForceEndpoint | Configure | Warn | KeepAlive | Terminate


# --- events: what a session tells -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SessionBegan:
    """The session is open.

    Attributes:
        session_id: A random UUID (version 4) in its text form.
        expires_at_unix: When it will be ended at the latest, in seconds since 1970.
    """

    session_id: str
    expires_at_unix: float


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Somebody began to speak.

    Attributes:
        at_ms: Where.
        confidence: Speech probability there.
        channel: Which channel it was, from 0; None if there is only one.
    """

    at_ms: int
    confidence: float
    channel: int | None = None


@dataclass(frozen=True, slots=True)
class TurnUpdated:
    """The words of a turn so far, or, when it ended, for good.

    Attributes:
        turn_order: Counts turns from 0.
        start_ms: Where the turn's audio begins.
        end_ms: Up to where it was listened to.
        words: All words of the turn, committed ones first.
        ended: Whether the turn is finished.
        formatted: Whether the words keep case and, once the turn ended, have figures.
        end_of_turn_confidence: How complete the turn sounds, 0 to 1.
        punctuated: Whether the words of a finished turn keep punctuation.
        channel: Which channel it was, from 0; None if there is only one.
    """

    turn_order: int
    start_ms: int
    end_ms: int
    words: tuple[Word, ...] = ()
    ended: bool = False
    formatted: bool = False
    end_of_turn_confidence: float = 0.0
    punctuated: bool = False
    channel: int | None = None

    @property
    def text(self) -> str:
        """All words in a row."""
        return " ".join(word.text for word in self.words)

    @property
    def final_text(self) -> str:
        """The committed words in a row."""
        return " ".join(word.text for word in self.words if word.is_final)

    @property
    def confidence(self) -> float:
        """Mean confidence of the words; 0 without any."""
        return sum(word.confidence for word in self.words) / len(self.words) if self.words else 0.0


@dataclass(frozen=True, slots=True)
class SilenceDetected:
    """Nobody spoke for a while.

    Attributes:
        start_ms: Where that stretch begins; each begins where the one before it ended, or later.
        end_ms: Up to where it was listened to.
        channel: Which channel it was, from 0; None if there is only one.
    """

    start_ms: int
    end_ms: int
    channel: int | None = None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """How the session is doing.

    Attributes:
        audio_ms: How much audio was received.
        session_ms: How long the session has been open, in wall time.
        max_speech_probability: Highest speech probability since the heartbeat before, 0 to 1.
    """

    audio_ms: int
    session_ms: int
    max_speech_probability: float


@dataclass(frozen=True, slots=True)
class Warned:
    """Something the client asked for is not done as it may expect.

    Attributes:
        text: What, in words for people.
    """

    text: str


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """The session ended as asked.

    Attributes:
        audio_ms: How much audio was received.
        session_ms: How long it was open, in wall time.
    """

    audio_ms: int
    session_ms: int


@dataclass(frozen=True, slots=True)
class SessionFailed:
    """The session ended in an error."""

    failure: Failure
    detail: str = ""


SessionEvent = (
    SessionBegan
    | SpeechStarted
    | TurnUpdated
    | SilenceDetected
    | Heartbeat
    | Warned
    | SessionEnded
    | SessionFailed
)


@dataclass(frozen=True, slots=True)
class Closing:
    """How a dialect ends a WebSocket.

    Attributes:
        code: The close code.
        reason: At most 123 bytes of UTF-8 (RFC 6455, section 5.5).
        frames: Text messages to send before the close.
    """

    code: int
    reason: str = ""
    frames: tuple[str, ...] = field(default=())
