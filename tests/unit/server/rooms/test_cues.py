"""The captions of a room as its lines come: the same as those of all lines at once."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from vivavoce.captions import captions
from vivavoce.protocol.events import TurnUpdated
from vivavoce.server.rooms import cues as room_cues
from vivavoce.server.rooms import room as rooms
from vivavoce.server.rooms.cues import GrowingCues, RoomCues
from vivavoce.server.rooms.room import Room
from vivavoce.types import Word

BEGAN = 1_000.0
TEXTS = ["Good morning.", "and then", "We", "a b c d e f g h i j k l m n o p q r s t u v w x y z of the"]


def say(room, session, text, start_ms, speakers=(None,)):
    words = tuple(
        Word(
            word,
            start_ms + 200 * place,
            start_ms + 200 * place + 180,
            0.9,
            is_final=True,
            speaker=speakers[place * len(speakers) // len(text.split())],
        )
        for place, word in enumerate(text.split())
    )
    turn = TurnUpdated(room.number, start_ms, words[-1].end_ms, words, ended=True)
    room.update(session, turn, BEGAN)
    return words[-1].end_ms


steps = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.sampled_from(["one", "one", "one", "two"]), st.sampled_from(TEXTS)),
        st.tuples(st.sampled_from(["A", "AB"]), st.sampled_from(["one", "two"]), st.sampled_from(TEXTS)),
        st.tuples(st.just("rename"), st.integers(0, 3), st.sampled_from(["Anna", "Ben", ""])),
        st.tuples(st.just("correct"), st.integers(0, 5), st.sampled_from(TEXTS)),
        st.tuples(st.just("look"), st.none(), st.none()),
    ),
    max_size=12,
)


@given(steps, st.lists(st.sampled_from([-2_000, 0, 100, 400, 3_000, 8_000]), min_size=12, max_size=12))
@example(  # a turn that begins between a silence and the turn after it
    [
        ("A", "one", TEXTS[-1]),
        ("A", "two", "Good morning."),
        ("A", "one", "We"),
        ("look", None, None),
        ("rename", 0, "Anna"),
    ],
    [3_000, 8_000, -2_000, *[0] * 9],
)
@example(
    [
        ("say", "one", "Good morning."),
        ("A", "one", "Good morning."),
        ("A", "two", "Good morning."),
        ("look", None, None),
        ("rename", 0, "Anna"),
    ],
    [-2_000] * 12,
)
def test_they_do_not_depend_on_when_somebody_looks(steps, pauses_ms):
    room, growing, at_ms, ends_ms = Room("hall"), GrowingCues(), 0, {"one": 0, "two": 0}
    for session in ends_ms:
        room.join(session, BEGAN)
    for (kind, which, text), pause_ms in zip(steps, pauses_ms, strict=False):
        if kind in {"say", "A", "AB"}:  # sessions may speak at the same time, each alone does not
            speakers = (None,) if kind == "say" else kind
            at_ms = ends_ms[which] = say(room, which, text, max(ends_ms[which], at_ms + pause_ms), speakers)
        elif kind == "rename":
            room.rename(which, text)
        elif kind == "correct":
            room.correct(which, text)
        else:
            growing.update(room.lines, room.voices.names)
    cues = growing.update(room.lines, room.voices.names)
    assert cues == GrowingCues().update(room.lines, room.voices.names)
    assert all(one.end_ms <= other.start_ms for one, other in pairwise(cues))
    said = sorted(word for line in room.lines for word in line.text.split())
    names = {f"{name}:" for name in room.voices.names}
    assert sorted(word for cue in cues for word in cue.text.split() if word not in names) == said


@given(st.lists(st.tuples(st.sampled_from(TEXTS), st.sampled_from([0, 100, 400, 3_000, 8_000])), max_size=12))
def test_those_of_one_speaker_are_those_of_all_lines_at_once(said):
    room, growing, at_ms = Room("hall"), GrowingCues(), 0
    room.join("one", BEGAN)
    for text, pause_ms in said:
        at_ms = say(room, "one", text, at_ms + pause_ms)
        assert growing.update(room.lines) == captions(room.lines)


def test_lines_that_are_known_are_not_broken_again(monkeypatch):
    added = []

    class Counting(room_cues.Captioner):
        def add(self, words):
            added.append(" ".join(word.text for word in words.words))
            return super().add(words)

    monkeypatch.setattr(room_cues, "Captioner", Counting)
    room, growing, at_ms = Room("hall"), GrowingCues(), 0
    room.join("one", BEGAN)
    for number in range(20):
        at_ms = say(room, "one", f"Line {number}.", at_ms + 500)
        growing.update(room.lines)
    assert added == [f"Line {number}." for number in range(20)]


def test_a_speaker_who_comes_back_in_another_session_costs_no_more(monkeypatch):
    made = []
    monkeypatch.setattr(room_cues, "captions", lambda turns, **_: made.append(len(turns)))
    room, growing, at_ms = Room("hall"), GrowingCues(), 0
    for session in ("one", "two", "three"):
        room.join(session, BEGAN)
        for number in range(20):
            at_ms = say(room, session, f"Line {number}.", at_ms + 500)
            growing.update(room.lines)
        room.leave(session, ended=False)
        at_ms += 10_000
    assert made == []
    assert len(room.lines) == 60


def test_cues_of_dropped_lines_are_dropped(monkeypatch):
    monkeypatch.setattr(rooms, "_MAX_LINES", 3)
    room, growing, at_ms = Room("hall"), GrowingCues(), 0
    room.join("one", BEGAN)
    for number in range(6):
        at_ms = say(room, "one", f"This is the line of number {number}.", at_ms + 2_500)
        found = growing.update(room.lines)
    assert len(room.lines) == 3
    assert [cue.text[-2] for cue in found] == [*"345"]


def test_captions_name_the_speakers_of_a_line():
    room = Room("hall")
    room.join("one", BEGAN)
    say(room, "one", "Is it ready? Yes, it is.", 0, "AB")
    cues = GrowingCues().update(room.lines, room.voices.names)
    assert [line for cue in cues for line in cue.lines] == ["A: Is it ready?", "B: Yes, it is."]
    room.rename(1, "Ben")
    cues = GrowingCues().update(room.lines, room.voices.names)
    assert [line for cue in cues for line in cue.lines] == ["A: Is it ready?", "Ben: Yes, it is."]


def test_sources_without_labels_have_no_names():
    room = Room("hall")
    for session in ("one", "two"):
        room.join(session, BEGAN)
    say(room, "one", "Good morning.", 0)
    say(room, "two", "Hello.", 3_000)
    say(room, "one", "Labelled.", 6_000, "A")
    cues = GrowingCues().update(room.lines, room.voices.names)
    assert [cue.text for cue in cues] == ["Good morning.", "Hello.", "A: Labelled."]


def test_whoever_asks_gets_what_is_new():
    async def ask():
        room = Room("hall")
        room.join("one", BEGAN)
        cues = RoomCues(room)
        assert list(await cues.get()) == []
        end_ms = say(room, "one", "Good morning.", 0)
        first = await cues.get()
        assert await cues.get() is first
        say(room, "one", "Let us begin.", end_ms + 3_000)
        both = await asyncio.gather(cues.get(), cues.get())
        assert both[0] is both[1]
        assert list(both[0]) == captions(room.lines)

    asyncio.run(ask())
