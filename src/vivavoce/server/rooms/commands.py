"""What changes a room, as values: servers that apply the same commands in one order have the same room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from vivavoce.protocol.events import TurnUpdated
from vivavoce.server.rooms.content import Line  # noqa: TC001  - msgspec reads it
from vivavoce.store import LineKey, VoiceKey
from vivavoce.types import Word  # noqa: TC001  - the same

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vivavoce.server.rooms.room import Room

__all__ = [
    "Assign",
    "Command",
    "Correct",
    "Join",
    "Leave",
    "Lose",
    "Merge",
    "Rename",
    "Revise",
    "SaidTurn",
    "Update",
    "apply",
    "decode_update",
]


class SaidTurn(msgspec.Struct, frozen=True, array_like=True):
    """What a room takes of a turn; see `TurnUpdated`."""

    order: int
    start_ms: int
    words: tuple[Word, ...]
    ended: bool
    channel: int | None

    @classmethod
    def of(cls, turn: TurnUpdated) -> SaidTurn:
        """Return what a room takes of a turn."""
        return cls(turn.turn_order, turn.start_ms, turn.words, turn.ended, turn.channel)

    def turn(self) -> TurnUpdated:
        """The turn, as far as a room needs it."""
        return TurnUpdated(
            self.order, self.start_ms, self.start_ms, self.words, ended=self.ended, channel=self.channel
        )


class Join(msgspec.Struct, frozen=True, array_like=True, tag="join"):
    """A session speaks in the room, if its key is that of the room; the first one sets it."""

    session: str
    unix: float
    title: str
    key_digest: bytes | None
    server: str


class Update(msgspec.Struct, frozen=True, array_like=True, tag="update"):
    """A turn of a session; unfinished turns are only shown, and may be lost."""

    session: str
    turn: SaidTurn
    unix: float


class Revise(msgspec.Struct, frozen=True, array_like=True, tag="revise"):
    """Finished turns of a session have other speakers."""

    session: str
    turns: tuple[SaidTurn, ...]


class Leave(msgspec.Struct, frozen=True, array_like=True, tag="leave"):
    """A session no longer speaks."""

    session: str
    ended: bool


class Lose(msgspec.Struct, frozen=True, array_like=True, tag="lose"):
    """Nothing comes any more from the server of a session."""

    session: str


class Correct(msgspec.Struct, frozen=True, array_like=True, tag="correct"):
    """Somebody replaced the text of a line."""

    key: LineKey
    text: str
    part: int | None


class Assign(msgspec.Struct, frozen=True, array_like=True, tag="assign"):
    """Somebody set who says a line."""

    key: LineKey
    name: str
    part: int | None


class Rename(msgspec.Struct, frozen=True, array_like=True, tag="rename"):
    """Somebody gave a speaker another name."""

    voice: VoiceKey
    name: str


class Merge(msgspec.Struct, frozen=True, array_like=True, tag="merge"):
    """Lines and names of a copy of the room that others may not have."""

    began_unix: float
    key_digest: bytes | None
    title: str
    lines: tuple[Line, ...]
    names: tuple[tuple[VoiceKey, str], ...]


Command: TypeAlias = Join | Update | Revise | Leave | Lose | Correct | Assign | Rename | Merge


decode_update: Final = msgspec.msgpack.Decoder(Update).decode  # made once; see `replica`


def apply(room: Room, command: Command) -> object:
    """Let a room take a command.

    Args:
        room: The room.
        command: What happened.

    Returns:
        None: the command does not fit the room, and has changed nothing. Else what `Room` returns of it, or
        True.
    """
    match command:
        case Join():
            if not room.is_open:
                room.key_digest = command.key_digest
            elif room.key_digest != command.key_digest:
                return None
            room.join(command.session, command.unix, command.title, server=command.server)
        case Update():
            _update(room, command)
        case Revise():
            for said in command.turns:
                room.revise(command.session, said.turn())
        case Leave():
            room.leave(command.session, ended=command.ended)
        case Lose():
            room.lose(command.session)
        case Correct():
            return room.correct(_number(room, command.key), command.text, command.part)
        case Assign():
            return room.assign(_number(room, command.key), command.name, command.part)
        case Rename():
            return _rename(room, command)
        case Merge():
            if not room.is_open:
                room.key_digest, room.title = command.key_digest, command.title
            room.merge(command.lines, dict(command.names), command.began_unix)
    return True


def _update(room: Room, command: Update) -> None:
    said = command.turn
    # A copy of the room may have brought the line before.
    if said.ended and room.line_id(LineKey(command.session, said.channel or 0, said.order)) is not None:
        said = msgspec.structs.replace(said, words=())
    room.update(command.session, said.turn(), command.unix)


def _number(room: Room, key: LineKey) -> int:
    found = room.line_id(key)
    return -1 if found is None else found


def _rename(room: Room, command: Rename) -> Mapping[VoiceKey, str] | None:
    number = room.voices.number(*command.voice) if room.voices.has(command.voice) else None
    return None if number is None else room.rename(number, command.name)
