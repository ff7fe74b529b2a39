"""Whoever follows a session besides its client: the readers of its room, and the store."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from vivavoce.server.rooms.commands import Assign, Correct, Rename
from vivavoce.store import StoredSession
from vivavoce.store.words import labelled

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vivavoce.errors import ProtocolViolation
    from vivavoce.protocol.events import RoomRequest, TurnUpdated
    from vivavoce.server.recorder import Recorder
    from vivavoce.server.rooms import Rooms
    from vivavoce.server.rooms.commands import Command

__all__ = ["Followers", "keep_foreign"]


class Followers:
    """The followers of one session."""

    def __init__(
        self,
        session_id: str,
        *,
        room: RoomRequest | None,
        owner: str,
        rooms: Rooms,
        recorder: Recorder | None,
    ) -> None:
        """Prepare; `begin` lets them follow.

        Args:
            session_id: Of the session.
            room: The room that it speaks in; None: none.
            owner: Identifies its API key; empty: it needed none.
            rooms: The rooms of the server.
            recorder: Keeps transcripts; None: nothing is kept.
        """
        self._session_id = session_id
        self._request = room
        self._owner = owner
        self._rooms = rooms
        self._recorder = recorder
        self._seat = None if room is None else rooms.seat(room, session_id)

    @property
    def refusal(self) -> ProtocolViolation | None:
        """Why the session may not speak in its room after all: see `Seat.refusal`."""
        return None if self._seat is None else self._seat.refusal

    def begin(self, unix_now: float) -> None:
        """Note that the session begins, in seconds since 1970."""
        if self._seat is not None:
            self._seat.join(unix_now)
        if self._recorder is not None:
            room = None if self._seat is None else self._seat.stored()
            session = StoredSession(
                self._session_id,
                unix_now,
                None if room is None else room.name,
                "" if room is None else room.title,
                self._owner,
            )
            self._recorder.begin(session, room)

    def update(self, turn: TurnUpdated, unix_now: float) -> None:
        """Show or keep a turn.

        Args:
            turn: The turn.
            unix_now: In seconds since 1970.
        """
        turn = _labelled(turn)
        if self._seat is not None:
            self._seat.update(turn, unix_now)
        if self._recorder is not None and turn.ended:
            self._recorder.add(self._session_id, turn, unix_now)

    def revise(self, turns: Iterable[TurnUpdated]) -> None:
        """Show and keep other speakers of finished turns."""
        turns = [_labelled(turn) for turn in turns]
        if self._seat is not None:
            self._seat.revise(turns)
        if self._recorder is not None:
            self._recorder.revise(self._session_id, turns)

    def end(self, now: float, unix_now: float, *, by_client: bool) -> None:
        """Note that the session is over.

        Args:
            now: In seconds of the server's clock.
            unix_now: In seconds since 1970.
            by_client: Whether its client ended it; if not, it may come back.
        """
        if self._seat is not None:
            self._seat.leave(now, ended=by_client)
        if self._recorder is not None:
            self._recorder.end(self._session_id, unix_now)


def keep_foreign(recorder: Recorder, command: Command, result: object) -> None:
    """Keep what somebody did at another server to a line or a speaker, if its session is kept here.

    Args:
        recorder: Keeps transcripts.
        command: What happened.
        result: What `apply` returned.
    """
    if isinstance(command, Correct) and result is not None:
        recorder.correct(command.key, command.text, command.part)
    elif isinstance(command, Assign) and isinstance(result, tuple):
        key, voice = result
        recorder.assign(key, voice.label, command.part)
        recorder.name_voices({voice: command.name})
    elif isinstance(command, Rename) and isinstance(result, dict):
        recorder.name_voices(result)


def _labelled(turn: TurnUpdated) -> TurnUpdated:
    """Return a turn each of whose words names its speaker, if the turn has one."""
    words = labelled(turn.words, turn.speaker, turn.speaker_confidence)
    return turn if words == turn.words else dataclasses.replace(turn, words=words)
