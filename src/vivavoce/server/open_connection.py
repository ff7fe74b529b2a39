"""A connection as the service sees it."""

from __future__ import annotations

from typing import Protocol

__all__ = ["OpenConnection"]


class OpenConnection(Protocol):
    """What the service needs of a connection."""

    @property
    def backlog_ms(self) -> float:
        """Audio that waits in its session, in milliseconds."""

    def tick(self, now: float) -> None:
        """Apply the limits that depend on the clock, in seconds of `time.monotonic`."""

    def finish(self) -> None:
        """End the session as its client would."""
