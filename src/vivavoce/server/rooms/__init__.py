"""Rooms: many readers follow the transcript of one session as it is spoken.

- `room` holds one room's transcript: pure, without sockets or a clock.
- `feed` writes what happens in a room as Server-Sent Events.
- `registry` finds rooms by name, and limits them.
- `routes` serves readers over HTTP.
"""

from vivavoce.server.rooms.registry import Rooms, Seat
from vivavoce.server.rooms.room import Line, Partial, Room, RoomState

__all__ = ["Line", "Partial", "Room", "RoomState", "Rooms", "Seat"]
