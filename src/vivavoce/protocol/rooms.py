"""The parameters that open a session in a room: an extension of ours, the same in every protocol."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from vivavoce.errors import ProtocolViolation
from vivavoce.protocol.events import RoomRequest
from vivavoce.protocol.parameters import text
from vivavoce.types import Failure

if TYPE_CHECKING:
    from vivavoce.protocol.parameters import Parameter
    from vivavoce.protocol.query import Query

__all__ = ["ROOM_NAME", "ROOM_PARAMETERS", "read_room"]

ROOM_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""The names that a room may have."""

_ROOM_KEY: Final = re.compile(r"[!-~]{8,128}")

ROOM_PARAMETERS: Final[dict[str, Parameter]] = {
    "room": text(
        "Ours: the room in which readers follow the session: 1 to 64 letters, digits, hyphens or underscores."
    ),
    "room_key": text(
        "Ours: what the session needs to speak in a room that another one has opened: 8 to 128 characters of "
        "ASCII without spaces."
    ),
    "room_title": text("Ours: a title for the readers of the room.", max_length=100),
}
"""The parameters, by name."""


def read_room(query: Query) -> RoomRequest | None:
    """Read which room a session speaks in; None: in none.

    Raises:
        ProtocolViolation: The name or the key has characters or a length that is not allowed, or there is a
            key or a title without a room.
    """
    name, key, title = (query.text(parameter) for parameter in ROOM_PARAMETERS)
    if name is None:
        if key is not None or title is not None:
            raise ProtocolViolation(Failure.BAD_OPTION, "room_key and room_title need room")
        return None
    if not ROOM_NAME.fullmatch(name):
        raise ProtocolViolation(
            Failure.BAD_OPTION, "room must have 1 to 64 letters (a to z), digits, hyphens or underscores"
        )
    if key is not None and not _ROOM_KEY.fullmatch(key):
        raise ProtocolViolation(
            Failure.BAD_OPTION, "room_key must have 8 to 128 characters of ASCII and no spaces"
        )
    return RoomRequest(name, key, " ".join((title or "").split()))
