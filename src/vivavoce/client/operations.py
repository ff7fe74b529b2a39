"""The messages of a v3 client."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from vivavoce.protocol.aai_v3.messages import ForceEndpoint, KeepAlive, TerminateSession

__all__ = ["FORCE", "KEEP_ALIVE", "TERMINATE", "update_configuration"]

FORCE: Final = ForceEndpoint().model_dump_json()
KEEP_ALIVE: Final = KeepAlive().model_dump_json()
TERMINATE: Final = TerminateSession().model_dump_json()


def update_configuration(fields: dict[str, Any]) -> str:
    """Return the message that changes parameters of the session."""
    return msgspec.json.encode({**fields, "type": "UpdateConfiguration"}).decode()
