"""How long a session may let its user wait."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long things may take, in seconds.

    Attributes:
        connect_s: Until a connection is open.
        begin_s: From there until the server has begun the session.
        open_s: Both together, for the first connection.
        stall_s: Without a sign of life, until a connection counts as lost. The default is for sessions that
            can't be kept anyway.
        close_s: From the wish to end, without any progress, until it is given up; up to twice that where
            audio was sent faster than it is spoken.
        dials: How often the first connection is tried.
        dial_delay_s: How long to wait in between.
    """

    connect_s: float = 10.0
    begin_s: float = 10.0
    open_s: float = math.inf
    stall_s: float = 40.0
    close_s: float = 8.0
    dials: int = 1
    dial_delay_s: float = 0.5
