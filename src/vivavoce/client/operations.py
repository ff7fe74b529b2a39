"""What a client of v3 sends."""

from __future__ import annotations

from typing import Any, Final

import msgspec

__all__ = ["FORCE", "KEEP_ALIVE", "SHORTEST_MS", "TERMINATE", "message"]

SHORTEST_MS: Final = 50
"""The least audio that a message of v3 may carry; its most is 1,000 ms."""


def message(kind: str, fields: dict[str, Any] | None = None) -> str:
    """A message to the server."""
    return msgspec.json.encode({**(fields or {}), "type": kind}).decode()


FORCE: Final = message("ForceEndpoint")
KEEP_ALIVE: Final = message("KeepAlive")
TERMINATE: Final = message("Terminate")
