"""A room: the transcript that its readers follow. It has no sockets and no clock."""

from __future__ import annotations

import dataclasses
import enum
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vivavoce.store import LineKey
from vivavoce.word_joining import join_words
from vivavoce.word_times import spread_over

if TYPE_CHECKING:
    from vivavoce.protocol.events import TurnUpdated
    from vivavoce.store import StoredLine
    from vivavoce.types import Word

__all__ = ["Change", "Line", "Partial", "Room", "RoomState", "StateChange"]

_MAX_LINES: Final = 20_000  # a day of speech
_MAX_CHANGES: Final = 1_000  # a reader that missed more gets a new snapshot


class RoomState(enum.StrEnum):
    """What a room's readers can expect."""

    WAITING = "waiting"
    LIVE = "live"
    PAUSED = "paused"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Line:
    """A finished turn in a room.

    Attributes:
        id: Its number in the room, from 0.
        source: The speaker: a session, or one channel of it; from 0.
        start_ms: Start, in milliseconds since the room began.
        end_ms: End, on the same timeline.
        at_unix: When it was finished, in seconds since 1970.
        words: Its words, on the room's timeline.
        key: Identifies the turn of its session.
        is_corrected: Whether somebody corrected its text.
    """

    id: int
    source: int
    start_ms: int
    end_ms: int
    at_unix: float
    words: tuple[Word, ...]
    key: LineKey
    is_corrected: bool = False

    @property
    def channel(self) -> int:
        """The speaker, under the name that captions know."""
        return self.source

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
class Change:
    """Something that every reader must learn, in order.

    Attributes:
        number: Its place among the room's changes, from 1.
        content: A new line, a corrected one, or a state.
    """

    number: int
    content: Line | StateChange


class Room:
    """The transcript of one or several sessions, and the changes that made it.

    Lines and states are changes that no reader may miss: they are numbered and kept for those that come back.
    Partials are volatile: only the latest of each speaker counts.

    Attributes:
        name: The name in its address.
        key_digest: What only a speaker of the room can show; None: it has no key.
        title: A title for readers.
        began_unix: When its timeline begins, in seconds since 1970; None: nobody has spoken yet.
    """

    def __init__(self, name: str) -> None:
        """Prepare a room that nobody has opened yet.

        Args:
            name: Its name.
        """
        self.name = name
        self.key_digest: bytes | None = None
        self.title = ""
        self.began_unix: float | None = None
        self._state = RoomState.WAITING
        self._lines: deque[Line] = deque(maxlen=_MAX_LINES)
        self._n_lines = 0  # including those that were dropped
        self._changes: deque[Change] = deque(maxlen=_MAX_CHANGES)
        self._n_changes = 0
        self._partials: dict[int, Partial] = {}  # by speaker
        self._versions: dict[int, int] = {}  # of the partial of each speaker
        self._version = 0  # of the newest partial
        self._offsets_ms: dict[str, int] = {}  # where on the timeline each open session began, by its id
        self._sources: dict[tuple[str, int], int] = {}  # speakers by session and channel

    # --- what readers see -----------------------------------------------------------------------

    @property
    def state(self) -> RoomState:
        """What readers can expect."""
        return self._state

    @property
    def is_open(self) -> bool:
        """Whether a session has ever opened it."""
        return self.began_unix is not None

    @property
    def n_speakers(self) -> int:
        """Sessions that speak into it now."""
        return len(self._offsets_ms)

    @property
    def lines(self) -> tuple[Line, ...]:
        """The finished turns, without those that are too old to be kept."""
        return tuple(self._lines)

    @property
    def partials(self) -> tuple[Partial, ...]:
        """The unfinished turns, one a speaker."""
        return tuple(self._partials.values())

    @property
    def number(self) -> int:
        """The number of the last change; 0: there was none."""
        return self._n_changes

    @property
    def version(self) -> int:
        """Grows with every partial."""
        return self._version

    def changes_since(self, number: int) -> list[Change] | None:
        """The changes after the one of a number; None if they are no longer all known."""
        missed = self._n_changes - number
        if number < 0 or missed < 0 or missed > len(self._changes):
            return None
        return [self._changes[place] for place in range(len(self._changes) - missed, len(self._changes))]

    def partials_since(self, version: int) -> list[Partial]:
        """The partials that are newer than a version, removed ones included."""
        return [
            self._partials.get(source, Partial(source))
            for source, newest in self._versions.items()
            if newest > version
        ]

    def now_ms(self, unix_now: float) -> int:
        """A time on the room's timeline, in milliseconds; 0 before it began."""
        return 0 if self.began_unix is None else max(0, round((unix_now - self.began_unix) * 1000))

    # --- what speakers do -----------------------------------------------------------------------

    def join(self, session_id: str, unix_now: float, title: str = "") -> None:
        """Let a session speak.

        Args:
            session_id: Its id.
            unix_now: When its audio begins, in seconds since 1970.
            title: The new title; empty: as it is.
        """
        if self.began_unix is None:
            self.began_unix = unix_now
        self._offsets_ms[session_id] = self.now_ms(unix_now)
        self.title = title or self.title
        self._become(RoomState.LIVE)

    def restore(self, line: StoredLine, session_began_unix: float) -> None:
        """Take a line that was kept when the server stopped; the room waits for its speakers.

        Args:
            line: The line.
            session_began_unix: When its session began, in seconds since 1970.
        """
        source = self._sources.setdefault(line.key[:2], len(self._sources))
        self._add(line.key, source, line.words, self.now_ms(session_began_unix), line.at_unix)
        if line.is_corrected:
            self._lines[-1] = dataclasses.replace(self._lines[-1], is_corrected=True)
        self._state = RoomState.PAUSED

    def update(self, session_id: str, turn: TurnUpdated, unix_now: float) -> None:
        """Take a turn of a session: an unfinished one replaces the one before, a finished one becomes a line.

        Args:
            session_id: Of a session that has joined.
            turn: The turn, in milliseconds of the session's audio.
            unix_now: In seconds since 1970.
        """
        offset_ms = self._offsets_ms.get(session_id)
        if offset_ms is None:
            return
        channel = turn.channel or 0
        source = self._sources.setdefault((session_id, channel), len(self._sources))
        start_ms = turn.start_ms + offset_ms
        if not turn.ended:
            stable = [word.text for word in turn.words if word.is_final]
            tail = [word.text for word in turn.words if not word.is_final]
            self._show(Partial(source, start_ms, join_words(stable), join_words(tail)))
            return
        self._show(Partial(source))
        if turn.words:
            key = LineKey(session_id, channel, turn.turn_order)
            self._add(key, source, turn.words, offset_ms, unix_now)
            self._note(self._lines[-1])

    def leave(self, session_id: str, *, ended: bool) -> None:
        """Note that a session no longer speaks; calling it again does nothing.

        Args:
            session_id: Of a session that has joined.
            ended: Whether its client ended it; if not, it may come back.
        """
        if self._offsets_ms.pop(session_id, None) is None:
            return
        for (owner, _), source in self._sources.items():
            if owner == session_id and source in self._partials:
                self._show(Partial(source))
        if self._offsets_ms:
            self._become(RoomState.LIVE)
        else:
            self._become(RoomState.ENDED if ended else RoomState.PAUSED)

    def correct(self, line_id: int, text: str) -> LineKey | None:
        """Replace the text of a line; its words share its time.

        Returns:
            What identifies the line; None: there is no such line, or the text is empty.
        """
        first = self._n_lines - len(self._lines)
        texts = text.split()
        if not (first <= line_id < self._n_lines and texts):
            return None
        old = self._lines[line_id - first]
        words = tuple(spread_over(texts, old.start_ms, old.end_ms))
        line = dataclasses.replace(old, words=words, is_corrected=True)
        self._lines[line_id - first] = line
        self._note(line)
        return line.key

    def _add(
        self, key: LineKey, source: int, words: tuple[Word, ...], offset_ms: int, at_unix: float
    ) -> None:
        words = tuple(
            dataclasses.replace(word, start_ms=word.start_ms + offset_ms, end_ms=word.end_ms + offset_ms)
            for word in words
        )
        start_ms, end_ms = words[0].start_ms, max(word.end_ms for word in words)
        self._lines.append(Line(self._n_lines, source, start_ms, end_ms, at_unix, words, key))
        self._n_lines += 1

    def _show(self, partial: Partial) -> None:
        if partial.stable or partial.tail:
            if self._partials.get(partial.source) == partial:
                return
            self._partials[partial.source] = partial
        elif self._partials.pop(partial.source, None) is None:
            return
        self._version += 1
        self._versions[partial.source] = self._version

    def _become(self, state: RoomState) -> None:
        self._state = state
        self._note(StateChange(state, self.title, self.n_speakers))

    def _note(self, content: Line | StateChange) -> None:
        self._n_changes += 1
        self._changes.append(Change(self._n_changes, content))
