"""Deadlines of a session, so that no server can make its user wait without end. Knows no clock."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, Final

from vivavoce.client.session_core import SessionState

if TYPE_CHECKING:
    from vivavoce.client.session_core import SessionCore
    from vivavoce.client.timeouts import Timeouts

__all__ = ["Deadlines", "Expiry"]

_CLOSE_FRAME_S: Final = 0.5  # how long an error message waits for the close frame that belongs to it
_LAST_STALL_S: Final = 3.0  # without progress after the request to end: when another connection is tried


class Expiry(enum.IntEnum):
    """What has not happened in time. If several deadlines have passed, the smallest member counts."""

    CLOSE = enum.auto()
    """The server did not end the session."""

    CLOSE_FRAME = enum.auto()
    """No close frame followed an error message."""

    RESPONSE = enum.auto()
    """The server did not respond over a connection that can be replaced."""

    BEGIN = enum.auto()
    """The server did not begin the session."""


class Deadlines:
    """Records what happened when, and computes when the session must have made progress.

    All times are seconds of one monotonic clock.

    A server that receives audio faster than real time needs time to decode it, and sends nothing meanwhile.
    So the limit of closing grows by half of the audio's lead over the clock, but at most to twice its length,
    and starts anew with each sign of progress. In total, closing takes at most the limit and twice the lead
    after the last message was sent.

    Args:
        timeouts: Limits of each step.
    """

    def __init__(self, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._started_at = 0.0
        self._connected_at = 0.0
        self._progress_at = 0.0  # the latest connection, message sent, or request to end
        self._received_at = 0.0  # the latest message of the server
        self._lead_s = 0.0  # length of the audio sent over the connection, less the connection's age
        self._is_ending = False  # the request to end has been noticed
        self._drained_at: float | None = None  # when the last message was sent; None before
        self._drained_lead_s = 0.0  # the lead at that time
        self._pending_error_at: float | None = None  # when the error message that waits came

    @property
    def received_at(self) -> float:
        """When the latest message of the server came."""
        return self._received_at

    def start(self, now: float) -> None:
        """Record the start of the session."""
        self._started_at = self._progress_at = now

    def connected(self, now: float) -> None:
        """Record a new connection."""
        self._progress_at = self._connected_at = now
        self._lead_s = 0.0
        self._pending_error_at = None

    def sent(self, now: float, sent_s: float) -> None:
        """Record a message that was sent.

        Args:
            now: The time.
            sent_s: Length of all audio sent over the connection, in seconds.
        """
        self._progress_at = now
        self._lead_s = max(0.0, sent_s - (now - self._connected_at))

    def received(self, now: float, *, has_pending_error: bool) -> None:
        """Record a message of the server.

        Args:
            now: The time.
            has_pending_error: Whether an error message waits for its close frame.
        """
        self._received_at = now
        if not has_pending_error:
            self._pending_error_at = None
        elif self._pending_error_at is None:
            self._pending_error_at = now

    def pending_error_expired(self) -> None:
        """Record that the error message no longer waits for its close frame."""
        self._pending_error_at = None

    def observe(self, core: SessionCore[Any], now: float) -> None:
        """Record when the user requested the end, and when everything had been sent."""
        if core.is_terminating and not self._is_ending:
            self._is_ending, self._progress_at = True, now
        if core.is_drained and self._drained_at is None:
            self._drained_at, self._drained_lead_s = now, self._lead_s

    def next_at(self, core: SessionCore[Any]) -> float | None:
        """Return the time of the next deadline; None if there is none."""
        return min((at for at, _ in self._all(core)), default=None)

    def passed(self, core: SessionCore[Any], now: float) -> Expiry | None:
        """Return what has not happened in time; None if no deadline has passed."""
        return min((expiry for at, expiry in self._all(core) if at <= now), default=None)

    def _all(self, core: SessionCore[Any]) -> list[tuple[float, Expiry]]:
        if core.is_finished:
            return []
        timeouts = self._timeouts
        no_response = Expiry.RESPONSE if core.has_opened else Expiry.BEGIN
        deadlines: list[tuple[float, Expiry]] = []
        if core.state is SessionState.OPENING:
            deadlines.append((self._progress_at + timeouts.begin_s, no_response))
            if not core.has_opened:
                deadlines.append((self._started_at + timeouts.open_s, no_response))
        if core.has_pending_error and self._pending_error_at is not None:
            deadlines.append((self._pending_error_at + _CLOSE_FRAME_S, Expiry.CLOSE_FRAME))
        if core.is_terminating:
            last_progress_at = max(self._progress_at, self._received_at)
            decoding_s = min(timeouts.close_s, self._lead_s / 2)
            deadlines.append((last_progress_at + timeouts.close_s + decoding_s, Expiry.CLOSE))
            if self._drained_at is not None:
                longest_s = timeouts.close_s + 2 * self._drained_lead_s
                deadlines.append((self._drained_at + longest_s, Expiry.CLOSE))
            if core.is_drained and core.can_reconnect:
                deadlines.append((last_progress_at + _LAST_STALL_S + decoding_s, no_response))
        return deadlines
