"""What a room consists of: lines, unfinished turns, and the changes that readers learn."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vivavoce.store import LineKey  # noqa: TC001  - msgspec reads it
from vivavoce.store.words import named
from vivavoce.types import Word  # noqa: TC001  - the same
from vivavoce.word_joining import join_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.store.words import NamedTurn

__all__ = ["Change", "Line", "Part", "Partial", "RoomState", "StateChange", "VoicesChange", "named_turn"]


class RoomState(enum.StrEnum):
    """What a room's readers can expect."""

    WAITING = "waiting"
    LIVE = "live"
    PAUSED = "paused"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Part:
    """What one speaker says of a line.

    Attributes:
        voice: The number of the voice among those of the room; None: nobody knows whose it is.
        start_ms: Start, on the room's timeline.
        end_ms: End, on the same timeline.
        text: Its words.
        is_sure: Whether the voice is more likely right than wrong.
    """

    voice: int | None
    start_ms: int
    end_ms: int
    text: str
    is_sure: bool = True


@dataclass(frozen=True, slots=True)
class Line:
    """A finished turn in a room.

    Attributes:
        id: Its number in the room, from 0.
        source: Where it was spoken: a session, or one channel of it; from 0.
        start_ms: Start, in milliseconds since the room began.
        end_ms: End, on the same timeline.
        at_unix: When it was finished, in seconds since 1970.
        words: Its words, on the room's timeline.
        key: Identifies the turn of its session.
        is_corrected: Whether somebody corrected its text.
        is_assigned: Whether somebody set its speakers.
        parts: Who says what; empty if its session labels no speakers.
    """

    id: int
    source: int
    start_ms: int
    end_ms: int
    at_unix: float
    words: tuple[Word, ...]
    key: LineKey
    is_corrected: bool = False
    is_assigned: bool = False
    parts: tuple[Part, ...] = ()

    @property
    def text(self) -> str:
        """All words."""
        return join_words(word.text for word in self.words)


@dataclass(frozen=True, slots=True)
class Partial:
    """An unfinished turn in a room.

    Attributes:
        source: The speaker.
        start_ms: Start, in milliseconds since the room began.
        stable: The words that no later partial changes.
        tail: The words after them, which may still change; both empty: there is no unfinished turn.
    """

    source: int
    start_ms: int = 0
    stable: str = ""
    tail: str = ""


@dataclass(frozen=True, slots=True)
class StateChange:
    """The room's state, title or number of speakers has changed.

    Attributes:
        state: The state now.
        title: The title now.
        n_speakers: Sessions that speak into the room now.
    """

    state: RoomState
    title: str
    n_speakers: int


@dataclass(frozen=True, slots=True)
class VoicesChange:
    """There is another voice, or a voice has another name.

    Attributes:
        names: The names of all voices, by number.
        speakers: For each voice the first one of the same name.
    """

    names: tuple[str, ...]
    speakers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """Something that every reader must learn, in order.

    Attributes:
        number: Its place among the room's changes, from 1.
        content: A line, the room's state, or its voices.
        is_replacement: Whether the line takes the place of an earlier one of its id.
        chain: A checksum of all changes up to this one: where it is the same, so were they.
    """

    number: int
    content: Line | StateChange | VoicesChange
    is_replacement: bool = False
    chain: int = 0


def named_turn(line: Line, names: Sequence[str]) -> NamedTurn:
    """Return a line with the names of its speakers.

    Args:
        line: The line.
        names: The names of the room's voices, by number.
    """
    found = (None if part.voice is None else names[part.voice] for part in line.parts)
    return named(line.words, line.source, found)
