"""How long each step of a session may take."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Timeouts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long things may take, in seconds.

    Attributes:
        connect_s: Until a connection is open.
        begin_s: From there until the server has begun the session.
        open_s: Both together, for the first connection.
        stall_s: Without a sign of life, until a connection counts as lost. The default is for sessions that
            can't be kept anyway.
        close_s: From the wish to end, without any progress, until it is given up; up to twice that where
            audio was sent faster than it is spoken.
        connect_attempts: How often the first connection is tried.
        connect_retry_s: How long to wait between two attempts.
    """

    connect_s: float = 10.0
    begin_s: float = 10.0
    open_s: float = math.inf
    stall_s: float = 40.0
    close_s: float = 8.0
    connect_attempts: int = 1
    connect_retry_s: float = 0.5
