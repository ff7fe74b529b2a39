"""Rooms: many readers follow the transcript of one session as it is spoken.

- `room` holds one room's transcript: pure, without sockets or a clock.
- `content` is what it consists of.
- `feed` writes what happens in a room as Server-Sent Events.
- `registry` finds rooms by name, and limits them.
- `routes` serves readers over HTTP.
"""

from vivavoce.server.rooms.content import Line, Part, Partial, RoomState
from vivavoce.server.rooms.registry import Rooms, Seat
from vivavoce.server.rooms.room import Room

__all__ = ["Line", "Part", "Partial", "Room", "RoomState", "Rooms", "Seat"]
