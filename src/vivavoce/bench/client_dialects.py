"""Both protocols as a client speaks them, with messages in the neutral form of ``records``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias
from urllib.parse import urlencode, urlsplit, urlunsplit

from vivavoce.bench.records import ShownWord, SilenceRule, TurnMessage
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

    from vivavoce.bench.options import ProtocolName

__all__ = [
    "ClientDialect",
    "Failed",
    "Finished",
    "Opened",
    "TurnSilence",
    "V2Client",
    "V3Client",
    "client_dialect",
    "session_url",
]


@dataclass(frozen=True, slots=True)
class TurnSilence:
    """What to request of the server for the ends of turns; None: the server's default.

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
    """The server reported an error."""

    error: str


ServerMessage: TypeAlias = Opened | Finished | Failed | TurnMessage | None


class ClientDialect(Protocol):
    """The client's end of one session.

    Attributes:
        path: Of the endpoint.
        chunk_ms: Audio per message.
        terminate: The message that ends the session.
    """

    path: str
    chunk_ms: int
    terminate: str

    def query(self, sample_rate: int) -> list[tuple[str, str]]:
        """Return the parameters of the handshake."""

    def opening(self) -> Sequence[str]:
        """Return the messages to send once the session is open."""

    def rule(self) -> SilenceRule:
        """Return the silences in force, defaults of the protocol included."""

    def read(self, message: str | bytes, arrival_s: float) -> ServerMessage:
        """Decode a message of the server; None: nothing that matters here.

        Raises:
            ProtocolViolation: It is not a message of the protocol.
        """


def client_dialect(
    name: ProtocolName, silence: TurnSilence | None = None, *, format_turns: bool = True
) -> ClientDialect:
    """Return the client's end of a new session.

    Args:
        name: The protocol.
        silence: What to request for the ends of turns.
        format_turns: v3: whether to request case and punctuation.
    """
    silence = silence or TurnSilence()
    return V2Client(silence) if name == "v2" else V3Client(silence, format_turns=format_turns)


class V2Client:
    """A session of Realtime v2. It counts turns itself: the protocol does not number them."""

    path = aai_v2.PATH
    chunk_ms = 100  # the protocol's minimum; 50 ms, as in v3, would be refused
    terminate = terminate_session()

    def __init__(self, silence: TurnSilence) -> None:
        self._max_ms = silence.max_ms
        self._turn = 0  # number of the turn that the next message is about

    def query(self, sample_rate: int) -> list[tuple[str, str]]:
        """Return the parameters of the handshake."""
        return [("sample_rate", str(sample_rate))]

    def opening(self) -> Sequence[str]:
        """Return the silence threshold, if one is requested."""
        return () if self._max_ms is None else (end_utterance_silence_threshold(self._max_ms),)

    def rule(self) -> SilenceRule:
        """Return one threshold for all turns."""
        silence_ms = DEFAULT_SILENCE_MS if self._max_ms is None else self._max_ms
        return SilenceRule(silence_ms, silence_ms)

    def read(self, message: str | bytes, arrival_s: float) -> ServerMessage:
        """Decode a message of the server."""
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


class V3Client:
    """A session of Universal-Streaming v3."""

    path = aai_v3.PATH
    chunk_ms = 50
    terminate = '{"type": "Terminate"}'

    def __init__(self, silence: TurnSilence, *, format_turns: bool = True) -> None:
        parameters: list[tuple[str, object]] = [
            ("format_turns", format_turns),
            ("min_turn_silence", silence.min_ms),
            ("max_turn_silence", silence.max_ms),
            ("end_of_turn_confidence_threshold", silence.threshold),
        ]
        self._parameters = [(name, str(value)) for name, value in parameters if value is not None]

    def query(self, sample_rate: int) -> list[tuple[str, str]]:
        """Return the parameters of the handshake."""
        return [("sample_rate", str(sample_rate)), *self._parameters]

    def opening(self) -> Sequence[str]:
        """Return nothing: the query holds every parameter."""
        return ()

    def rule(self) -> SilenceRule:
        """Return two thresholds, by confidence, as the dialect of the server computes them."""
        options = V3Factory().open(self._parameters).options
        return SilenceRule(options.min_silence_ms, options.max_silence_ms, options.end_of_turn_threshold)

    def read(self, message: str | bytes, arrival_s: float) -> ServerMessage:
        """Decode a message of the server."""
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


def session_url(base: str, dialect: ClientDialect, sample_rate: int) -> str:
    """Return the address of a session.

    Args:
        base: Address of the server; a path in it replaces that of the protocol.
        dialect: The protocol.
        sample_rate: Of the audio, in Hz.

    Raises:
        ConfigurationError: It is not an address.
    """
    parts = urlsplit(base)
    if parts.scheme not in _SCHEMES or not parts.netloc:
        raise ConfigurationError(f"--url must be ws://, wss://, http:// or https:// and a host, got {base!r}")
    path = parts.path if parts.path not in {"", "/"} else dialect.path
    query = "&".join(filter(None, [parts.query, urlencode(dialect.query(sample_rate))]))
    return urlunsplit((_SCHEMES[parts.scheme], parts.netloc, path, query, ""))
