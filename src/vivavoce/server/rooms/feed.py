"""What readers of a room receive: Server-Sent Events (WHATWG HTML, section 9.2).

Each change is encoded once for all readers.
"""

from __future__ import annotations

import re
import secrets
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
_NUMBER: Final = re.compile(r"[0-9]{1,12}")


@dataclass(slots=True)
class Cursor:
    """How far a reader has come.

    Attributes:
        number: Of the last change that it has; None: it has nothing, and needs a snapshot.
        version: Of the newest partial that it has.
    """

    number: int | None = None
    version: int = 0


class Feed:
    """Encodes the changes of one room.

    Attributes:
        room: The room.
    """

    def __init__(self, room: Room) -> None:
        """Begin a feed.

        Args:
            room: The room.
        """
        self.room = room
        self._epoch = secrets.token_hex(4)  # tells the changes of this room from those before a restart
        self._encoded: dict[int, bytes] = {}  # changes by number
        self._partials: tuple[int, dict[int, bytes]] = (0, {})  # their version, and the bytes by source

    def cursor(self, last_event_id: str | None) -> Cursor:
        """Where a reader is, by the id of the last event that it received; None: it is new."""
        epoch, _, number = (last_event_id or "").partition("-")
        known = epoch == self._epoch and _NUMBER.fullmatch(number)
        return Cursor(int(number) if known else None)

    def read(self, cursor: Cursor, unix_now: float) -> bytes:
        """Return what is new for a reader, and move its cursor; empty: nothing is.

        Args:
            cursor: Where the reader is.
            unix_now: In seconds since 1970.
        """
        room = self.room
        changes = None if cursor.number is None else room.changes_since(cursor.number)
        if changes is None:
            cursor.number, cursor.version = room.number, room.version
            return self._event("snapshot", _snapshot(room, unix_now), room.number)
        pieces = [self._encode(change) for change in changes]
        cursor.number = room.number
        if room.version > cursor.version:
            pieces += map(self._encode_partial, room.partials_since(cursor.version))
            cursor.version = room.version
        return b"".join(pieces)

    def _encode(self, change: Change) -> bytes:
        encoded = self._encoded.get(change.number)
        if encoded is None:
            content = change.content
            if isinstance(content, StateChange):
                kind, fields = "state", _state_fields(content)
            elif isinstance(content, VoicesChange):
                kind, fields = "voices", {"voices": _voices(content.names, content.speakers)}
            else:
                kind, fields = "correction" if change.is_replacement else "line", line_fields(content)
            encoded = self._encoded[change.number] = self._event(kind, fields, change.number)
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

    def _event(self, kind: str, fields: dict[str, object], number: int | None = None) -> bytes:
        identity = b"" if number is None else f"id: {self._epoch}-{number}\n".encode()
        return b"event: %b\n%bdata: %b\n\n" % (kind.encode(), identity, msgspec.json.encode(fields))


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
