"""What readers of a room receive: Server-Sent Events (WHATWG HTML, section 9.2).

Each change is encoded once for all readers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from vivavoce.server.rooms.content import StateChange, VoicesChange

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.server.rooms.content import Change, Line, Part, Partial
    from vivavoce.server.rooms.room import Room

__all__ = ["PING", "RETRY", "Cursor", "Feed", "line_fields", "room_voices"]

RETRY: Final = b"retry: 1000\n\n"
"""Tells a browser to come back after a second."""

PING: Final = b": ping\n\n"
"""A comment, which keeps proxies from closing a silent connection."""

_SNAPSHOT_LINES: Final = 300
_EVENT_ID: Final = re.compile(r"([0-9a-f]{8})-([0-9]{1,12})")


@dataclass(slots=True)
class Cursor:
    """How far a reader has come.

    Attributes:
        number: Of the last change that it has; None: it has nothing, and needs a snapshot.
        version: Of the newest partial that it has.
        chain: The checksum of the changes that it has.
    """

    number: int | None = None
    version: int = 0
    chain: int = 0


class Feed:
    """Encodes the changes of one room.

    The id of an event is a checksum of all changes up to its own, and their number. So every server can tell
    whether a reader that comes from another one has what this one has.

    Attributes:
        room: The room; it may be replaced by a copy with other changes.
    """

    def __init__(self, room: Room) -> None:
        """Begin a feed.

        Args:
            room: The room.
        """
        self.room = room
        self._encoded: dict[bytes, bytes] = {}  # changes by their id
        self._partials: tuple[int, dict[int, bytes]] = (0, {})  # their version, and the bytes by source

    def cursor(self, last_event_id: str | None) -> Cursor:
        """Where a reader is, by the id of the last event that it received; None: it is new."""
        found = _EVENT_ID.fullmatch(last_event_id or "")
        return Cursor(int(found[2]), chain=int(found[1], 16)) if found else Cursor()

    def read(self, cursor: Cursor, unix_now: float) -> bytes:
        """Return what is new for a reader, and move its cursor; empty: nothing is.

        Args:
            cursor: Where the reader is.
            unix_now: In seconds since 1970.
        """
        room = self.room
        is_known = cursor.number is not None and room.chain_at(cursor.number) == cursor.chain
        changes = room.changes_since(cursor.number) if cursor.number is not None and is_known else None
        cursor.number, cursor.chain = room.number, room.chain_at(room.number) or 0
        if changes is None:
            cursor.version = room.version
            identity = _event_id(cursor.number, cursor.chain)
            return self._event("snapshot", _snapshot(room, unix_now), identity)
        pieces = [self._encode(change) for change in changes]
        if room.version > cursor.version:
            pieces += map(self._encode_partial, room.partials_since(cursor.version))
            cursor.version = room.version
        return b"".join(pieces)

    def _encode(self, change: Change) -> bytes:
        identity = _event_id(change.number, change.chain)
        encoded = self._encoded.get(identity)
        if encoded is None:
            content = change.content
            if isinstance(content, StateChange):
                kind, fields = "state", _state_fields(content)
            elif isinstance(content, VoicesChange):
                kind, fields = "voices", {"voices": _voices(content.names, content.speakers)}
            else:
                kind, fields = "correction" if change.is_replacement else "line", line_fields(content)
            encoded = self._encoded[identity] = self._event(kind, fields, identity)
            if len(self._encoded) > 2 * _SNAPSHOT_LINES:
                del self._encoded[next(iter(self._encoded))]
        return encoded

    def _encode_partial(self, partial: Partial) -> bytes:
        version, encoded = self._partials
        if version != self.room.version:
            version, encoded = self._partials = self.room.version, {}
        if partial.source not in encoded:
            encoded[partial.source] = self._event("partial", _partial_fields(partial))
        return encoded[partial.source]

    @staticmethod
    def _event(kind: str, fields: dict[str, object], identity: bytes = b"") -> bytes:
        row = b"id: %b\n" % identity if identity else b""
        return b"event: %b\n%bdata: %b\n\n" % (kind.encode(), row, msgspec.json.encode(fields))


def _event_id(number: int, chain: int) -> bytes:
    return f"{chain:08x}-{number}".encode()


def _snapshot(room: Room, unix_now: float) -> dict[str, object]:
    lines = room.lines[-_SNAPSHOT_LINES:]
    return {
        "room": room.name,
        "title": room.title,
        "state": room.state.value,
        "speakers": room.n_speakers,
        "started": room.began_unix,
        "now": unix_now,
        "first": lines[0].id if lines else 0,
        "lines": [line_fields(line) for line in lines],
        "partials": [_partial_fields(partial) for partial in room.partials],
        "voices": room_voices(room),
    }


def room_voices(room: Room) -> list[dict[str, object]]:
    """Return the voices of a room as JSON objects, by number."""
    return _voices(room.voices.names, room.voices.speakers)


def _voices(names: Sequence[str], speakers: Sequence[int]) -> list[dict[str, object]]:
    return [{"name": name, "speaker": speaker} for name, speaker in zip(names, speakers, strict=True)]


def line_fields(line: Line) -> dict[str, object]:
    """Return a line as its JSON object."""
    fields: dict[str, object] = {
        "id": line.id,
        "source": line.source,
        "start": line.start_ms,
        "end": line.end_ms,
        "at": round(line.at_unix, 3),
        "text": line.text,
        "corrected": line.is_corrected,
    }
    if line.parts:
        fields["parts"] = [_part_fields(part) for part in line.parts]
    return fields


def _part_fields(part: Part) -> dict[str, object]:
    return {
        "voice": part.voice,
        "sure": part.is_sure,
        "start": part.start_ms,
        "end": part.end_ms,
        "text": part.text,
    }


def _partial_fields(partial: Partial) -> dict[str, object]:
    return {
        "source": partial.source,
        "start": partial.start_ms,
        "stable": partial.stable,
        "tail": partial.tail,
    }


def _state_fields(change: StateChange) -> dict[str, object]:
    return {"state": change.state.value, "title": change.title, "speakers": change.n_speakers}
