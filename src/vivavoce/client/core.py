"""One real-time session without its socket: what to send, and what an incoming message means.

Fed by ``receive_*`` and by the calls that stand for the user's; drained by :meth:`RealtimeCore.take_events`
and :meth:`RealtimeCore.next_outgoing`. Knows neither sockets nor threads nor clocks, and never raises for
what the server does.
"""

from __future__ import annotations

import enum
import logging
from collections import deque
from typing import TYPE_CHECKING, Final

from vivavoce.checks import whole_number
from vivavoce.client.chunking import Cutter
from vivavoce.client.faults import CLEAN_CODES, close_fault, opening_fault
from vivavoce.client.transcripts import (
    RealtimeSessionInformation,
    RealtimeSessionOpened,
    RealtimeTranscript,
    information_from_wire,
    opened_from_wire,
    transcript_from_wire,
)
from vivavoce.errors import ConnectError, ProtocolViolation, RealtimeError
from vivavoce.wire import aai_v2

if TYPE_CHECKING:
    from vivavoce.types import Encoding

__all__ = ["Event", "RealtimeCore", "State", "check_silence_ms"]

logger = logging.getLogger("vivavoce.client")

MAX_BACKLOG: Final = 32
"""Messages that may wait to be sent, 3 to 6 s of audio; above it, whoever sends has to wait."""

Event = RealtimeSessionOpened | RealtimeTranscript | RealtimeSessionInformation | RealtimeError
"""What a handler is to be given; its type says which handler."""


class State(enum.Enum):
    """Where a session is. The last two are the ends."""

    OPENING = enum.auto()
    OPEN = enum.auto()
    CLOSING = enum.auto()
    ENDED = enum.auto()
    FAILED = enum.auto()


_FINISHED = frozenset({State.ENDED, State.FAILED})


def check_silence_ms(milliseconds: int) -> int:
    """Check the silence that ends an utterance, in milliseconds.

    Raises:
        ConfigurationError: It is no whole number in 0..20000.
    """
    return whole_number(
        "the silence that ends an utterance",
        milliseconds,
        low=0,
        high=aai_v2.MAX_SILENCE_MS,
        unit="milliseconds",
    )


class RealtimeCore:
    """One session.

    Args:
        where: The server's address, for messages.
        sample_rate: Rate of the audio, in Hz.
        encoding: How its samples are written.
        silence_ms: Silence that ends an utterance, in milliseconds; None for the server's own.
    """

    def __init__(
        self, *, where: str, sample_rate: int, encoding: Encoding, silence_ms: int | None = None
    ) -> None:
        self._where = where
        self._cutter = Cutter(sample_rate, encoding.bytes_per_sample)
        self._silence_ms = silence_ms
        self._state = State.OPENING
        self._outgoing: deque[bytes | str] = deque()
        self._events: list[Event] = []
        self._held: str | None = None
        self._owes_close = False
        self._unknown_seen = False
        self.has_opened = False
        self.closed_by_user = False
        self.fault: RealtimeError | None = None

    @property
    def state(self) -> State:
        """Where the session is."""
        return self._state

    def _enter(self, state: State) -> None:
        if state is State.OPEN:
            self.has_opened = self._owes_close = True
        if state in _FINISHED:
            self._outgoing.clear()
        self._state = state

    @property
    def is_finished(self) -> bool:
        """Whether nothing will come any more."""
        return self._state in _FINISHED

    @property
    def is_full(self) -> bool:
        """Whether whoever sends should wait."""
        return len(self._outgoing) >= MAX_BACKLOG

    @property
    def is_holding(self) -> bool:
        """Whether an error waits for the close that may belong to it; see :meth:`release`."""
        return self._held is not None and self._state is not State.OPENING

    # --- what the user does -------------------------------------------------------------------

    def check_sendable(self) -> None:
        """Say whether audio can be sent.

        Raises:
            RealtimeError: The session is not open; where it failed, this is that failure.
        """
        if self._state is State.OPEN:
            return
        if self._state is State.OPENING:
            raise RealtimeError("the session is not open yet: connect() first")
        if self.fault is not None and not self.closed_by_user:
            raise self.fault.with_traceback(None)
        raise RealtimeError("the session was closed; connect() opens another")

    def send_audio(self, data: memoryview | bytes) -> None:
        """Put audio in the queue, cut anew.

        Raises:
            RealtimeError: The session is not open.
        """
        self.check_sendable()
        self._outgoing.extend(self._cutter.push(data))

    def send_force_end(self) -> None:
        """Ask for the end of the utterance.

        Audio too short to be a message of its own stays for the next one.

        Raises:
            RealtimeError: The session is not open.
        """
        self.check_sendable()
        self._outgoing.append(aai_v2.force_end_utterance())

    def send_silence_ms(self, milliseconds: int) -> None:
        """Set the silence that ends an utterance.

        Raises:
            RealtimeError: The session is not open.
        """
        self.check_sendable()
        self._outgoing.append(aai_v2.end_utterance_silence_threshold(milliseconds))

    def terminate(self) -> None:
        """Send what is left and ask for the end; once is enough."""
        if self._state is State.OPENING:
            self.give_up("closed before the session began")
        elif self._state is State.OPEN:
            self.closed_by_user = True
            if tail := self._cutter.finish():
                self._outgoing.append(tail)
            self._outgoing.append(aai_v2.terminate_session())
            self._enter(State.CLOSING)

    # --- what the server does -----------------------------------------------------------------

    def receive_message(self, message: str | bytes) -> None:
        """Take a message of the server."""
        if self.is_finished:
            return
        try:
            decoded = aai_v2.decode_server_message(message)
            if not isinstance(decoded, aai_v2.ErrorMessage):
                self.release()
            self._receive(decoded)
        except ProtocolViolation as violation:
            text = f"the server sent a message that can't be read: {violation}"
            if self._state is State.OPENING:
                self.give_up(text)
            else:
                self._events.append(RealtimeError(text))

    def _receive(self, message: aai_v2.ServerMessage | None) -> None:
        match message:
            case None:
                if not self._unknown_seen:
                    self._unknown_seen = True
                    logger.warning("messages of an unknown type came from %s; they are skipped", self._where)
            case aai_v2.ErrorMessage():
                self.release()
                self._held = message.error
            case aai_v2.SessionBegins():
                opened = opened_from_wire(message)
                if self._state is not State.OPENING:
                    return  # a second beginning changes nothing
                self._enter(State.OPEN)
                self._events.append(opened)
                if self._silence_ms is not None:
                    self.send_silence_ms(self._silence_ms)
            case aai_v2.PartialTranscript() | aai_v2.FinalTranscript():
                self._events.append(transcript_from_wire(message))
            case aai_v2.SessionInformation():
                self._events.append(information_from_wire(message))
            case aai_v2.SessionTerminated():
                self._enter(State.ENDED)

    def receive_close(self, code: int, reason: str) -> None:
        """Take the end of the connection; 1006 where it ended without a close frame."""
        if self.is_finished:
            return
        if self._state is State.OPENING:
            self.fault = opening_fault(self._where, code, reason, self._held)
            self._enter(State.FAILED)
        elif code in CLEAN_CODES:
            self.release()
            self.fault = RealtimeError(reason or "the server ended the session", code)
            self._enter(State.ENDED)
        else:
            # A server says what is wrong and then closes with the code of it: that is one fault.
            self._fail(close_fault(code, reason, self._held))

    def release(self) -> None:
        """Give out an error that no close followed."""
        if self._held is not None:
            self._events.append(RealtimeError(self._held))
            self._held = None

    def give_up(self, why: str) -> None:
        """End the session from this side, because the server does not."""
        if self._state is State.OPENING:
            self.fault = ConnectError(f"{self._where}: {why}")
            self._enter(State.FAILED)
        elif not self.is_finished:
            self.release()
            self._fail(RealtimeError(why))

    def _fail(self, fault: RealtimeError) -> None:
        self._held = None
        self.fault = fault
        self._events.append(fault)
        self._enter(State.FAILED)

    # --- draining -----------------------------------------------------------------------------

    def take_events(self) -> list[Event]:
        """What the handlers are to be given, in order."""
        events, self._events = self._events, []
        return events

    def next_outgoing(self) -> bytes | str | None:
        """The next message to send: binary is audio, text is JSON. None if there is none."""
        return self._outgoing.popleft() if self._outgoing else None

    def claim_close(self) -> bool:
        """Whether the caller is to tell the user of the end: true exactly once per opened session."""
        owed = self._owes_close and self.is_finished
        if owed:
            self._owes_close = False
        return owed
