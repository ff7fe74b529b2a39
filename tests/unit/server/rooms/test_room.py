"""The transcript of a room: pure, so no sockets and no clock."""

from __future__ import annotations

import json
import uuid

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.protocol.events import TurnUpdated
from vivavoce.server.rooms.content import Line, Partial, RoomState
from vivavoce.server.rooms.feed import Cursor, Feed
from vivavoce.server.rooms.room import Room
from vivavoce.store import LineKey, StoredLine, VoiceKey, VoiceNames
from vivavoce.types import Word

BEGAN = 1_000.0


def turn(text, *, start_ms=0, n_stable=0, ended=False, channel=None, order=0):
    words = tuple(
        Word(
            word, start_ms + 100 * place, start_ms + 100 * place + 90, 0.9, is_final=ended or place < n_stable
        )
        for place, word in enumerate(text.split())
    )
    return TurnUpdated(order, start_ms, start_ms + 2_000, words, ended=ended, channel=channel)


def join(room, at):
    session_id = uuid.uuid4().hex
    room.join(session_id, at)
    return session_id


def texts(room):
    return [line.text for line in room.lines]


def test_a_room_waits_until_a_session_opens_it():
    room = Room("hall")
    assert (room.state, room.is_open, room.lines) == (RoomState.WAITING, False, ())
    room.join("one", BEGAN, "A talk")
    assert (room.state, room.title, room.n_speakers) == (RoomState.LIVE, "A talk", 1)


def test_partials_replace_each_other_and_a_final_becomes_a_line():
    room = Room("hall")
    session = join(room, BEGAN)
    room.update(session, turn("good morn", n_stable=1), BEGAN + 1)
    assert room.partials == (Partial(0, 0, "good", "morn"),)
    room.update(session, turn("good morning"), BEGAN + 1)
    assert room.partials == (Partial(0, 0, "", "good morning"),)
    room.update(session, turn("Good morning.", ended=True), BEGAN + 2)
    assert room.partials == ()
    [line] = room.lines
    assert (line.text, line.start_ms, line.end_ms, line.at_unix) == ("Good morning.", 0, 190, BEGAN + 2)


def test_words_that_are_taken_back_leave_no_partial():
    room = Room("hall")
    session = join(room, BEGAN)
    room.update(session, turn("hm"), BEGAN)
    room.update(session, turn(""), BEGAN)
    room.update(session, turn("", ended=True), BEGAN)
    assert (room.partials, room.lines) == ((), ())


def test_a_session_that_comes_later_continues_the_timeline():
    room = Room("hall")
    first = join(room, BEGAN)
    room.update(first, turn("One.", ended=True), BEGAN + 3)
    room.leave(first, ended=False)
    assert room.state is RoomState.PAUSED
    second = join(room, BEGAN + 60)
    room.update(second, turn("Two.", start_ms=500, ended=True), BEGAN + 62)
    assert [(line.start_ms, line.words[0].start_ms) for line in room.lines] == [(0, 0), (60_500, 60_500)]
    room.leave(second, ended=True)
    assert room.state is RoomState.ENDED


def test_two_speakers_have_a_partial_each_and_the_room_lives_until_both_leave():
    room = Room("hall")
    first, second = join(room, BEGAN), join(room, BEGAN + 1)
    room.update(first, turn("one"), BEGAN)
    room.update(second, turn("two"), BEGAN)
    assert {(it.source, it.tail) for it in room.partials} == {(0, "one"), (1, "two")}
    room.leave(first, ended=True)
    assert (room.state, room.n_speakers) == (RoomState.LIVE, 1)
    assert [it.tail for it in room.partials] == ["two"]
    room.leave(first, ended=True)
    room.leave(second, ended=True)
    assert room.state is RoomState.ENDED


def test_channels_are_speakers():
    room = Room("hall")
    session = join(room, BEGAN)
    room.update(session, turn("Left.", ended=True, channel=0), BEGAN)
    room.update(session, turn("Right.", ended=True, channel=1), BEGAN)
    assert [line.source for line in room.lines] == [0, 1]


def test_a_correction_keeps_the_time_of_its_line():
    room = Room("hall")
    session = join(room, BEGAN)
    room.update(session, turn("Recognise speech today.", ended=True), BEGAN)
    assert room.correct(0, "  Wreck a nice beach. ")
    [line] = room.lines
    assert (line.text, line.is_corrected) == ("Wreck a nice beach.", True)
    assert (line.words[0].start_ms, line.words[-1].end_ms) == (line.start_ms, line.end_ms) == (0, 290)
    assert not room.correct(1, "No such line.")
    assert not room.correct(-1, "Nor this.")
    assert not room.correct(0, "  ")


def test_what_a_session_says_after_it_left_is_ignored():
    room = Room("hall")
    session = join(room, BEGAN)
    room.leave(session, ended=True)
    room.update(session, turn("Late.", ended=True), BEGAN)
    assert room.lines == ()


# --- who speaks -------------------------------------------------------------------------------


def labelled(*pairs, order=0, start_ms=0, confidence=0.9, **more):
    """A finished turn, each word with its speaker."""
    words = tuple(
        Word(text, start_ms + 100 * place, start_ms + 100 * place + 90, 0.9, True, speaker, confidence)
        for place, (speaker, text) in enumerate(pairs)
    )
    return TurnUpdated(order, start_ms, start_ms + 2_000, words, ended=True, **more)


def who(room):
    """For each line its parts: name and text."""
    return [
        [(None if part.voice is None else room.voices.names[part.voice], part.text) for part in line.parts]
        for line in room.lines
    ]


def test_a_line_has_a_part_for_each_speaker():
    room = Room("hall")
    session = join(room, BEGAN)
    room.update(session, labelled(("A", "Ready?"), ("B", "Yes,"), ("B", "go.")), BEGAN)
    room.update(session, labelled(("PENDING", "Hm."), order=1), BEGAN)
    room.update(session, turn("No labels here.", ended=True, order=2), BEGAN)
    assert who(room) == [[("A", "Ready?"), ("B", "Yes, go.")], [(None, "Hm.")], []]
    first, second = room.lines[0].parts
    assert (first.start_ms, first.end_ms, second.start_ms, second.end_ms) == (0, 90, 100, 290)


def test_an_improbable_speaker_is_unsure():
    room = Room("hall")
    session = join(room, BEGAN)
    for order, confidence in enumerate((0.4, 0.6, None)):
        room.update(session, labelled(("A", "Hm."), order=order, confidence=confidence), BEGAN)
    assert [line.parts[0].is_sure for line in room.lines] == [False, True, True]


def test_speakers_of_two_sessions_and_channels_are_not_mixed_up():
    room = Room("hall")
    first, second = join(room, BEGAN), join(room, BEGAN)
    for session, channel in ((first, None), (second, 0), (second, 1), (first, None)):
        room.update(session, labelled(("A", "Hello."), channel=channel), BEGAN)
    assert who(room) == [[(name, "Hello.")] for name in "ABCA"]


def test_a_revision_replaces_speakers_until_a_person_has_set_them():
    room = Room("hall")
    session = join(room, BEGAN)
    room.update(session, labelled(("A", "Ready?"), ("A", "Yes.")), BEGAN)
    room.revise(session, labelled(("A", "Ready?"), ("B", "Yes.")))
    assert who(room) == [[("A", "Ready?"), ("B", "Yes.")]]
    assert not room.lines[0].is_corrected
    assert room.assign(0, "Cleo", part=1) == (room.lines[0].key, VoiceKey(session, 0, "Cleo"))
    number = room.number
    for late in (labelled(("A", "Ready?"), ("A", "Yes.")), labelled(("A", "No such turn."), order=7)):
        room.revise(session, late)
    room.revise("another session", labelled(("B", "Ready?"), ("B", "Yes.")))
    assert who(room) == [[("A", "Ready?"), ("Cleo", "Yes.")]]
    assert room.number == number


def test_a_revision_without_news_is_no_change():
    room = Room("hall")
    session = join(room, BEGAN)
    room.update(session, labelled(("A", "Ready?")), BEGAN)
    number = room.number
    room.revise(session, labelled(("A", "Ready?")))
    assert room.number == number


def test_a_name_reaches_all_lines_of_its_speaker():
    room = Room("hall")
    session = join(room, BEGAN)
    for order, label in enumerate("ABA"):
        room.update(session, labelled((label, "Hello."), order=order), BEGAN)
    assert room.rename(0, "Anna") == {VoiceKey(session, 0, "A"): "Anna"}
    assert [parts[0][0] for parts in who(room)] == ["Anna", "B", "Anna"]
    assert room.rename(2, "Nobody") is None
    assert room.rename(-1, "Nobody") is None


def test_a_line_goes_to_another_speaker_by_name():
    room = Room("hall")
    session = join(room, BEGAN)
    room.update(session, labelled(("A", "One.")), BEGAN)
    room.update(session, labelled(("B", "Two."), order=1), BEGAN)
    room.rename(0, "Anna")
    assert room.assign(1, "Anna") == (room.lines[1].key, VoiceKey(session, 0, "A"))
    assert room.assign(0, "Ben") == (room.lines[0].key, VoiceKey(session, 0, "Ben"))
    assert who(room) == [[("Ben", "One.")], [("Anna", "Two.")]]
    assert room.assign(2, "Anna") is None
    assert room.assign(0, "Anna", part=1) is None


def test_a_line_goes_to_a_speaker_of_another_session():
    room = Room("hall")
    first, second = join(room, BEGAN), join(room, BEGAN)
    room.update(first, labelled(("A", "One.")), BEGAN)
    room.update(second, labelled(("A", "Two.")), BEGAN)
    room.update(second, labelled(("B", "Three."), order=1), BEGAN)
    assert who(room) == [[("A", "One.")], [("B", "Two.")], [("C", "Three.")]]
    room.assign(2, "A")
    room.assign(0, "B")
    assert who(room) == [[("B", "One.")], [("B", "Two.")], [("A", "Three.")]]
    room.update(first, labelled(("B", "Four."), order=1), BEGAN)
    assert who(room)[3] == [("D", "Four.")]


def test_a_part_is_corrected():
    room = Room("hall")
    session = join(room, BEGAN)
    room.update(session, labelled(("A", "Ready?"), ("B", "Yes."), start_ms=500), BEGAN)
    assert room.correct(0, "Certainly, go on.", part=1)
    assert who(room) == [[("A", "Ready?"), ("B", "Certainly, go on.")]]
    assert not room.correct(0, "Nothing.", part=2)


def test_kept_lines_come_back_with_their_names():
    room = Room("hall")
    words = labelled(("A", "One."), ("B", "Two.")).words
    room.voices = VoiceNames({VoiceKey("old", 0, "B"): "Ben"})
    room.began_unix = BEGAN
    room.restore(StoredLine(LineKey("old", 0, 0), BEGAN, words), BEGAN)
    session = join(room, BEGAN + 60)
    room.update(session, labelled(("A", "Three.")), BEGAN + 61)
    assert who(room) == [[("A", "One."), ("Ben", "Two.")], [("B", "Three.")]]


# --- what readers receive ---------------------------------------------------------------------


class Reader:
    """A reader's page: applies events as the page does."""

    def __init__(self):
        self.lines, self.partials, self.state, self.last_id = {}, {}, None, None
        self.parts, self.voices = {}, []
        self.n_snapshots = 0

    def take(self, data):
        for block in data.decode().split("\n\n"):
            fields = dict(row.split(": ", 1) for row in block.split("\n") if row)
            if not fields:
                continue
            self.last_id = fields.get("id", self.last_id)
            content = json.loads(fields["data"])
            match fields["event"]:
                case "snapshot":
                    self.n_snapshots += 1
                    self.voices = content["voices"]
                    self.lines, self.parts = {}, {}
                    for it in content["lines"]:
                        self.show(it)
                    self.partials = {
                        it["source"]: it["stable"] + "|" + it["tail"] for it in content["partials"]
                    }
                    self.state = content["state"]
                case "line":
                    assert content["id"] not in self.lines, "a line twice"
                    self.show(content)
                    self.partials.pop(content["source"], None)
                case "correction":
                    self.show(content)
                case "voices":
                    self.voices = content["voices"]
                case "partial":
                    self.partials[content["source"]] = content["stable"] + "|" + content["tail"]
                    if not (content["stable"] or content["tail"]):
                        del self.partials[content["source"]]
                case "state":
                    self.state = content["state"]

    def show(self, line):
        self.lines[line["id"]] = line["text"]
        self.parts[line["id"]] = line.get("parts", [])
        for part in self.parts[line["id"]]:  # a voice is known before its line comes
            assert part["voice"] is None or part["voice"] < len(self.voices)

    def who(self):
        names = [voice["name"] for voice in self.voices]
        return [
            [(None if part["voice"] is None else names[part["voice"]], part["text"]) for part in parts]
            for parts in self.parts.values()
        ]


def matches(reader, room):
    return (
        reader.who() == who(room)
        and list(reader.lines.values()) == texts(room)
        and reader.partials == {it.source: it.stable + "|" + it.tail for it in room.partials}
        and reader.state == room.state.value
    )


actions = st.lists(
    st.one_of(
        st.tuples(st.just("partial"), st.integers(0, 1), st.sampled_from(["a", "a b", "a b c"])),
        st.tuples(st.just("final"), st.integers(0, 1), st.sampled_from(["A b.", "C d e."])),
        st.tuples(st.just("labelled"), st.integers(0, 1), st.sampled_from(["A", "AB", "ABA", "BC"])),
        st.tuples(st.just("revise"), st.integers(0, 1), st.sampled_from(["AAA", "BAB", "C"])),
        st.tuples(st.just("rename"), st.integers(0, 3), st.sampled_from(["", "B", "Anna"])),
        st.tuples(st.just("assign"), st.integers(0, 5), st.sampled_from(["B", "Anna"])),
        st.tuples(st.just("correct"), st.integers(0, 5), st.sampled_from(["X.", "Y z."])),
        st.tuples(st.just("leave"), st.integers(0, 1), st.booleans()),
        st.tuples(st.just("read"), st.integers(0, 2), st.booleans()),
    ),
    max_size=60,
)


@given(actions)
def test_whenever_readers_read_and_reconnect_they_end_with_the_whole_transcript(steps):
    room = Room("hall")
    feed = Feed(room)
    sessions = {0: join(room, BEGAN), 1: join(room, BEGAN)}
    readers = [Reader() for _ in range(3)]
    cursors = [Cursor() for _ in readers]
    for action, number, detail in steps:
        if action == "partial":
            room.update(sessions[number], turn(detail, n_stable=1), BEGAN)
        elif action == "final":
            room.update(sessions[number], turn(detail, ended=True, order=len(room.lines)), BEGAN)
        elif action == "labelled":
            said = labelled(*((label, "w") for label in detail), order=len(room.lines))
            room.update(sessions[number], said, BEGAN)
        elif action == "revise":
            for order in range(len(room.lines)):
                room.revise(sessions[number], labelled(*((label, "w") for label in detail), order=order))
        elif action == "rename":
            room.rename(number, detail)
        elif action == "assign":
            room.assign(number, detail)
        elif action == "correct":
            room.correct(number, detail)
        elif action == "leave":
            room.leave(sessions[number], ended=detail)
            sessions[number] = join(room, BEGAN + 1)
        elif action == "read":
            if detail:  # it reconnects
                readers[number].partials.clear()
                cursors[number] = feed.cursor(readers[number].last_id)
            readers[number].take(feed.read(cursors[number], BEGAN))
    for reader, cursor in zip(readers, cursors, strict=True):
        reader.take(feed.read(cursor, BEGAN))
        assert matches(reader, room)
        assert feed.read(cursor, BEGAN) == b""


def test_a_reader_that_comes_back_gets_only_what_it_missed():
    room = Room("hall")
    feed, reader, cursor = Feed(room), Reader(), Cursor()
    session = join(room, BEGAN)
    room.update(session, turn("One.", ended=True), BEGAN)
    reader.take(feed.read(cursor, BEGAN))
    room.update(session, turn("Two.", ended=True), BEGAN)
    room.correct(0, "First.")
    reader.take(feed.read(feed.cursor(reader.last_id), BEGAN))
    assert (list(reader.lines.values()), reader.n_snapshots) == (["First.", "Two."], 1)


def test_ids_of_another_life_of_the_room_and_nonsense_get_a_snapshot():
    old, new = Room("hall"), Room("hall")
    for room in (old, new):
        join(room, BEGAN)
    cursor = Cursor()
    reader = Reader()
    reader.take(Feed(old).read(cursor, BEGAN))
    for last_id in (reader.last_id, None, "", "x", "-1", "a-b", f"{reader.last_id}9999999999999", "٣-٣"):
        again = Feed(new)
        assert again.read(again.cursor(last_id), BEGAN).startswith(b"event: snapshot")


def test_a_reader_that_missed_too_much_gets_a_snapshot():
    room = Room("hall")
    feed, reader, cursor = Feed(room), Reader(), Cursor()
    session = join(room, BEGAN)
    reader.take(feed.read(cursor, BEGAN))
    for number in range(1_500):
        room.update(session, turn(f"Line {number}.", ended=True), BEGAN)
    reader.take(feed.read(cursor, BEGAN))
    assert reader.n_snapshots == 2
    assert list(reader.lines.values()) == texts(room)[-300:]


def test_every_reader_gets_the_same_bytes():
    room = Room("hall")
    feed = Feed(room)
    session = join(room, BEGAN)
    first, second = Cursor(), Cursor()
    feed.read(first, BEGAN)
    feed.read(second, BEGAN)
    room.update(session, turn("One.", ended=True), BEGAN)
    [change] = room.changes_since(room.number - 1)
    assert isinstance(change.content, Line)
    room.update(session, turn("two"), BEGAN)
    assert feed.read(first, BEGAN) == feed.read(second, BEGAN)
