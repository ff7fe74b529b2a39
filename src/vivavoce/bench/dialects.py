"""A protocol as a client speaks it, and its messages in the neutral shape of ``model``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias
from urllib.parse import urlencode, urlsplit, urlunsplit

from vivavoce.bench.model import ShownWord, SilenceRule, TurnMessage
from vivavoce.errors import ConfigurationError
from vivavoce.protocol import aai_v2, aai_v3
from vivavoce.protocol.aai_v2.messages import (
    DEFAULT_SILENCE_MS,
    ErrorMessage,
    RealtimeFinalTranscript,
    RealtimePartialTranscript,
    RealtimeSessionOpened,
    SessionTerminated,
    decode_server_message,
    end_utterance_silence_threshold,
    terminate_session,
)
from vivavoce.protocol.aai_v3.dialect import V3Factory
from vivavoce.protocol.aai_v3.messages import (
    BeginEvent,
    ErrorEvent,
    TerminationEvent,
    TurnEvent,
    decode_event,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "ClientDialect",
    "Failed",
    "Finished",
    "Opened",
    "ProtocolName",
    "Silence",
    "dialect",
    "session_url",
]

ProtocolName: TypeAlias = Literal["v2", "v3"]


@dataclass(frozen=True, slots=True)
class Silence:
    """What is asked of the server about the ends of turns; None leaves it its default.

    Attributes:
        min_ms: ``min_turn_silence`` of v3.
        max_ms: ``max_turn_silence`` of v3, ``end_utterance_silence_threshold`` of v2.
        threshold: ``end_of_turn_confidence_threshold`` of v3.
    """

    min_ms: int | None = None
    max_ms: int | None = None
    threshold: float | None = None


class Opened:
    """The server began the session."""


class Finished:
    """The server ended the session as asked."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The server told of a fault."""

    error: str


Reading: TypeAlias = Opened | Finished | Failed | TurnMessage | None


class ClientDialect(Protocol):
    """One session, seen from the client."""

    path: str
    chunk_ms: int
    terminate: str

    def query(self, sample_rate: int) -> list[tuple[str, str]]:
        """Parameters of the handshake."""

    def opening(self) -> Sequence[str]:
        """Messages to send once the session is open."""

    def rule(self) -> SilenceRule:
        """The silences in force, defaults of the protocol included."""

    def read(self, message: str | bytes, arrival_s: float) -> Reading:
        """Make a message of the server neutral; None: nothing that matters here.

        Raises:
            ProtocolViolation: It is none of the protocol's.
        """


def dialect(name: ProtocolName, silence: Silence, *, format_turns: bool = True) -> ClientDialect:
    """A new session of that protocol."""
    return V2(silence) if name == "v2" else V3(silence, format_turns=format_turns)


class V2:
    """A session of Realtime v2. It counts turns by itself: the protocol has no numbers for them."""

    path = aai_v2.PATH
    chunk_ms = 100  # the protocol's minimum; 50 ms, as elsewhere, would be refused
    terminate = terminate_session()

    def __init__(self, silence: Silence) -> None:
        self._max_ms = silence.max_ms
        self._turn = 0

    def query(self, sample_rate: int) -> list[tuple[str, str]]:
        """Parameters of the handshake."""
        return [("sample_rate", str(sample_rate))]

    def opening(self) -> Sequence[str]:
        """The silence threshold, if one is asked for."""
        return () if self._max_ms is None else (end_utterance_silence_threshold(self._max_ms),)

    def rule(self) -> SilenceRule:
        """One threshold for all turns."""
        silence_ms = DEFAULT_SILENCE_MS if self._max_ms is None else self._max_ms
        return SilenceRule(silence_ms, silence_ms)

    def read(self, message: str | bytes, arrival_s: float) -> Reading:
        """Make a message of the server neutral."""
        match decode_server_message(message):
            case RealtimeSessionOpened():
                return Opened()
            case SessionTerminated():
                return Finished()
            case ErrorMessage(error=error):
                return Failed(error)
            case (RealtimePartialTranscript() | RealtimeFinalTranscript()) as transcript:
                ended = isinstance(transcript, RealtimeFinalTranscript)
                words = tuple(ShownWord(word.text, word.start, word.end, ended) for word in transcript.words)
                if not words:  # a server may leave them out
                    words = tuple(ShownWord(text, is_final=ended) for text in transcript.text.split())
                turn = self._turn
                self._turn += ended
                return TurnMessage(arrival_s, turn, words, ended)
        return None


class V3:
    """A session of Universal-Streaming v3."""

    path = aai_v3.PATH
    chunk_ms = 50
    terminate = '{"type": "Terminate"}'

    def __init__(self, silence: Silence, *, format_turns: bool = True) -> None:
        wishes: list[tuple[str, object]] = [
            ("format_turns", format_turns),
            ("min_turn_silence", silence.min_ms),
            ("max_turn_silence", silence.max_ms),
            ("end_of_turn_confidence_threshold", silence.threshold),
        ]
        self._wishes = [(name, str(value)) for name, value in wishes if value is not None]

    def query(self, sample_rate: int) -> list[tuple[str, str]]:
        """Parameters of the handshake."""
        return [("sample_rate", str(sample_rate)), *self._wishes]

    def opening(self) -> Sequence[str]:
        """Nothing: all is said in the query."""
        return ()

    def rule(self) -> SilenceRule:
        """Two thresholds, by confidence; the dialect itself says what applies."""
        options = V3Factory().open(self._wishes).options
        return SilenceRule(options.min_silence_ms, options.max_silence_ms, options.end_of_turn_threshold)

    def read(self, message: str | bytes, arrival_s: float) -> Reading:
        """Make a message of the server neutral."""
        match decode_event(message):
            case BeginEvent():
                return Opened()
            case TerminationEvent():
                return Finished()
            case ErrorEvent(error=error, error_code=code):
                return Failed(f"{code}: {error}")
            case TurnEvent() as turn:
                words = tuple(
                    ShownWord(word.text, word.start, word.end, word.word_is_final) for word in turn.words
                )
                if not words:  # a server may leave them out
                    words = tuple(ShownWord(text, is_final=True) for text in turn.transcript.split())
                return TurnMessage(
                    arrival_s, turn.turn_order, words, turn.end_of_turn, turn.end_of_turn_confidence
                )
        return None


_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}


def session_url(base: str, spoken: ClientDialect, sample_rate: int) -> str:
    """Address of a session.

    Args:
        base: Of the server, with or without a path; with one, it is used as it is.
        spoken: The protocol.
        sample_rate: Of the audio, in Hz.

    Raises:
        ConfigurationError: That is no address.
    """
    parts = urlsplit(base)
    if parts.scheme not in _SCHEMES or not parts.netloc:
        raise ConfigurationError(f"expected ws://, wss://, http:// or https:// and a host, got {base!r}")
    path = parts.path if parts.path not in {"", "/"} else spoken.path
    query = "&".join(filter(None, [parts.query, urlencode(spoken.query(sample_rate))]))
    return urlunsplit((_SCHEMES[parts.scheme], parts.netloc, path, query, ""))
