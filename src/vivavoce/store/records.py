"""What the store keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from vivavoce.word_joining import join_words

if TYPE_CHECKING:
    from vivavoce.types import Word

__all__ = ["LineKey", "SearchHit", "StoredLine", "StoredRoom", "StoredSession"]


class LineKey(NamedTuple):
    """Identifies a finished turn.

    Attributes:
        session_id: Of its session.
        channel: Of the audio, from 0.
        turn: Its number in the session, from 0.
    """

    session_id: str
    channel: int
    turn: int


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session.

    Attributes:
        id: Its id.
        began_unix: When it began, in seconds since 1970.
        room: The room it spoke in; None: none.
        title: The room's title then.
        owner: Identifies its API key without being one; empty: it needed none.
        ended_unix: When it ended; None: it has not, or the server was stopped before.
        n_lines: Its finished turns.
    """

    id: str
    began_unix: float
    room: str | None = None
    title: str = ""
    owner: str = ""
    ended_unix: float | None = None
    n_lines: int = 0


@dataclass(frozen=True, slots=True)
class StoredLine:
    """A finished turn.

    Attributes:
        key: Identifies it.
        at_unix: When it was finished, in seconds since 1970.
        words: Its words, in milliseconds of the session's audio, with the session's labels of their speakers.
        is_corrected: Whether somebody corrected it.
    """

    key: LineKey
    at_unix: float
    words: tuple[Word, ...]
    is_corrected: bool = False

    @property
    def channel(self) -> int | None:
        """The channel of its session."""
        return self.key.channel

    @property
    def text(self) -> str:
        """All words."""
        return join_words(word.text for word in self.words)

    @property
    def is_labelled(self) -> bool:
        """Whether its session labels speakers."""
        return any(word.speaker is not None for word in self.words)


@dataclass(frozen=True, slots=True)
class StoredRoom:
    """A room.

    Attributes:
        name: Its name.
        began_unix: When its timeline began, in seconds since 1970.
        key_digest: Of the key that its speakers need; None: it has none.
        title: Its title.
    """

    name: str
    began_unix: float
    key_digest: bytes | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A line that a search found.

    Attributes:
        session: Its session.
        line: The line.
    """

    session: StoredSession
    line: StoredLine
