"""What lasts of a room, as a value that can be sent to another server."""

from __future__ import annotations

import msgspec

from vivavoce.server.rooms.content import Line  # noqa: TC001  - msgspec reads it
from vivavoce.store.voices import VoicesImage  # noqa: TC001  - the same

__all__ = ["RoomImage"]


class RoomImage(msgspec.Struct, frozen=True, array_like=True):
    """A room without its unfinished turns; see `Room` for what each part is."""

    name: str
    key_digest: bytes | None
    title: str
    began_unix: float | None
    state: str
    voices: VoicesImage
    lines: tuple[Line, ...]
    n_lines: int
    n_changes: int
    chain: int
    offsets_ms: dict[str, int]
    servers: dict[str, str]
    lost: tuple[str, ...]
    sources: tuple[tuple[str, int, int], ...]
