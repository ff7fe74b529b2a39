"""The server's side of v2."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Final
from uuid import UUID

from vivavoce.errors import ProtocolViolation
from vivavoce.protocol.aai_v2.close_codes import CLOSE_TEXTS, CODES
from vivavoce.protocol.aai_v2.messages import (
    DEFAULT_SILENCE_MS,
    MAX_AUDIO_MS,
    MIN_AUDIO_MS,
    ErrorMessage,
    RealtimeFinalTranscript,
    RealtimePartialTranscript,
    RealtimeSessionInformation,
    RealtimeSessionOpened,
    RealtimeSpeakerRevision,
    RealtimeSpeakerRevisionItem,
    RealtimeWord,
    ServerMessage,
    SessionTerminated,
    encode_server_message,
)
from vivavoce.protocol.aai_v2.parameters import PARAMETERS
from vivavoce.protocol.commands import read_command, text_in_binary
from vivavoce.protocol.events import (
    Audio,
    Closing,
    Command,
    Heartbeat,
    SessionBegan,
    SessionEnded,
    SessionEvent,
    SessionFailed,
    SessionLimits,
    SessionOptions,
    SilenceDetected,
    SpeakerRequest,
    SpeakersRevised,
    SpeechStarted,
    TurnUpdated,
    Warned,
)
from vivavoce.protocol.key_terms import sort_terms
from vivavoce.protocol.query import Query, clip_reason, json_object
from vivavoce.protocol.rooms import read_room
from vivavoce.protocol.served_models import ENGLISH_ONLY
from vivavoce.types import Encoding, Failure, SpeechTask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.protocol.events import RoomRequest
    from vivavoce.protocol.served_models import ServedModels

__all__ = ["V2Dialect", "V2Factory"]

_MAX_WORD_BOOST_CHARACTERS: Final = 2_500
_ACCEPTED_CHUNK_MS: Final = 10  # published programs send 10, 20 or 50 ms; a session gathers any chunks
_SILENCE_UPDATE_MS: Final = (
    1_000  # the vendor repeats empty partials during silence, at an unpublished interval
)


def _naive_utc(unix_time: float) -> datetime:
    return datetime.fromtimestamp(unix_time, UTC).replace(tzinfo=None)


def _refuse(failed: SessionFailed) -> Closing:
    code = CODES[failed.failure]
    text = CLOSE_TEXTS[code]
    if failed.detail:
        text = f"{text}: {failed.detail}"
    return Closing(code, clip_reason(text), (encode_server_message(ErrorMessage(error=text)),))


class V2Dialect:
    """One v2 connection, seen from the server."""

    name: ClassVar[str] = "v2"
    webhook: ClassVar[None] = None  # v2 has no webhooks
    limits: ClassVar[SessionLimits] = SessionLimits(
        min_chunk_ms=MIN_AUDIO_MS,
        max_chunk_ms=MAX_AUDIO_MS,
        max_lead_s=60,
        idle_s=60,
        max_session_s=24 * 3600,
        accepted_chunk_ms=_ACCEPTED_CHUNK_MS,
    )

    def __init__(
        self, options: SessionOptions, *, extra_information: bool = False, room: RoomRequest | None = None
    ) -> None:
        self.options = options
        self.room = room
        self._extra_information = extra_information  # whether SessionInformation precedes the end

    def decode(self, message: str | bytes) -> tuple[Command, ...]:
        """Translate one WebSocket message into commands: audio is binary, JSON is text or binary.

        Raises:
            ProtocolViolation: The message does not belong to the protocol, or has wrong fields.
        """
        if isinstance(message, bytes):
            text = text_in_binary(message)
            if text is None:
                return (Audio(message),)
            message = text
        fields = json_object(message)
        commands = read_command(fields)
        if commands is not None:
            return commands
        names = ", ".join(sorted(fields)) or "none"
        raise ProtocolViolation(Failure.BAD_MESSAGE, f"unknown message with the fields {names}")

    def encode(self, event: SessionEvent, unix_time: float) -> tuple[str, ...]:
        """Translate an event into messages, possibly none."""
        match event:
            case SessionBegan():
                message: ServerMessage = RealtimeSessionOpened(
                    session_id=UUID(event.session_id), expires_at=_naive_utc(event.expires_at_unix)
                )
            case TurnUpdated():
                message = self._transcript(event, unix_time)
            case SpeakersRevised():
                message = _revision(event)
            case SpeechStarted() | SilenceDetected() | Heartbeat() | Warned():
                return ()  # v2 has no such messages
            case SessionEnded() | SessionFailed():
                return self.closing(event).frames
        return (encode_server_message(message),)

    @staticmethod
    def _transcript(
        event: TurnUpdated, unix_time: float
    ) -> RealtimePartialTranscript | RealtimeFinalTranscript:
        words = _words(event)
        confidence = round(event.confidence, 4)
        created = _naive_utc(unix_time)
        if not event.ended:
            return RealtimePartialTranscript(
                audio_start=event.start_ms,
                audio_end=event.end_ms,
                confidence=confidence,
                text=event.text,
                words=words,
                created=created,
            )
        return RealtimeFinalTranscript(
            audio_start=event.start_ms,
            audio_end=event.end_ms,
            confidence=confidence,
            text=event.text,
            words=words,
            created=created,
            punctuated=event.punctuated,
            text_formatted=event.formatted,
            speaker_label=event.speaker,
        )

    def closing(self, event: SessionEnded | SessionFailed) -> Closing:
        """Return how to close the socket after an event."""
        if isinstance(event, SessionFailed):
            return _refuse(event)
        frames: list[str] = []
        if self._extra_information:
            information = RealtimeSessionInformation(audio_duration_seconds=event.audio_ms / 1000)
            frames.append(encode_server_message(information))
        frames.append(encode_server_message(SessionTerminated()))
        return Closing(1000, "", tuple(frames))


def _words(turn: TurnUpdated) -> list[RealtimeWord]:
    return [
        RealtimeWord(
            start=word.start_ms,
            end=word.end_ms,
            confidence=round(word.confidence, 4),
            text=word.text,
            speaker=word.speaker or turn.speaker,
        )
        for word in turn.words
    ]


def _revision(event: SpeakersRevised) -> RealtimeSpeakerRevision:
    return RealtimeSpeakerRevision(
        revisions=[
            RealtimeSpeakerRevisionItem(
                audio_start=turn.start_ms,
                audio_end=turn.end_ms,
                speaker_label=turn.speaker,
                words=_words(turn),
            )
            for turn in event.turns
        ]
    )


def _speakers(query: Query, models: ServedModels) -> SpeakerRequest | None:
    """How finals are labelled by their speakers; None: they are not."""
    if not query.flag("speaker_labels"):
        return None
    if not models.labels_speakers:  # there is no message that could warn of it
        raise ProtocolViolation(Failure.BAD_OPTION, "speaker_labels: the server has no voice encoder")
    return SpeakerRequest(query.whole("max_speakers"))


class V2Factory:
    """Opens v2 connections."""

    name: ClassVar[str] = "v2"

    def open(self, pairs: Sequence[tuple[str, str]], models: ServedModels = ENGLISH_ONLY) -> V2Dialect:
        """Read the query of the handshake.

        Args:
            pairs: Names and values.
            models: The server's models; v2 has no parameter that chooses one, but a task may need another
                than the default.

        Raises:
            ProtocolViolation: A parameter has a value that is not allowed.
        """
        query = Query(pairs, PARAMETERS)
        sample_rate = query.required_whole("sample_rate")
        query.check()
        if query.flag("redact_pii"):  # not a parameter of v2, but the server must not ignore it
            raise ProtocolViolation(Failure.BAD_OPTION, "redact_pii needs v3: v2 can't redact")
        key_terms = query.strings("word_boost") or ()
        length = sum(map(len, key_terms))
        if length > _MAX_WORD_BOOST_CHARACTERS:
            raise ProtocolViolation(
                Failure.BAD_WORD_BOOST,
                f"word_boost must have at most {_MAX_WORD_BOOST_CHARACTERS} characters, got {length}",
            )
        translates = query.text("task") == SpeechTask.TRANSLATE
        model = models.knowing((), translates=translates)
        if translates and not model.translates:  # there is no message that could warn of it
            raise ProtocolViolation(Failure.BAD_OPTION, f"task=translate: {model.name} can't translate")
        room = read_room(query)
        speakers = _speakers(query, models)
        format_finals = query.flag("format_text") is not False
        options = SessionOptions(
            sample_rate=sample_rate,
            encoding=Encoding(query.text("encoding") or Encoding.PCM_S16LE),
            partials=not query.flag("disable_partial_transcripts"),
            format_partials=room is not None and format_finals,  # an audience reads them
            format_finals=format_finals,
            punctuate_finals=query.flag("punctuate") is not False,
            filter_profanity=query.flag("filter_profanity") or False,
            min_silence_ms=DEFAULT_SILENCE_MS,
            max_silence_ms=DEFAULT_SILENCE_MS,
            silence_updates_ms=_SILENCE_UPDATE_MS,
            key_terms=sort_terms(key_terms)[0],
            speakers=speakers,
            model=model.name,
            languages=model.languages if model.only_language else (),
            translates=translates,
        )
        extra_information = query.flag("enable_extra_session_information") or False
        return V2Dialect(options, extra_information=extra_information, room=room)

    def refuse(self, violation: SessionFailed) -> Closing:
        """Return how to close a socket on which no session could begin."""
        return _refuse(violation)
