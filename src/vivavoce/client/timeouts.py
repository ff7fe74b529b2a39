"""Time limits of each step of a session."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

__all__ = ["CLOSE_LIMIT_S", "Timeouts"]

CLOSE_LIMIT_S: Final = 60.0
"""Limit without progress while a session closes, in seconds: a busy server sends nothing while it decodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Time limits of a session, in seconds.

    Attributes:
        connect_s: To open a connection.
        begin_s: From then until the server begins the session.
        open_s: For both together, for the first connection.
        stall_s: Without a response, until the connection counts as lost. The default is for sessions that end
            with their connection.
        close_s: From the request to end, without any progress, until the session is given up; up to twice
            that if audio was sent faster than real time.
        connect_attempts: Attempts to open the first connection.
        connect_retry_s: Between two attempts.
    """

    connect_s: float = 10.0
    begin_s: float = 10.0
    open_s: float = math.inf
    stall_s: float = 40.0
    close_s: float = CLOSE_LIMIT_S
    connect_attempts: int = 1
    connect_retry_s: float = 0.5
