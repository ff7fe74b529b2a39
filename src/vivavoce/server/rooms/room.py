"""A room: the transcript that its readers follow. It has no sockets and no clock."""

from __future__ import annotations

import dataclasses
from collections import deque
from typing import TYPE_CHECKING, Final

from vivavoce.server.rooms.changes import Changes
from vivavoce.server.rooms.content import Line, Part, Partial, RoomState, StateChange, VoicesChange
from vivavoce.server.rooms.image import RoomImage
from vivavoce.server.rooms.partials import Partials
from vivavoce.store import LineKey, VoiceNames
from vivavoce.store.words import assigned, corrected, parts, revised
from vivavoce.word_joining import join_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from vivavoce.protocol.events import TurnUpdated
    from vivavoce.server.rooms.content import Change
    from vivavoce.store import StoredLine, VoiceKey
    from vivavoce.types import Word

__all__ = ["Room"]

_MAX_LINES: Final = 20_000  # a day of speech
_SURE: Final = 0.5  # a less probable speaker is shown as unsure


class Room:
    """The transcript of one or several sessions, and the changes that made it.

    Lines and states are changes that no reader may miss: they are numbered and kept for those that come back.
    Partials are volatile: only the latest of each speaker counts.

    Attributes:
        name: The name in its address.
        key_digest: What only a speaker of the room can show; None: it has no key.
        title: A title for readers.
        began_unix: When its timeline begins, in seconds since 1970; None: nobody has spoken yet.
        voices: The voices of its sessions and their names.
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
        self.voices = VoiceNames()
        self._state = RoomState.WAITING
        self._lines: deque[Line] = deque(maxlen=_MAX_LINES)
        self._n_lines = 0  # including those that were dropped
        self._ids: dict[LineKey, int] = {}  # of the lines
        self._changes = Changes()
        self._partials = Partials()
        self._offsets_ms: dict[str, int] = {}  # where on the timeline each open session began, by its id
        self._servers: dict[str, str] = {}  # which server each open session is on
        self._lost: set[str] = set()  # open sessions from whose server nothing comes any more
        self._sources: dict[tuple[str, int], int] = {}  # by session and channel

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
        return len(self._offsets_ms) - len(self._lost)

    @property
    def sessions(self) -> dict[str, str]:
        """The server of each session that speaks into it now."""
        return {each: server for each, server in self._servers.items() if each not in self._lost}

    @property
    def lines(self) -> tuple[Line, ...]:
        """The finished turns, without those that are too old to be kept."""
        return tuple(self._lines)

    @property
    def partials(self) -> tuple[Partial, ...]:
        """The unfinished turns, one a speaker."""
        return self._partials.all

    @property
    def number(self) -> int:
        """The number of the last change; 0: there was none."""
        return self._changes.number

    @property
    def version(self) -> int:
        """Grows with every partial."""
        return self._partials.version

    def changes_since(self, number: int) -> list[Change] | None:
        """The changes after the one of a number; None if they are no longer all known."""
        return self._changes.since(number)

    def chain_at(self, number: int) -> int | None:
        """The checksum of all changes up to the one of a number; None if it is no longer known."""
        return self._changes.chain_at(number)

    def partials_since(self, version: int) -> list[Partial]:
        """The partials that are newer than a version, removed ones included."""
        return self._partials.since(version)

    def line_id(self, key: LineKey) -> int | None:
        """The number of a line; None: there is none of that key, or it is too old to be kept."""
        return self._ids.get(key)

    def line(self, line_id: int) -> Line | None:
        """The line of a number; None: there is none, or it is too old to be kept."""
        first = self._n_lines - len(self._lines)
        return self._lines[line_id - first] if first <= line_id < self._n_lines else None

    def now_ms(self, unix_now: float) -> int:
        """A time on the room's timeline, in milliseconds; 0 before it began."""
        return 0 if self.began_unix is None else max(0, round((unix_now - self.began_unix) * 1000))

    # --- copies ---------------------------------------------------------------------------------

    def copy(self) -> Room:
        """Return a copy, which then lives on its own."""
        other = self.of(self.image())
        other._changes, other._partials = self._changes.copy(), self._partials.copy()  # noqa: SLF001
        return other

    def image(self) -> RoomImage:
        """Return what lasts of the room: all but its unfinished turns, and the changes that made it."""
        return RoomImage(
            name=self.name,
            key_digest=self.key_digest,
            title=self.title,
            began_unix=self.began_unix,
            state=self._state.value,
            voices=self.voices.image(),
            lines=tuple(self._lines),
            n_lines=self._n_lines,
            n_changes=self._changes.number,
            chain=self._changes.chain,
            offsets_ms=dict(self._offsets_ms),
            servers=dict(self._servers),
            lost=tuple(self._lost),
            sources=tuple((*key, source) for key, source in self._sources.items()),
        )

    @classmethod
    def of(cls, image: RoomImage) -> Room:
        """Return the room of an image."""
        room = cls(image.name)
        room.key_digest, room.title, room.began_unix = image.key_digest, image.title, image.began_unix
        room.voices, room._state = VoiceNames.of(image.voices), RoomState(image.state)
        room._lines.extend(image.lines)
        room._n_lines, room._changes = image.n_lines, Changes(image.n_changes, image.chain)
        room._ids = {line.key: line.id for line in image.lines}
        room._offsets_ms, room._servers = dict(image.offsets_ms), dict(image.servers)
        room._lost = set(image.lost)
        room._sources = {(session, channel): source for session, channel, source in image.sources}
        return room

    def take_partials(self, other: Room) -> None:
        """Show the unfinished turns that another copy of the room shows, if their sessions are here."""
        sources = {source: self._sources.get(key) for key, source in other._sources.items()}
        silent = {source for (session, _), source in self._sources.items() if not self._speaks(session)}
        self._partials.take(other._partials, {a: b for a, b in sources.items() if b not in silent})

    # --- what speakers do -----------------------------------------------------------------------

    def join(self, session_id: str, unix_now: float, title: str = "", *, server: str = "") -> None:
        """Let a session speak, or one that was lost speak again.

        Args:
            session_id: Its id.
            unix_now: When its audio begins, in seconds since 1970.
            title: The new title; empty: as it is.
            server: The server that it is on; empty: the only one.
        """
        if self.began_unix is None:
            self.began_unix = unix_now
        self._offsets_ms[session_id] = self.now_ms(unix_now)
        self._servers[session_id] = server
        self._lost.discard(session_id)
        self.title = title or self.title
        self._become(RoomState.LIVE, salt=session_id)  # tells this room from another of its name

    def restore(self, line: StoredLine, session_began_unix: float) -> None:
        """Take a line that was kept when the server stopped; the room waits for its speakers.

        Args:
            line: The line.
            session_began_unix: When its session began, in seconds since 1970.
        """
        source = self._sources.setdefault(line.key[:2], len(self._sources))
        added = self._add(line.key, source, line.words, self.now_ms(session_began_unix), line.at_unix)
        self._lines[-1] = dataclasses.replace(added, is_corrected=line.is_corrected)
        self._changes.begin_with(added.key)
        self._state = RoomState.PAUSED

    def merge(self, lines: Iterable[Line], names: Mapping[VoiceKey, str], began_unix: float) -> None:
        """Take lines of a copy of this room, or from a store, that are not here yet.

        Args:
            lines: The lines.
            names: Names that people gave to their speakers.
            began_unix: When the timeline of the copy begins, in seconds since 1970.
        """
        if self.began_unix is None:
            self.began_unix = began_unix
        offset_ms = round((began_unix - self.began_unix) * 1000)
        n_voices = len(self.voices)
        for line in lines:
            source = self._sources.setdefault(line.key[:2], len(self._sources))
            here = self.line(self._ids.get(line.key, -1))
            if here is None:
                self._add(line.key, source, line.words, offset_ms, line.at_unix)
                self._lines[-1] = _touched_as(self._lines[-1], line)
                self._changes.note(self._lines[-1])
            elif (line.is_corrected or line.is_assigned) and not (here.is_corrected or here.is_assigned):
                self._replace(_touched_as(here, line), _shifted(line.words, offset_ms))
        if self.voices.take(names) or len(self.voices) > n_voices:
            self._note_voices()
        if self._state is RoomState.WAITING:
            self._become(RoomState.PAUSED)

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
        if session_id in self._lost:
            self._lost.discard(session_id)
            self._become(RoomState.LIVE)
        channel = turn.channel or 0
        source = self._sources.setdefault((session_id, channel), len(self._sources))
        if not turn.ended:
            self.glimpse(session_id, turn)
            return
        self._partials.show(Partial(source))
        if turn.words:
            key = LineKey(session_id, channel, turn.turn_order)
            self._changes.note(self._add(key, source, turn.words, offset_ms, unix_now))

    def knows(self, session_id: str, channel: int | None) -> bool:
        """Whether `glimpse` shows the unfinished turns of a channel: `update` has taken one before."""
        return self._speaks(session_id) and (session_id, channel or 0) in self._sources

    def glimpse(self, session_id: str, turn: TurnUpdated) -> None:
        """Take an unfinished turn of a channel that the room knows; it changes nothing that lasts.

        Args:
            session_id: Of the session.
            turn: The turn, in milliseconds of the session's audio.
        """
        if self.knows(session_id, turn.channel):
            source = self._sources[session_id, turn.channel or 0]
            stable = [word.text for word in turn.words if word.is_final]
            tail = [word.text for word in turn.words if not word.is_final]
            start_ms = turn.start_ms + self._offsets_ms[session_id]
            self._partials.show(Partial(source, start_ms, join_words(stable), join_words(tail)))

    def revise(self, session_id: str, turn: TurnUpdated) -> None:
        """Give a line other speakers, unless a person has set them.

        Args:
            session_id: Of a session that has joined.
            turn: A turn that became a line before; its words name their speakers.
        """
        offset_ms = self._offsets_ms.get(session_id)
        found = self.line(self._ids.get(LineKey(session_id, turn.channel or 0, turn.turn_order), -1))
        if offset_ms is not None and found is not None and turn.words and not found.is_assigned:
            self._replace(found, revised(found.words, _shifted(turn.words, offset_ms)))

    def leave(self, session_id: str, *, ended: bool) -> None:
        """Note that a session no longer speaks; calling it again does nothing.

        Args:
            session_id: Of a session that has joined.
            ended: Whether its client ended it; if not, it may come back.
        """
        if self._offsets_ms.pop(session_id, None) is None:
            return
        self._servers.pop(session_id)
        self._lost.discard(session_id)
        self._fall_silent(session_id, ended=ended)

    def lose(self, session_id: str) -> None:
        """Note that nothing comes any more from the server of a session; it may be heard of again.

        Args:
            session_id: Of the session; if it has not joined, or is lost, this does nothing.
        """
        if self._speaks(session_id):
            self._lost.add(session_id)
            self._fall_silent(session_id, ended=False)

    # --- what people do -------------------------------------------------------------------------

    def correct(self, line_id: int, text: str, part: int | None = None) -> LineKey | None:
        """Replace the text of a line; its words share its time.

        Args:
            line_id: The number of the line.
            text: The text.
            part: The part to replace, from 0; None: all.

        Returns:
            What identifies the line; None: there is no such line or part, or the text is empty.
        """
        old = self.line(line_id)
        words = None if old is None else corrected(old.words, text, part)
        if old is None or words is None:
            return None
        self._replace(dataclasses.replace(old, is_corrected=True), words)
        return old.key

    def assign(self, line_id: int, name: str, part: int | None = None) -> tuple[LineKey, VoiceKey] | None:
        """Set who says a line; revisions of the session's labels leave it from then on.

        Args:
            line_id: The number of the line.
            name: The name of a speaker of the room, or a new one.
            part: As in `correct`.

        Returns:
            What identifies the line, and the voice of its session that has the name now; None: there is no
            such line or part.
        """
        old = self.line(line_id)
        if old is None or (part is not None and not 0 <= part < len(parts(old.words))):
            return None
        n_known = len(self.voices)
        voice = self.voices.voice_of(*old.key[:2], name)
        if len(self.voices) > n_known:
            self._note_voices()
        words = assigned(old.words, voice.label, part)
        if words is None:
            return None
        self._replace(dataclasses.replace(old, is_assigned=True), words)
        return old.key, voice

    def rename(self, voice: int, name: str) -> dict[VoiceKey, str] | None:
        """Give a speaker another name, in all lines.

        Args:
            voice: The number of a voice of this speaker.
            name: The name; empty: what it is called without one.

        Returns:
            The name of each voice of the speaker; None: there is no such voice.
        """
        if not 0 <= voice < len(self.voices):
            return None
        given = self.voices.rename(voice, name)
        self._note_voices()
        return given

    # --- within ---------------------------------------------------------------------------------

    def _speaks(self, session_id: str) -> bool:
        return session_id in self._offsets_ms and session_id not in self._lost

    def _fall_silent(self, session_id: str, *, ended: bool) -> None:
        for (owner, _), source in self._sources.items():
            if owner == session_id:
                self._partials.show(Partial(source))
        if self.n_speakers:
            self._become(RoomState.LIVE)
        else:
            self._become(RoomState.ENDED if ended else RoomState.PAUSED)

    def _add(
        self, key: LineKey, source: int, words: tuple[Word, ...], offset_ms: int, at_unix: float
    ) -> Line:
        words = _shifted(words, offset_ms)
        start_ms, end_ms = words[0].start_ms, max(word.end_ms for word in words)
        if len(self._lines) == _MAX_LINES:
            self._ids.pop(self._lines[0].key, None)
        number = self._ids[key] = self._n_lines
        line = Line(number, source, start_ms, end_ms, at_unix, words, key, parts=self._parts(key, words))
        self._lines.append(line)
        self._n_lines += 1
        return line

    def _replace(self, old: Line, words: tuple[Word, ...]) -> None:
        line = dataclasses.replace(old, words=words, parts=self._parts(old.key, words))
        place = line.id - (self._n_lines - len(self._lines))
        if line != self._lines[place]:
            self._lines[place] = line
            self._changes.note(line, is_replacement=True)

    def _parts(self, key: LineKey, words: Sequence[Word]) -> tuple[Part, ...]:
        """Who says what; readers learn about a new voice before they see its line."""
        if all(word.speaker is None for word in words):
            return ()
        n_known = len(self.voices)
        found = tuple(self._part(key, run) for run in parts(words))
        if len(self.voices) > n_known:
            self._note_voices()
        return found

    def _part(self, key: LineKey, words: Sequence[Word]) -> Part:
        doubts = [word.speaker_confidence for word in words if word.speaker_confidence is not None]
        return Part(
            self.voices.number(*key[:2], words[0].speaker),
            words[0].start_ms,
            max(word.end_ms for word in words),
            join_words(word.text for word in words),
            not doubts or sum(doubts) / len(doubts) >= _SURE,
        )

    def _note_voices(self) -> None:
        self._changes.note(VoicesChange(self.voices.names, self.voices.speakers))

    def _become(self, state: RoomState, salt: str = "") -> None:
        self._state = state
        self._changes.note(StateChange(state, self.title, self.n_speakers), salt=salt)


def _touched_as(line: Line, other: Line) -> Line:
    """Return a line with what people did to another."""
    return dataclasses.replace(line, is_corrected=other.is_corrected, is_assigned=other.is_assigned)


def _shifted(words: tuple[Word, ...], offset_ms: int) -> tuple[Word, ...]:
    return tuple(
        dataclasses.replace(word, start_ms=word.start_ms + offset_ms, end_ms=word.end_ms + offset_ms)
        for word in words
    )
