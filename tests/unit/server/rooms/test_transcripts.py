"""A room's transcript as files, and as segments for players."""

from __future__ import annotations

import io
import json
import re

import pysubs2
import pytest
import webvtt

from vivavoce.captions import captions
from vivavoce.protocol.events import TurnUpdated
from vivavoce.server.rooms import transcripts
from vivavoce.server.rooms.cues import GrowingCues
from vivavoce.server.rooms.room import Room
from vivavoce.server.rooms.transcripts import CAPTION_FILES, SEGMENT_MS, TEXT_FILES, playlist
from vivavoce.types import Word

BEGAN = 1_000.0


def segment(room, number, unix_now):
    if not transcripts.is_complete(room, number, unix_now):
        return None
    return transcripts.segment(captions(room.lines), number)


def words(text, start_ms):
    return tuple(
        Word(word, start_ms + 300 * place, start_ms + 300 * place + 250, 0.9, is_final=True)
        for place, word in enumerate(text.split())
    )


@pytest.fixture
def room():
    room = Room("hall")
    session = "one"
    room.join(session, BEGAN, "A talk")
    for order, (text, start_ms) in enumerate(
        [("Good morning, everybody.", 500), ("Let us begin.", 9_000), ("This is the end.", 20_000)]
    ):
        turn = TurnUpdated(order, start_ms, start_ms + 2_000, words(text, start_ms), ended=True)
        room.update(session, turn, BEGAN + 3)
    room.session = session
    return room


def test_every_format_holds_the_words(room):
    texts = {name: write(room) for name, (_, write) in TEXT_FILES.items()}
    texts |= {name: write(captions(room.lines)) for name, (_, write) in CAPTION_FILES.items()}
    expected = "Good morning, everybody. Let us begin. This is the end."
    assert texts["transcript.txt"].split("\n") == [line.text for line in room.lines] + [""]
    assert " ".join(line["text"] for line in json.loads(texts["transcript.json"])["lines"]) == expected
    for name in ("captions.srt", "captions.vtt"):
        cues = pysubs2.SSAFile.from_string(texts[name])
        assert " ".join(cue.plaintext.replace("\n", " ") for cue in cues) == expected
        assert cues[0].start == 500


def test_speakers_never_share_a_caption(room):
    room.join("two", BEGAN)
    room.update("two", TurnUpdated(0, 600, 900, words("Hello.", 600), ended=True), BEGAN + 3)
    text = CAPTION_FILES["captions.srt"][1](GrowingCues().update(room.lines))
    cues = pysubs2.SSAFile.from_string(text)
    assert "Hello." in [cue.plaintext for cue in cues]
    assert all(cue.start < cue.end for cue in cues)


def numbers_in(text):
    return [int(number) for number in re.findall(r"captions/(\d+)\.vtt", text)]


def test_the_playlist_grows_and_what_it_lists_is_there(room):
    at = BEGAN + 21
    listed = numbers_in(playlist(room, at))
    assert listed == [0, 1, 2]
    assert "ENDLIST" not in playlist(room, at)
    shown = [webvtt.from_buffer(io.StringIO(segment(room, number, at))) for number in listed]
    assert [caption.text for file in shown for caption in file] == [
        "Good morning, everybody.",
        "Let us begin.",
    ]
    assert segment(room, 3, at) is None
    assert segment(room, -1, at) is None


def test_a_segment_waits_for_the_turn_that_is_spoken(room):
    partial = TurnUpdated(3, 13_000, 14_000, (Word("and", 13_000, 13_200, 0.9),))
    room.update(room.session, partial, BEGAN + 30)
    assert numbers_in(playlist(room, BEGAN + 30)) == [0, 1]


def test_the_end_of_the_room_ends_the_playlist(room):
    room.leave(room.session, ended=True)
    text = playlist(room, BEGAN + 500)
    assert text.endswith("#EXT-X-ENDLIST\n")
    listed = numbers_in(text)
    assert listed == [0, 1, 2, 3]
    assert "This is the end." in segment(room, listed[-1], BEGAN + 500)


def test_segments_do_not_change_once_they_are_listed(room):
    before = [segment(room, number, BEGAN + 21) for number in range(2)]
    turn = TurnUpdated(3, 30_000, 32_000, words("More words.", 30_000), ended=True)
    room.update(room.session, turn, BEGAN + 33)
    assert [segment(room, number, BEGAN + 40) for number in range(2)] == before


def test_every_segment_is_as_long_as_the_playlist_says(room):
    assert f"#EXTINF:{SEGMENT_MS / 1000:.3f}," in playlist(room, BEGAN + 21)
