"""The commands and events that every dialect translates to and from.

A session knows these and no protocol; a dialect knows these and no engine. Times are milliseconds of the
session's own audio unless a name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from vivavoce.types import Codec, Encoding, Failure, Word
from vivavoce.word_joining import join_words

__all__ = [
    "Audio",
    "Closing",
    "Command",
    "Configure",
    "ForceEndpoint",
    "Heartbeat",
    "KeepAlive",
    "Redaction",
    "RoomRequest",
    "SessionBegan",
    "SessionEnded",
    "SessionEvent",
    "SessionFailed",
    "SessionLimits",
    "SessionOptions",
    "SilenceDetected",
    "SpeakerRequest",
    "SpeakersRevised",
    "SpeechStarted",
    "Terminate",
    "TurnUpdated",
    "Warn",
    "Warned",
    "Webhook",
]


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """What a protocol allows its clients.

    Attributes:
        min_chunk_ms: The least audio in one message. Less is a violation only if more audio follows: the
            last piece of a recording may have any length.
        max_chunk_ms: The most audio in one message.
        max_lead_s: How far audio may run ahead of real time, in seconds of audio; None: any amount (the
            server then slows the client down by not reading).
        idle_s: How long a client may send nothing, in seconds of wall time; None: any time.
        max_session_s: How long a session may last, in seconds of wall time.
        accepted_chunk_ms: The least audio in one message that the server takes although the protocol asks
            for more; None: it holds clients to `min_chunk_ms`.
    """

    min_chunk_ms: float
    max_chunk_ms: float
    max_lead_s: float | None
    idle_s: float | None
    max_session_s: float
    accepted_chunk_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Redaction:
    """What a session redacts in finished turns.

    Attributes:
        policies: The kinds of data, as the protocol spells them.
        substitution: The replacement: ``hash`` or ``entity_name``.
    """

    policies: tuple[str, ...]
    substitution: str = "hash"


@dataclass(frozen=True, slots=True)
class SpeakerRequest:
    """How a session labels its turns by their speakers.

    Attributes:
        most: The greatest number of speakers; None: any.
        revision_ms: Audio between two revisions of the labels; None: they are revised at the end only.
    """

    most: int | None = None
    revision_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where the server posts the finished turns of a session after its end.

    Attributes:
        url: An http or https address.
        header: Name and value of a header to send along; None: no header.
    """

    url: str
    header: tuple[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class RoomRequest:
    """The room in which readers follow a session.

    Attributes:
        name: The name in the room's address.
        key: What other sessions must bring that speak in this room too; None: nothing.
        title: A title for readers; empty: none, or as it is.
    """

    name: str
    key: str | None = field(default=None, repr=False)
    title: str = ""


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What a client asked for when it opened its session.

    Attributes:
        sample_rate: Sample rate of the audio, in Hz; compressed audio has its own.
        encoding: Encoding of the audio.
        channels: Number of channels; each has turns of its own. Compressed audio counts as one channel.
        recording: Whether the audio is a recording: it may come at any speed, and live sessions go first.
        partials: Whether the session reports unfinished turns.
        partials_ms: Audio between two reports of a turn, in milliseconds; None: as little as is reasonable.
        first_partial_ms: Speech before the first report of a turn; None: as little as is reasonable.
        format_partials: Whether words of unfinished turns keep case and punctuation.
        format_finals: Whether words of finished turns keep case and get figures.
        punctuate_finals: Whether words of finished turns keep punctuation.
        min_silence_ms: Silence that ends a turn which seems complete.
        max_silence_ms: Silence that ends any turn.
        end_of_turn_threshold: Confidence from which a turn counts as complete, 0 to 1.
        speech_threshold: Speech probability from which a frame counts as speech; None: the default.
        silence_updates_ms: How often the session reports an empty turn during silence; None: never.
        acknowledge_silence: Whether the session reports silence.
        heartbeat: Whether the session reports its state at regular intervals.
        answer_empty_force: Whether a forced end without speech gets a finished turn as its answer.
        commit_words: Whether words of an unfinished turn become final one by one.
        report_pauses: Whether the text of an utterance is reported at a pause that may end its turn.
        key_terms: Words that the client expects.
        prompt: Text before the first word, for a model that takes one; empty: none.
        filter_profanity: Whether profanity is masked.
        redaction: What is redacted in finished turns; None: nothing.
        speakers: How turns are labelled by their speakers; None: they are not.
        model: The server's model; None: its default.
        languages: ISO 639-1 codes of the languages that may be spoken; empty: any that the model knows.
        detects_language: Whether turns say which language was heard.
        translates: Whether the text is English, whatever is spoken.
        warnings: What the session warns the client about when it begins.
    """

    sample_rate: int
    encoding: Encoding | Codec = Encoding.PCM_S16LE
    channels: int = 1
    recording: bool = False
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
    report_pauses: bool = False
    key_terms: tuple[str, ...] = ()
    prompt: str = ""
    filter_profanity: bool = False
    redaction: Redaction | None = None
    speakers: SpeakerRequest | None = None
    model: str | None = None
    languages: tuple[str, ...] = ("en",)
    detects_language: bool = False
    translates: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def told_language(self) -> str | None:
        """The language that is spoken, if the client named a single one."""
        return self.languages[0] if len(self.languages) == 1 else None


# --- commands: what a client asks for ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Audio:
    """Audio in the encoding and sample rate of the session."""

    data: bytes


@dataclass(frozen=True, slots=True)
class ForceEndpoint:
    """End the turn now."""


@dataclass(frozen=True, slots=True)
class Configure:
    """Change options during the session; None leaves one as it is."""

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
    prompt: str | None = None
    filter_profanity: bool | None = None
    languages: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Warn:
    """Warn the client about something that it asked for; the session answers with `Warned`.

    Attributes:
        text: As in `Warned`.
        is_urgent: As in `Warned`.
    """

    text: str
    is_urgent: bool = False


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """Restart the timer after which the server closes an idle session."""


@dataclass(frozen=True, slots=True)
class Terminate:
    """Finish the last turn and end the session."""


Command = Audio | ForceEndpoint | Configure | Warn | KeepAlive | Terminate


# --- events: what a session reports -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SessionBegan:
    """The session is open.

    Attributes:
        session_id: A random UUID (version 4) as text.
        expires_at_unix: When the session ends at the latest, in seconds since 1970.
    """

    session_id: str
    expires_at_unix: float


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """A speaker began to speak.

    Attributes:
        at_ms: Where the audio of the utterance begins: at its first word, or at most 0.4 s before.
        confidence: Speech probability there, 0 to 1.
        channel: The channel, from 0; None if the session has only one.
    """

    at_ms: int
    confidence: float
    channel: int | None = None


@dataclass(frozen=True, slots=True)
class TurnUpdated:
    """The transcript of a turn: so far, or final.

    Attributes:
        turn_order: Number of the turn, from 0.
        start_ms: Where the audio of the turn begins.
        end_ms: Where the audio that was transcribed so far ends.
        words: All words of the turn, final ones first.
        ended: Whether the turn is finished.
        formatted: Whether the words keep case and, once the turn is finished, have figures.
        end_of_turn_confidence: Probability that the turn is complete, 0 to 1.
        punctuated: Whether the words of a finished turn keep punctuation.
        channel: The channel, from 0; None if the session has only one.
        utterance: The text since the last pause that was reported, if a pause follows it or the turn is
            finished; else empty. None: the whole text of a finished turn.
        language: ISO 639-1 code of the language that was heard; None: the model can't tell.
        language_probability: Its probability, 0 to 1.
        speaker: Who says most of it, if the session labels speakers and the turn is finished; else None.
            Words may name speakers of their own.
        speaker_confidence: Probability that the speaker is right, 0 to 1; None: not known.
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
    utterance: str | None = None
    language: str | None = None
    language_probability: float = 0.0
    speaker: str | None = None
    speaker_confidence: float | None = None

    @property
    def text(self) -> str:
        """The text of all words."""
        return join_words(word.text for word in self.words)

    @property
    def final_text(self) -> str:
        """The text of the final words."""
        return join_words(word.text for word in self.words if word.is_final)

    @property
    def confidence(self) -> float:
        """The mean confidence of the words; 0 without words."""
        return sum(word.confidence for word in self.words) / len(self.words) if self.words else 0.0


@dataclass(frozen=True, slots=True)
class SpeakersRevised:
    """Finished turns got other speakers than were reported.

    Attributes:
        turns: These turns, with their speakers.
    """

    turns: tuple[TurnUpdated, ...]


@dataclass(frozen=True, slots=True)
class SilenceDetected:
    """A stretch without speech.

    Attributes:
        start_ms: Where it begins: at the end of the last stretch, or later.
        end_ms: Where the audio that was examined so far ends.
        channel: The channel, from 0; None if the session has only one.
    """

    start_ms: int
    end_ms: int
    channel: int | None = None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The state of the session.

    Attributes:
        audio_ms: Audio received.
        session_ms: How long the session has been open, in wall time.
        max_speech_probability: Highest speech probability since the last heartbeat, 0 to 1.
    """

    audio_ms: int
    session_ms: int
    max_speech_probability: float


@dataclass(frozen=True, slots=True)
class Warned:
    """The server does not do something as the client may expect.

    Attributes:
        text: What the server does instead, for people.
        is_urgent: Whether the session can't work like this, so that even a client that may not
            know the message gets it.
    """

    text: str
    is_urgent: bool = False


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """The session ended as its client asked.

    Attributes:
        audio_ms: Audio received.
        session_ms: How long the session was open, in wall time.
    """

    audio_ms: int
    session_ms: int


@dataclass(frozen=True, slots=True)
class SessionFailed:
    """The session ended in an error.

    Attributes:
        failure: The kind of error.
        detail: What exactly was wrong, for people; may be empty.
    """

    failure: Failure
    detail: str = ""


SessionEvent = (
    SessionBegan
    | SpeechStarted
    | TurnUpdated
    | SpeakersRevised
    | SilenceDetected
    | Heartbeat
    | Warned
    | SessionEnded
    | SessionFailed
)


@dataclass(frozen=True, slots=True)
class Closing:
    """How a dialect closes a WebSocket.

    Attributes:
        code: The close code.
        reason: At most 123 bytes of UTF-8 (RFC 6455, section 5.5).
        frames: Text messages to send before the close.
    """

    code: int
    reason: str = ""
    frames: tuple[str, ...] = field(default=())
