"""Rooms: many readers follow the transcript of one session as it is spoken.

- `room` holds one room's transcript: pure, without sockets or a clock.
- `content` is what it consists of, `changes` what its readers must not miss, `partials` what they may.
- `commands` is what can happen in it; `replica` is its copy on one of several servers: pure, too.
- `relay` is what connects the copies, `redis_relay` does so by a Redis.
- `feed` writes what happens in a room as Server-Sent Events.
- `registry` finds rooms by name, and limits them.
- `routes` serves readers over HTTP.
"""

from vivavoce.server.rooms.content import Line, Part, Partial, RoomState
from vivavoce.server.rooms.registry import KEEP_S, Rooms
from vivavoce.server.rooms.room import Room
from vivavoce.server.rooms.served_room import Seat

__all__ = ["KEEP_S", "Line", "Part", "Partial", "Room", "RoomState", "Rooms", "Seat"]
