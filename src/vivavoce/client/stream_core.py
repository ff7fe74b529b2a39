"""The messages of a v3 session; :mod:`vivavoce.client.session_core` has the rest of it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from vivavoce.client.close_errors import CONNECTION_LOST
from vivavoce.client.events import (
    BeginEvent,
    ErrorEvent,
    EventMessage,
    SpeakerRevisionEvent,
    StreamEvent,
    TerminationEvent,
    TurnEvent,
    WarningEvent,
)
from vivavoce.client.operations import FORCE, TERMINATE, update_configuration
from vivavoce.client.session_core import MAX_BACKLOG, LocalEvent, PendingError, SessionCore, SessionState
from vivavoce.errors import ProtocolViolation, RealtimeError
from vivavoce.protocol.aai_v3.messages import MIN_AUDIO_MS, decode_event

if TYPE_CHECKING:
    from vivavoce.client.backoff import Reconnect
    from vivavoce.protocol.aai_v3.choices import StreamEncoding

__all__ = ["MAX_BACKLOG", "SessionState", "StreamCore"]

logger = logging.getLogger("vivavoce.client")


class StreamCore(SessionCore[StreamEvent]):
    """One session of v3.

    Args:
        where: The server's address, for error messages.
        sample_rate: Sample rate of the audio, in Hz; None for compressed audio.
        encoding: The encoding of the audio.
        channels: The number of interleaved channels.
        reconnect: How to restore a lost connection; None: the session ends with it.
    """

    FORCE = FORCE
    TERMINATE = TERMINATE
    SHORTEST_MS = MIN_AUDIO_MS

    def __init__(
        self,
        *,
        where: str,
        sample_rate: int | None,
        encoding: StreamEncoding,
        channels: int = 1,
        reconnect: Reconnect | None = None,
    ) -> None:
        super().__init__(
            where=where,
            sample_rate=sample_rate,
            bytes_per_sample=encoding.bytes_per_sample,
            channels=channels,
            reconnect=reconnect,
        )
        self._settings: dict[str, Any] = {}  # all changes so far; each new connection gets them first
        self.began: BeginEvent | None = None  # the first one
        self.speaker_revisions: list[SpeakerRevisionEvent] = []  # all so far, with the times of the session

    def update(self, fields: dict[str, Any]) -> None:
        """Change settings, on later connections too.

        Raises:
            RealtimeError: The session is not open.
        """
        self.send(update_configuration(fields))
        self._settings |= fields

    def expire_pending_error(self) -> None:
        """Treat an error message without a close after it as the end of the connection."""
        pending = self._pending_error
        if pending is None or not self.has_pending_error:
            return
        if pending.code is not None or self._state is SessionState.OPENING:
            self.receive_close(pending.code or CONNECTION_LOST, "")
        else:
            self._reconnect_or_fail(RealtimeError(pending.text))

    def _settings_message(self) -> str | None:
        return update_configuration(self._settings) if self._settings else None

    @staticmethod
    def _supersedes(event: StreamEvent | LocalEvent, before: StreamEvent | LocalEvent) -> bool:
        return (
            isinstance(event, TurnEvent)
            and isinstance(before, TurnEvent)
            and not before.end_of_turn
            and (before.channel, before.turn_order) == (event.channel, event.turn_order)
        )

    def _read(self, message: str | bytes) -> None:
        try:
            event = decode_event(message)
        except ProtocolViolation as violation:
            logger.warning("%s sent a message that can't be read: %s", self._where, violation)
            if self._state is SessionState.OPENING:
                self.receive_close(CONNECTION_LOST, f"the first message can't be read: {violation}")
            return
        if event is None:
            self._skip_unknown()
        else:
            self._take(event)

    def _take(self, event: EventMessage) -> None:
        match event:
            case ErrorEvent():
                self._pending_error = PendingError(event.error, event.error_code)
            case BeginEvent():
                if not self.has_opened:
                    self.began = event
                self._open(event, event.id)
            case _ if self._state is SessionState.OPENING:
                pass  # the protocol allows nothing before Begin
            case TerminationEvent():
                if self._survives_termination:
                    return
                if self._combined_ms is not None:
                    # The server knows only the audio of its connection, in whole seconds.
                    event.audio_duration_seconds = round(self._combined_ms / 1000)
                self._events.append(event)
                self._finish()
            case _:
                if isinstance(event, WarningEvent):  # for programs that read only turns
                    logger.warning("%s warns (%d): %s", self._where, event.warning_code, event.warning)
                is_news = self._timeline.place(event)
                if isinstance(event, SpeakerRevisionEvent):
                    self.speaker_revisions.append(event)
                if isinstance(event, TurnEvent) and event.end_of_turn:
                    self._finish_turn(event.end)
                self._emit(event, is_news=is_news)
