"""One session without its sockets: what to send, and what to send once more.

A session can outlive its connections. Fed by ``receive_*``, ``dial_*`` and the calls that stand for the
user's; drained by :meth:`SessionCore.take_event` and :meth:`SessionCore.next_outgoing`. Knows neither
sockets nor threads nor clocks, and never raises for what the server does.

What a message means is for the protocol to say: ``stream_core`` is v3, ``realtime_core`` is v2.
"""

from __future__ import annotations

import abc
import enum
import logging
import random
from collections import deque
from typing import ClassVar, Final, Generic, NamedTuple, TypeVar

from vivavoce.client.backoff import Backoff, Reconnect, is_retryable
from vivavoce.client.chunking import Chunker
from vivavoce.client.close_errors import CLEAN_CODES, CONNECTION_LOST, close_error, opening_error
from vivavoce.client.event_queue import EventQueue
from vivavoce.client.events import ClosedEvent, ReconnectedEvent, ReconnectingEvent
from vivavoce.client.replay_buffer import ReplayBuffer, merge_short_audio
from vivavoce.client.timeline import Timeline
from vivavoce.errors import ConnectError, RealtimeError, SessionLostError

__all__ = ["MAX_BACKLOG", "LocalEvent", "PendingError", "SessionCore", "SessionState"]

MAX_BACKLOG: Final = 64
"""Messages that may wait to be sent, 3 to 12 s of audio; above it, whoever sends has to wait."""

logger = logging.getLogger("vivavoce.client")

LocalEvent = RealtimeError | ReconnectingEvent | ReconnectedEvent | ClosedEvent
"""What a session of any protocol can tell beside what its server tells."""

ServerEvent = TypeVar("ServerEvent")


class SessionState(enum.Enum):
    """Where a session is. The last two are the ends."""

    DIALLING = enum.auto()
    OPENING = enum.auto()
    OPEN = enum.auto()
    ENDED = enum.auto()
    FAILED = enum.auto()


class PendingError(NamedTuple):
    """An error message of the server; the close that belongs to it may follow."""

    text: str
    code: int | None = None


class SessionCore(abc.ABC, Generic[ServerEvent]):
    """One session.

    Args:
        where: The server's address, for messages.
        sample_rate: Rate of the audio, in Hz; None where the encoding says it itself.
        bytes_per_sample: Width of a sample; None where the audio is no PCM.
        channels: How many interleaved channels it has.
        reconnect: How hard to try to keep the session; None where a lost connection is its end. Audio
            that is no PCM, or has several channels, can't be sent again from the end of a turn, so it ends
            with its connection, too.
    """

    FORCE: ClassVar[str]
    """The message that asks for the end of a turn."""

    TERMINATE: ClassVar[str]
    """The message that asks for the end of the session."""

    SHORTEST_MS: ClassVar[int]
    """The least audio that a message may carry, in milliseconds."""

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
        self.is_pcm = bytes_per_sample == 2  # noqa: PLR2004  - 16-bit
        self._chunker: Chunker | None = None
        self._replay: ReplayBuffer | None = None
        if bytes_per_sample is not None and sample_rate is not None:
            self._chunker = Chunker(sample_rate, bytes_per_sample * channels, self.SHORTEST_MS)
            if reconnect is not None and reconnect.attempts and channels == 1:
                self._replay = ReplayBuffer(sample_rate, bytes_per_sample)
        self._backoff = Backoff(reconnect or Reconnect(attempts=0), random.random)
        self._delay_s: float | None = 0.0
        self._state = SessionState.DIALLING
        self._bytes_per_s = (sample_rate or 0) * (bytes_per_sample or 0) * channels
        self._sent_bytes = 0
        self._outgoing: deque[bytes | str] = deque()
        self._events: EventQueue[ServerEvent | LocalEvent] = EventQueue(self._supersedes)
        self._pending_error: PendingError | None = None
        self._timeline = Timeline()
        self._terminating = False
        self._unknown_seen = False
        self.has_opened = False
        self.closed_by_user = False
        self.error: RealtimeError | None = None
        self.closed: ClosedEvent | None = None

    # --- what the protocol says ---------------------------------------------------------------

    @abc.abstractmethod
    def _read(self, message: str | bytes) -> None:
        """Take a message of the server, by ``_open``, ``_hear``, ``_finish`` and ``_said``."""

    @abc.abstractmethod
    def _settings_message(self) -> str | None:
        """What has to be said at the beginning of every connection."""

    @abc.abstractmethod
    def expire_pending_error(self) -> None:
        """Take an error message that no close followed for what it is."""

    @staticmethod
    @abc.abstractmethod
    def _supersedes(event: ServerEvent | LocalEvent, before: ServerEvent | LocalEvent) -> bool:
        """Whether nobody needs the event before any more."""

    # --- what it is ---------------------------------------------------------------------------

    @property
    def state(self) -> SessionState:
        """Where the session is."""
        return self._state

    @property
    def is_finished(self) -> bool:
        """Whether nothing will come any more."""
        return self._state in {SessionState.ENDED, SessionState.FAILED}

    @property
    def is_full(self) -> bool:
        """Whether whoever sends should wait; a finished session has an empty queue."""
        return len(self._outgoing) >= MAX_BACKLOG

    @property
    def is_open(self) -> bool:
        """Whether audio can be sent; also while a lost connection is being made again."""
        return self.has_opened and not (self.is_finished or self.is_terminating)

    @property
    def is_terminating(self) -> bool:
        """Whether the user has closed the session."""
        return self._terminating

    @property
    def can_reconnect(self) -> bool:
        """Whether a lost connection is made again."""
        return self._replay is not None

    @property
    def sent_s(self) -> float:
        """How much audio was sent over the present connection, in seconds; 0 where that is not known."""
        return self._sent_bytes / self._bytes_per_s if self._bytes_per_s else 0.0

    @property
    def is_drained(self) -> bool:
        """Whether all has been sent, the wish to end included, and only the server can go on."""
        return self._terminating and not self._outgoing and self._state is SessionState.OPEN

    @property
    def delay_s(self) -> float | None:
        """How long to wait before dialling, in seconds; None where nothing is to be dialled."""
        return self._delay_s if self._state is SessionState.DIALLING else None

    @property
    def has_pending_error(self) -> bool:
        """Whether an error message waits for the close that belongs to it."""
        return self._pending_error is not None and not self.is_finished

    # --- what the user does -------------------------------------------------------------------

    def check_sendable(self) -> None:
        """Say whether audio can be sent; also while a lost connection is being made again.

        Raises:
            RealtimeError: It can't; where the session failed, this is that failure.
        """
        if self.error is not None and not self.closed_by_user:
            raise self.error.with_traceback(None)
        if self._terminating or self.is_finished:
            raise RealtimeError("the session was closed; connect() opens another")
        if not self.has_opened:
            raise RealtimeError("the session is not open yet: connect() first")

    def send_audio(self, data: memoryview | bytes) -> None:
        """Put audio in the queue, cut anew.

        Raises:
            RealtimeError: The session is not open.
        """
        self.check_sendable()
        if self._chunker is None:
            self._outgoing.append(bytes(data))
        else:
            self._outgoing.extend(self._chunker.push(data))

    def send(self, text: str) -> None:
        """Queue a message.

        Raises:
            RealtimeError: The session is not open.
        """
        self.check_sendable()
        self._outgoing.append(text)

    def force_endpoint(self) -> None:
        """Ask for the end of the turn. Audio too short to be a message of its own stays for the next one.

        Raises:
            RealtimeError: The session is not open.
        """
        self.send(self.FORCE)

    def terminate(self) -> None:
        """Send what is left and ask for the end; once is enough."""
        if self._terminating or self.is_finished:
            return
        if not self.has_opened:
            self.give_up("closed before the session began")
            return
        self._terminating = self.closed_by_user = True
        if self._chunker is not None and (tail := self._chunker.finish()):
            self._outgoing.append(tail)
        self._outgoing.append(self.TERMINATE)

    def drop(self) -> None:
        """End the session without waiting for anything."""
        if self.is_finished:
            return
        self.closed_by_user = True
        if self.has_opened:
            self._end(1000, "closed here, without waiting for the end")
        else:
            self.give_up("closed before the session began")

    # --- connections --------------------------------------------------------------------------

    def dial_succeeded(self) -> None:
        """Take note of a new connection."""
        if self._state is SessionState.DIALLING:
            self._pending_error = None
            self._sent_bytes = 0
            self._state = SessionState.OPENING

    def dial_failed(self, error: RealtimeError) -> None:
        """Take note that none could be made."""
        if self._state is not SessionState.DIALLING:
            return
        if not self.has_opened:
            self.error = error
            self._state = SessionState.FAILED
        else:
            self._reconnect_or_fail(error)

    def receive_close(self, code: int, reason: str) -> None:
        """Take the end of the connection; 1006 where it ended without a close frame."""
        if self.is_finished or self._state is SessionState.DIALLING:
            return
        said = self._pending_error.text if self._pending_error is not None else None
        if self._state is SessionState.OPENING and not self.has_opened:
            self.error = opening_error(self._where, code, reason, said)
            self._state = SessionState.FAILED
        elif code in CLEAN_CODES and said is None:
            error = RealtimeError(reason or "the server ended the session", code)
            if self._terminating or not self._reconnect_or_fail(error, retry=True, is_error=False):
                self.error = None if self._terminating else error
                self._end(code, reason)
        else:
            self._reconnect_or_fail(close_error(code, reason, said))

    def stall(self) -> None:
        """Take note that the server does not react any more."""
        self.receive_close(CONNECTION_LOST, "")

    def give_up(self, why: str) -> None:
        """End the session from this side, because the server does not."""
        if self.is_finished:
            return
        if not self.has_opened:
            self.error = ConnectError(f"{self._where}: {why}")
            self._state = SessionState.FAILED
        else:
            self._fail(RealtimeError(why))

    def _reconnect_or_fail(self, error: RealtimeError, *, retry: bool = False, is_error: bool = True) -> bool:
        """Go on with another connection, or fail; whether it goes on."""
        delay_s = None
        if self._replay is not None and (retry or is_retryable(error)):
            delay_s = self._backoff.next_delay_s()
        if delay_s is None:
            if is_error:
                self._fail(error)
            return False
        self._pending_error = None
        self._delay_s = delay_s
        self._state = SessionState.DIALLING
        self._events.append(
            ReconnectingEvent(reason=str(error), attempt=self._backoff.attempt, delay_s=delay_s)
        )
        return True

    def _fail(self, error: RealtimeError) -> None:
        if self._replay is not None:
            error = SessionLostError(str(error), error.status_code, lost_ms=self._untranscribed_ms())
        self.error = error
        self._events.append(error)
        code = error.status_code
        self._end(CONNECTION_LOST if code is None else code, str(error), SessionState.FAILED)

    def _end(self, code: int, reason: str, state: SessionState = SessionState.ENDED) -> None:
        self._state = state
        self._outgoing.clear()
        self.closed = ClosedEvent(code=code, reason=reason)
        self._events.append(self.closed)

    def _untranscribed_ms(self) -> int:
        assert self._replay is not None  # noqa: S101  - only asked where there is one
        waiting = sum(len(item) for item in self._outgoing if isinstance(item, bytes))
        waiting += self._chunker.pending_bytes if self._chunker is not None else 0
        replay = self._replay
        return replay.to_ms(replay.end - replay.start + waiting + replay.lost_bytes)

    # --- messages -----------------------------------------------------------------------------

    def receive_message(self, message: str | bytes) -> None:
        """Take a message of the server."""
        if not self.is_finished and self._state is not SessionState.DIALLING:
            self._read(message)

    def _skip_unknown(self) -> None:
        """Take note of a message of an unknown type."""
        if not self._unknown_seen:
            self._unknown_seen = True
            logger.warning("messages of an unknown type came from %s; they are skipped", self._where)

    def _open(self, event: ServerEvent, session_id: str) -> None:
        """Take the beginning of a session, which every connection has."""
        if self._state is not SessionState.OPENING:
            return  # a second beginning changes nothing
        self._state = SessionState.OPEN
        if self.has_opened:
            self._resume(session_id)
        else:
            self.has_opened = True
            self._events.append(event)
        if settings := self._settings_message():
            self._outgoing.appendleft(settings)

    def _resume(self, session_id: str) -> None:
        """Let another connection hear what the one before it did not finish."""
        assert self._replay is not None  # noqa: S101  - or there would be no second connection
        self._timeline.resume(self._replay.to_ms(self._replay.start))
        waiting = [item for item in self._outgoing if item != self.TERMINATE]
        again = self._replay.rewind()
        replayed = sum(len(item) for item in again if isinstance(item, bytes))
        self._outgoing = merge_short_audio(again + waiting, self._replay.to_bytes(self.SHORTEST_MS))
        if self._terminating:
            self._outgoing.append(self.TERMINATE)
        self._events.append(
            ReconnectedEvent(
                session_id=session_id,
                replayed_ms=self._replay.to_ms(replayed),
                lost_ms=self._replay.to_ms(self._replay.lost_bytes),
            )
        )
        self._replay.lost_bytes = 0

    def _emit(self, event: ServerEvent, *, is_news: bool) -> None:
        """Take what the server tells between the beginning and the end; whether that is progress."""
        if is_news:
            self._backoff.reset()
        self._events.append(event)

    def _finish_turn(self, end_ms: int | None) -> None:
        if self._replay is not None:
            self._replay.finish_turn(end_ms)

    @property
    def _survives_termination(self) -> bool:
        """Whether an end that the server tells is only that of its connection: another one may come."""
        return not self._terminating and self._replay is not None

    @property
    def _combined_ms(self) -> int | None:
        """Length of the audio where no connection heard all of it, in milliseconds."""
        if not self._timeline.offset_ms or self._replay is None:
            return None
        return self._replay.to_ms(self._replay.end)

    def _finish(self) -> None:
        """Take the end as the server tells it."""
        if not self._terminating:
            self.error = RealtimeError("the server ended the session", 1000)
        self._end(1000, "")

    # --- draining -----------------------------------------------------------------------------

    @property
    def has_events(self) -> bool:
        """Whether there is an event to take."""
        return bool(self._events)

    def take_event(self) -> ServerEvent | LocalEvent | None:
        """The next event, or None."""
        return self._events.take()

    def next_outgoing(self, now: float) -> bytes | str | None:
        """The next message to send: binary is audio, text is JSON. None if there is none.

        Args:
            now: The time, in seconds.
        """
        if self._state is not SessionState.OPEN or not self._outgoing:
            return None
        item = self._outgoing.popleft()
        if isinstance(item, bytes):
            self._sent_bytes += len(item)
        if self._replay is not None and (isinstance(item, bytes) or item == self.FORCE):
            self._replay.push(item, now)
            self._replay.trim(self._timeline.turn_start_ms, now)
        return item
