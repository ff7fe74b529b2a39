"""A session without sockets, threads or a clock: what to send, and what to send again.

A session can outlive its connections. The runner and the user's calls feed it (``dial_*``, ``receive_*``,
``send_audio``, ...); :meth:`SessionCore.take_event` and :meth:`SessionCore.next_outgoing` drain it. The core
never raises for what a server does: it records an error.

What a message means depends on the protocol: ``stream_core`` is v3, ``realtime_core`` is v2.
"""

from __future__ import annotations

import abc
import enum
import logging
import random
from typing import ClassVar, Generic, NamedTuple, TypeVar

from vivavoce.client.backoff import Backoff, Reconnect, is_retryable
from vivavoce.client.close_errors import CLEAN_CODES, CONNECTION_LOST, close_error, lost_error, opening_error
from vivavoce.client.event_queue import EventQueue
from vivavoce.client.events import ClosedEvent, ReconnectedEvent, ReconnectingEvent
from vivavoce.client.owner import Owner
from vivavoce.client.send_queue import MAX_BACKLOG, SendQueue
from vivavoce.client.timeline import Timeline
from vivavoce.errors import ConnectError, RealtimeError, SessionStateError

__all__ = ["MAX_BACKLOG", "LocalEvent", "PendingError", "SessionCore", "SessionState"]

logger = logging.getLogger("vivavoce.client")

LocalEvent = RealtimeError | ReconnectingEvent | ReconnectedEvent | ClosedEvent
"""Events that the session itself adds to those of its server, in every protocol."""

ServerEvent = TypeVar("ServerEvent")


class SessionState(enum.Enum):
    """State of a session. A lost connection leads back to DIALLING; the last two are final."""

    DIALLING = enum.auto()
    """No connection; one is to be opened."""

    OPENING = enum.auto()
    """Connected; the server has not begun the session."""

    OPEN = enum.auto()
    """Messages go both ways."""

    ENDED = enum.auto()
    """Over, by agreement or by the user."""

    FAILED = enum.auto()
    """Over, with an error."""


class PendingError(NamedTuple):
    """An error message of the server. The close frame that belongs to it may follow."""

    text: str
    code: int | None = None


class SessionCore(abc.ABC, Generic[ServerEvent]):
    """One session.

    Args:
        where: The server's address, for messages.
        sample_rate: Rate of the audio, in Hz; None where the encoding carries it.
        bytes_per_sample: Width of a sample; None for compressed audio.
        channels: Number of interleaved channels.
        reconnect: How to restore a lost connection; None: the session ends with it. Compressed audio and
            several channels can't be sent again from the end of a turn, so their session ends with it, too.

    Attributes:
        owner: The process that opened the session.
        sample_rate: Rate of the audio, in Hz; None where the encoding carries it.
        is_pcm: Whether samples are 16-bit PCM.
        has_opened: Whether the server has begun the session, over any connection.
        closed_by_user: Whether the user ended the session before it ended otherwise.
        error: Why the session failed or was ended by the server; None otherwise.
        closed: The last event; None until the session is over, and for a session that never began.
    """

    FORCE: ClassVar[str]
    """The message that requests the end of a turn."""

    TERMINATE: ClassVar[str]
    """The message that requests the end of the session."""

    SHORTEST_MS: ClassVar[int]
    """Least audio in a message, in milliseconds."""

    def __init__(
        self,
        *,
        where: str,
        sample_rate: int | None,
        bytes_per_sample: int | None,
        channels: int = 1,
        reconnect: Reconnect | None = None,
    ) -> None:
        self._where = where
        self._outgoing = SendQueue(
            sample_rate=sample_rate,
            bytes_per_sample=bytes_per_sample,
            channels=channels,
            min_audio_ms=self.SHORTEST_MS,
            replayed_text=self.FORCE,
            keeps_audio=reconnect is not None and reconnect.attempts > 0,
        )
        self._events: EventQueue[ServerEvent | LocalEvent] = EventQueue(self._supersedes)
        self._timeline = Timeline()
        self._backoff = Backoff(reconnect or Reconnect(attempts=0), random.random)
        self._delay_s = 0.0  # before the next attempt to connect, while DIALLING
        self._state = SessionState.DIALLING
        self._pending_error: PendingError | None = None  # until its close frame comes or it expires
        self._terminating = False  # the user has requested the end
        self._unknown_seen = False  # a message of unknown type was logged
        self.owner = Owner()
        self.sample_rate = sample_rate
        self.is_pcm = bytes_per_sample == 2  # noqa: PLR2004  - 16-bit
        self.has_opened = False
        self.closed_by_user = False
        self.error: RealtimeError | None = None
        self.closed: ClosedEvent | None = None

    # --- what a protocol defines ---------------------------------------------------------------

    @abc.abstractmethod
    def _read(self, message: str | bytes) -> None:
        """Handle a message of the server, by ``_open``, ``_emit``, ``_finish`` and ``_pending_error``."""

    @abc.abstractmethod
    def _settings_message(self) -> str | None:
        """Return the first message of every connection, or None."""

    @abc.abstractmethod
    def expire_pending_error(self) -> None:
        """Handle an error message that no close frame has followed."""

    @staticmethod
    @abc.abstractmethod
    def _supersedes(event: ServerEvent | LocalEvent, before: ServerEvent | LocalEvent) -> bool:
        """Return whether ``event`` replaces the event before it."""

    # --- state ---------------------------------------------------------------------------------

    @property
    def state(self) -> SessionState:
        """State of the session."""
        return self._state

    @property
    def is_finished(self) -> bool:
        """Whether the session is over."""
        return self._state in {SessionState.ENDED, SessionState.FAILED}

    @property
    def is_full(self) -> bool:
        """Whether a sender must wait; False once the session is over."""
        return len(self._outgoing) >= MAX_BACKLOG

    @property
    def is_open(self) -> bool:
        """Whether audio can be sent; also while a lost connection is being restored."""
        return self.has_opened and not (self.is_finished or self.is_terminating)

    @property
    def is_terminating(self) -> bool:
        """Whether the user has requested the end of the session."""
        return self._terminating

    @property
    def can_reconnect(self) -> bool:
        """Whether a lost connection is restored."""
        return self._outgoing.can_replay

    @property
    def sent_s(self) -> float:
        """Audio sent over the present connection, in seconds; 0 if unknown."""
        return self._outgoing.sent_s

    @property
    def is_drained(self) -> bool:
        """Whether everything has been sent, the request to end included, and the server must answer."""
        return self._terminating and not self._outgoing and self._state is SessionState.OPEN

    @property
    def delay_s(self) -> float | None:
        """How long to wait before connecting, in seconds; None if no connection is to be opened."""
        return self._delay_s if self._state is SessionState.DIALLING else None

    @property
    def has_pending_error(self) -> bool:
        """Whether an error message waits for its close frame."""
        return self._pending_error is not None and not self.is_finished

    # --- commands of the user ------------------------------------------------------------------

    def check_sendable(self) -> None:
        """Check that audio can be sent; it also can while a lost connection is being restored.

        Raises:
            RealtimeError: It can't. If the session failed, this is that failure.
        """
        self.owner.check()
        if self.error is not None and not self.closed_by_user:
            raise self.error.with_traceback(None)
        if self._terminating or self.is_finished:
            raise SessionStateError("the session was closed; connect() opens another")
        if not self.has_opened:
            raise SessionStateError("the session is not open yet: connect() first")

    def send_audio(self, data: memoryview | bytes) -> None:
        """Queue audio of any length.

        Raises:
            RealtimeError: The session is not open.
        """
        self.check_sendable()
        self._outgoing.push_audio(data)

    def send(self, text: str) -> None:
        """Queue a text message.

        Raises:
            RealtimeError: The session is not open.
        """
        self.check_sendable()
        self._outgoing.push(text)

    def force_endpoint(self) -> None:
        """Request the end of the turn. Audio too short for a message of its own is sent after the request.

        Raises:
            RealtimeError: The session is not open.
        """
        self.send(self.FORCE)

    def terminate(self) -> None:
        """Queue the rest of the audio and the request to end; more calls have no effect."""
        if self._terminating or self.is_finished or self.owner.is_elsewhere:
            return
        if not self.has_opened:
            self.give_up("closed before the session began")
            return
        self._terminating = self.closed_by_user = True
        self._outgoing.push_end(self.TERMINATE)

    def drop(self) -> None:
        """End the session at once."""
        if self.is_finished or self.owner.is_elsewhere:
            return
        self.closed_by_user = True
        if self.has_opened:
            self._end(1000, "closed here, without waiting for the end")
        else:
            self.give_up("closed before the session began")

    # --- connections ---------------------------------------------------------------------------

    def dial_succeeded(self) -> None:
        """Record a new connection."""
        if self._state is SessionState.DIALLING:
            self._pending_error = None
            self._outgoing.start_connection()
            self._state = SessionState.OPENING

    def dial_failed(self, error: RealtimeError) -> None:
        """Record that no connection could be opened."""
        if self._state is not SessionState.DIALLING:
            return
        if not self.has_opened:
            self.error = error
            self._state = SessionState.FAILED
        else:
            self._reconnect_or_fail(error)

    def receive_close(self, code: int, reason: str) -> None:
        """Handle the end of the connection.

        Args:
            code: The close code; 1006 if there was no close frame.
            reason: The reason in the close frame.
        """
        if self.is_finished or self._state is SessionState.DIALLING:
            return
        text = self._pending_error.text if self._pending_error is not None else None
        if self._state is SessionState.OPENING and not self.has_opened:
            self.error = opening_error(self._where, code, reason, text)
            self._state = SessionState.FAILED
        elif code in CLEAN_CODES and text is None:
            error = RealtimeError(reason or "the server ended the session", code)
            if self._terminating or not self._reconnect(error, always=True):
                self.error = None if self._terminating else error
                self._end(code, reason)
        else:
            self._reconnect_or_fail(close_error(code, reason, text))

    def stall(self) -> None:
        """Treat the connection as lost because the server does not respond."""
        self.receive_close(CONNECTION_LOST, "")

    def give_up(self, why: str) -> None:
        """End the session from this side, because the server does not end it."""
        if self.is_finished:
            return
        if not self.has_opened:
            self.error = ConnectError(f"{self._where}: {why}")
            self._state = SessionState.FAILED
        else:
            self._fail(RealtimeError(why))

    def _reconnect_or_fail(self, error: RealtimeError) -> None:
        if not self._reconnect(error):
            self._fail(error)

    def _reconnect(self, error: RealtimeError, *, always: bool = False) -> bool:
        """Start to open another connection, if another attempt is allowed.

        Args:
            error: How the connection was lost.
            always: Whether to reconnect after any error, not only after those that may pass.

        Returns:
            Whether another connection is to be opened.
        """
        if not (self._outgoing.can_replay and (always or is_retryable(error))):
            return False
        delay_s = self._backoff.next_delay_s()
        if delay_s is None:
            return False
        self._pending_error = None
        self._delay_s = delay_s
        self._state = SessionState.DIALLING
        self._events.append(
            ReconnectingEvent(reason=str(error), attempt=self._backoff.attempt, delay_s=delay_s)
        )
        return True

    def _fail(self, error: RealtimeError) -> None:
        if self._outgoing.can_replay:
            error = lost_error(error, self._outgoing.unfinished_ms)
        self.error = error
        self._events.append(error)
        code = error.status_code
        self._end(CONNECTION_LOST if code is None else code, str(error), SessionState.FAILED)

    def _end(self, code: int, reason: str, state: SessionState = SessionState.ENDED) -> None:
        self._state = state
        self._outgoing.clear()
        self.closed = ClosedEvent(code=code, reason=reason)
        self._events.append(self.closed)

    # --- messages ------------------------------------------------------------------------------

    def receive_message(self, message: str | bytes) -> None:
        """Handle a message of the server."""
        if not self.is_finished and self._state is not SessionState.DIALLING:
            self._read(message)

    def _skip_unknown(self) -> None:
        """Log the first message of an unknown type."""
        if not self._unknown_seen:
            self._unknown_seen = True
            logger.warning("%s sent messages of an unknown type; they are skipped", self._where)

    def _open(self, event: ServerEvent, session_id: str) -> None:
        """Handle the first message of a connection, which begins its session.

        Args:
            event: That message; emitted for the first connection only.
            session_id: The server's id for the session.
        """
        if self._state is not SessionState.OPENING:
            return  # another first message changes nothing
        self._state = SessionState.OPEN
        if self.has_opened:
            replayed = self._outgoing.resume()
            self._timeline.resume(replayed.start_ms)
            self._events.append(
                ReconnectedEvent(
                    session_id=session_id, replayed_ms=replayed.replayed_ms, lost_ms=replayed.lost_ms
                )
            )
        else:
            self.has_opened = True
            self._events.append(event)
        if settings := self._settings_message():
            self._outgoing.push_first(settings)

    def _emit(self, event: ServerEvent, *, is_news: bool) -> None:
        """Emit an event of an open session.

        Args:
            event: The event, on the timeline of the session.
            is_news: Whether it is progress, after which attempts to reconnect are counted anew.
        """
        if is_news:
            self._backoff.reset()
        self._events.append(event)

    def _finish_turn(self, end_ms: int | None) -> None:
        self._outgoing.finish_turn(end_ms)

    @property
    def _survives_termination(self) -> bool:
        """Whether the end that the server reports is that of its connection only: another one may follow."""
        return not self._terminating and self._outgoing.can_replay

    @property
    def _combined_ms(self) -> int | None:
        """Length of the audio of all connections, in milliseconds; None if one connection got all of it."""
        if not self._timeline.offset_ms or not self._outgoing.can_replay:
            return None
        return self._outgoing.total_ms

    def _finish(self) -> None:
        """Handle the end of the session that the server reports."""
        if not self._terminating:
            self.error = RealtimeError("the server ended the session", 1000)
        self._end(1000, "")

    # --- draining ------------------------------------------------------------------------------

    @property
    def has_events(self) -> bool:
        """Whether there is an event to take."""
        return bool(self._events)

    def take_event(self) -> ServerEvent | LocalEvent | None:
        """Return the next event, or None."""
        return self._events.take()

    def next_outgoing(self, now: float) -> bytes | str | None:
        """Return the next message to send: binary is audio, text is JSON; None if there is none.

        Args:
            now: The time, in seconds of any monotonic clock.
        """
        if self._state is not SessionState.OPEN:
            return None
        return self._outgoing.pop(now, self._timeline.turn_start_ms)
