"""When to reconnect, and when to stop trying."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vivavoce.errors import ConfigurationError, ConnectError, RealtimeError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Backoff", "Reconnect", "is_retryable"]

_BUSY = frozenset({429, 503, 1013, 3009})  # statuses and close codes of a server that may have capacity soon
_LOST_CODES = frozenset(
    {1001, 1006, 1011, 1012, 1013, 1014, 3005, 3008, 4008}
)  # 3008, 4008: the session expired


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconnect:
    """How to restore a lost connection.

    Attributes:
        attempts: Attempts without any progress between them before the session fails; 0: none.
        first_delay_s: Delay before the second attempt, in seconds; the first is made at once. Every further
            delay is twice as long, plus or minus a quarter.
        longest_delay_s: Longest delay, in seconds.
        stall_s: How long a server may leave pings unanswered before the connection counts as lost, in
            seconds.

    Raises:
        ConfigurationError: A value is negative, or ``stall_s`` is 0.
    """

    attempts: int = 10
    first_delay_s: float = 0.25
    longest_delay_s: float = 8.0
    stall_s: float = 8.0

    def __post_init__(self) -> None:
        if min(self.attempts, self.first_delay_s, self.longest_delay_s) < 0 or self.stall_s <= 0:
            raise ConfigurationError(
                f"reconnect must have no negative values and stall_s above 0, got {self!r}"
            )


@dataclass(slots=True)
class Backoff:
    """Counts attempts and computes their delays: exponential backoff with jitter.

    Attributes:
        rule: How to restore a lost connection.
        jitter: Returns random numbers in 0..1, so that the clients of a server do not return all at once.
        attempt: Attempts since the latest progress.
    """

    rule: Reconnect
    jitter: Callable[[], float]
    attempt: int = 0

    def next_delay_s(self) -> float | None:
        """Count an attempt; return the delay before it, in seconds, or None if no attempt is left."""
        self.attempt += 1
        if self.attempt > self.rule.attempts:
            return None
        if self.attempt == 1:
            return 0.0
        delay_s = min(self.rule.longest_delay_s, self.rule.first_delay_s * 2.0 ** (self.attempt - 2))
        return delay_s * (0.75 + 0.5 * self.jitter())

    def reset(self) -> None:
        """Count anew, after progress."""
        self.attempt = 0


def is_retryable(error: RealtimeError) -> bool:
    """Return whether another connection may succeed after this error."""
    if isinstance(error, RefusedError):
        return error.status_code in _BUSY
    if isinstance(error, ConnectError):
        return True
    return error.status_code in _LOST_CODES
