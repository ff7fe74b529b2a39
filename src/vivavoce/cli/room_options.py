"""Options that let readers follow a session in a room of the server."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit, urlunsplit

import typer

from vivavoce.errors import ConfigurationError
from vivavoce.protocol.rooms import ROOM_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "RoomOption",
    "check_room_name",
    "random_room_name",
    "reader_address",
    "room_parameters",
]

# Nothing that looks like another letter or digit: names are read out and typed.
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"

RoomOption = Annotated[
    str | None,
    typer.Option(
        "--room",
        metavar="NAME",
        show_default=False,
        help="Let readers follow at /r/NAME of the server: 1 to 64 letters, digits, hyphens or underscores. "
        "VIVAVOCE_ROOM_KEY is what others need to speak in the room, or to correct it, too.",
    ),
]


def random_room_name() -> str:
    """Return a name that nobody guesses."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(3))


def check_room_name(name: str) -> str:
    """Return a room's name.

    Raises:
        ConfigurationError: No room may have it.
    """
    if not ROOM_NAME.fullmatch(name):
        raise ConfigurationError(
            f"--room must be 1 to 64 letters (a to z), digits, hyphens or underscores, got {name[:80]!r}"
        )
    return name


def room_parameters(room: str | None) -> dict[str, str]:
    """Return the option as parameters of v3; empty if it is not given.

    The key of the room comes from the environment, where other programs do not see it; without one it is
    random.

    Args:
        room: Value of ``--room``.

    Raises:
        ConfigurationError: No room may have this name.
    """
    if room is None:
        return {}
    key = os.environ.get("VIVAVOCE_ROOM_KEY") or secrets.token_hex(16)
    return {"room": check_room_name(room), "room_key": key}


def reader_address(base_url: str, parameters: Mapping[str, object]) -> str | None:
    """Return where readers follow a session; None if it is in no room.

    Args:
        base_url: The server's WebSocket address.
        parameters: Those of the session.
    """
    room = parameters.get("room")
    if room is None:
        return None
    parts = urlsplit(base_url)
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    return urlunsplit((scheme, parts.netloc, f"{parts.path.rstrip('/')}/r/{room}", "", ""))
