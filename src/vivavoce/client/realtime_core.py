"""A session of Realtime v2 without sockets, threads or a clock; see :mod:`vivavoce.client.session_core`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vivavoce.client.close_errors import CLEAN_CODES, CONNECTION_LOST
from vivavoce.client.session_core import MAX_BACKLOG, LocalEvent, PendingError, SessionCore, SessionState
from vivavoce.errors import ProtocolViolation, RealtimeError
from vivavoce.protocol.aai_v2.messages import (
    MIN_AUDIO_MS,
    ErrorMessage,
    RealtimeFinalTranscript,
    RealtimePartialTranscript,
    RealtimeSessionInformation,
    RealtimeSessionOpened,
    RealtimeSpeakerRevision,
    RealtimeTranscript,
    ServerMessage,
    SessionTerminated,
    decode_server_message,
    end_utterance_silence_threshold,
    force_end_utterance,
    terminate_session,
)

if TYPE_CHECKING:
    from vivavoce.client.backoff import Reconnect
    from vivavoce.types import Encoding

__all__ = ["MAX_BACKLOG", "Event", "RealtimeCore", "SessionState"]

_ServerEvent = (
    RealtimeSessionOpened | RealtimeTranscript | RealtimeSessionInformation | RealtimeSpeakerRevision
)

Event = _ServerEvent | LocalEvent
"""An event of a session; its type determines the handler."""


class RealtimeCore(SessionCore[_ServerEvent]):
    """One session of v2.

    Args:
        where: The server's address, for messages.
        sample_rate: Rate of the audio, in Hz.
        encoding: Encoding of the samples.
        silence_ms: Silence that ends an utterance, in milliseconds; None for the server's default.
        reconnect: How to restore a lost connection; None: the session ends with it.
    """

    FORCE = force_end_utterance()
    TERMINATE = terminate_session()
    SHORTEST_MS = MIN_AUDIO_MS

    def __init__(
        self,
        *,
        where: str,
        sample_rate: int,
        encoding: Encoding,
        silence_ms: int | None = None,
        reconnect: Reconnect | None = None,
    ) -> None:
        super().__init__(
            where=where,
            sample_rate=sample_rate,
            bytes_per_sample=encoding.bytes_per_sample,
            reconnect=reconnect,
        )
        self._silence_ms = silence_ms  # for every connection; None for the server's default

    def set_silence_ms(self, milliseconds: int) -> None:
        """Set the silence that ends an utterance, also for later connections.

        Raises:
            RealtimeError: The session is not open.
        """
        self.send(end_utterance_silence_threshold(milliseconds))
        self._silence_ms = milliseconds

    def expire_pending_error(self) -> None:
        """Emit an error message without a close frame; it ends only a session that has not begun."""
        if self._state is SessionState.OPENING and self._pending_error is not None:
            self.receive_close(CONNECTION_LOST, "")
        else:
            self._emit_pending_error()

    def give_up(self, why: str) -> None:
        """End the session from this side, because the server does not end it."""
        if self.has_opened and not self.is_finished:
            self._emit_pending_error()
        super().give_up(why)

    def receive_close(self, code: int, reason: str) -> None:
        """Handle the end of the connection; see :meth:`SessionCore.receive_close`."""
        if code in CLEAN_CODES and self._state is SessionState.OPEN:
            self._emit_pending_error()  # it was not the reason for the close
        super().receive_close(code, reason)

    def _emit_pending_error(self) -> None:
        if self._pending_error is not None and not self.is_finished:
            self._events.append(RealtimeError(self._pending_error.text))
            self._pending_error = None

    def _settings_message(self) -> str | None:
        return None if self._silence_ms is None else end_utterance_silence_threshold(self._silence_ms)

    @staticmethod
    def _supersedes(event: _ServerEvent | LocalEvent, before: _ServerEvent | LocalEvent) -> bool:
        return isinstance(event, RealtimeTranscript) and isinstance(before, RealtimePartialTranscript)

    def _read(self, message: str | bytes) -> None:
        try:
            decoded = decode_server_message(message)
            if self._state is SessionState.OPEN:
                self._emit_pending_error()  # no close frame followed it
            self._handle(decoded)
        except ProtocolViolation as violation:
            text = f"the server sent a message that can't be read: {violation}"
            if self._state is SessionState.OPENING:
                self.receive_close(CONNECTION_LOST, text)
            else:
                self._events.append(RealtimeError(text))

    def _handle(self, message: ServerMessage | None) -> None:
        match message:
            case None:
                self._skip_unknown()
            case ErrorMessage():
                # The close frame that follows an error message has its code: both are one error.
                self._pending_error = PendingError(message.error)
            case RealtimeSessionOpened():
                self._open(message, str(message.session_id))
            case _ if self._state is SessionState.OPENING:
                pass  # no server sends other messages before the first
            case RealtimePartialTranscript() | RealtimeFinalTranscript():
                self._handle_transcript(self._timeline.placed(message))
            case RealtimeSessionInformation():
                if self._combined_ms is not None:  # the server only knows its own connection
                    message = replace(message, audio_duration_seconds=self._combined_ms / 1000)
                self._events.append(message)
            case RealtimeSpeakerRevision():
                self._events.append(self._timeline.placed_revision(message))
            case SessionTerminated():
                if not self._survives_termination:
                    self._finish()

    def _handle_transcript(self, transcript: RealtimePartialTranscript | RealtimeFinalTranscript) -> None:
        is_final = isinstance(transcript, RealtimeFinalTranscript)
        words = transcript.words
        end_ms = words[-1].end if words else None
        is_news = self._timeline.record_turn(words[0].start if words else None, end_ms, is_finished=is_final)
        if is_final:
            self._finish_turn(end_ms)
        self._emit(transcript, is_news=is_news)
