"""When to connect again, and when to stop trying."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vivavoce.errors import ConfigurationError, ConnectError, RealtimeError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Backoff", "Reconnect", "is_retryable"]

_BUSY = frozenset({429, 503, 1013, 3009})  # statuses and codes of a server that may have a place soon
_LOST_CODES = frozenset({1001, 1006, 1011, 1012, 1013, 1014, 3005, 3008, 4008})  # 3008, 4008: it grew too old


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconnect:
    """How hard to try to keep a session alive.

    Attributes:
        attempts: How often to try without any progress in between before giving up; 0: never.
        first_delay_s: How long to wait before the second attempt, in seconds; the first is made at once.
            Every further wait is twice as long, give or take a quarter.
        longest_delay_s: Where that stops, in seconds.
        stall_s: How long a server may leave pings unanswered before it counts as gone, in seconds.

    Raises:
        ConfigurationError: A value is negative.
    """

    attempts: int = 10
    first_delay_s: float = 0.25
    longest_delay_s: float = 8.0
    stall_s: float = 8.0

    def __post_init__(self) -> None:
        if min(self.attempts, self.first_delay_s, self.longest_delay_s) < 0 or self.stall_s <= 0:
            raise ConfigurationError(f"reconnect: values must not be negative, got {self!r}")


@dataclass(slots=True)
class Backoff:
    """Counts attempts.

    Attributes:
        rule: How hard to try.
        jitter: Gives numbers in 0..1, so that not all clients of a server come back at once.
        attempt: How many were made since there was progress.
    """

    rule: Reconnect
    jitter: Callable[[], float]
    attempt: int = 0

    def next_delay_s(self) -> float | None:
        """How long to wait before the next attempt, in seconds; None: give up."""
        self.attempt += 1
        if self.attempt > self.rule.attempts:
            return None
        if self.attempt == 1:
            return 0.0
        delay_s = min(self.rule.longest_delay_s, self.rule.first_delay_s * 2.0 ** (self.attempt - 2))
        return delay_s * (0.75 + 0.5 * self.jitter())

    def reset(self) -> None:
        """Start counting anew."""
        self.attempt = 0


def is_retryable(error: RealtimeError) -> bool:
    """Whether trying again can help."""
    if isinstance(error, RefusedError):
        return error.status_code in _BUSY
    if isinstance(error, ConnectError):
        return True
    return error.status_code in _LOST_CODES
