"""The file of transcripts."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pysubs2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.errors import ConfigurationError
from vivavoce.store import LineKey, Store, StoredLine, StoredRoom, StoredSession, VoiceKey
from vivavoce.store.export import EXPORTS
from vivavoce.store.migrations import TRANSCRIPT_MIGRATIONS
from vivavoce.types import Word

BEGAN = 1_000.0


def line(text, session="s1", turn=0, at=BEGAN + 5):
    words = tuple(
        Word(word, 300 * place, 300 * place + 250, 0.875, is_final=True)
        for place, word in enumerate(text.split())
    )
    return StoredLine(LineKey(session, 0, turn), at, words)


def session(name="s1", **more):
    return StoredSession(name, BEGAN, **more)


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "folder" / "transcripts.db") as store:
        yield store


def test_what_is_kept_comes_back(store):
    store.begin(session(room="hall", title="A talk", owner="ab"))
    store.add(line("Good morning."))
    store.add(line("Let us begin.", turn=1))
    store.end("s1", BEGAN + 60)
    assert store.sessions() == [
        StoredSession("s1", BEGAN, "hall", "A talk", "ab", ended_unix=BEGAN + 60, n_lines=2)
    ]
    assert store.lines("s1") == [line("Good morning."), line("Let us begin.", turn=1)]
    assert store.session("s2") is None
    assert store.lines("s2") == []


def test_sessions_are_listed_newest_first_and_by_room(store):
    for number in range(5):
        store.begin(StoredSession(f"s{number}", BEGAN + number, "even" if number % 2 == 0 else None))
    assert [it.id for it in store.sessions(limit=2)] == ["s4", "s3"]
    assert [it.id for it in store.sessions(room="even")] == ["s4", "s2", "s0"]
    assert [it.id for it in store.sessions(before_unix=BEGAN + 2)] == ["s1", "s0"]


def test_a_session_in_which_nothing_was_said_is_not_kept(store):
    store.begin(session())
    store.end("s1", BEGAN + 1)
    assert store.sessions() == []


def test_a_correction_keeps_the_time_and_can_be_found(store):
    store.begin(session())
    store.add(line("Recognise speech today."))
    assert store.correct(LineKey("s1", 0, 0), " Wreck a nice beach. ")
    [corrected] = store.lines("s1")
    assert (corrected.text, corrected.is_corrected) == ("Wreck a nice beach.", True)
    assert (corrected.words[0].start_ms, corrected.words[-1].end_ms) == (0, 850)
    assert [hit.line for hit in store.search("beach")] == [corrected]
    assert store.search("recognise") == []
    assert not store.correct(LineKey("s1", 0, 9), "No such turn.")
    assert not store.correct(LineKey("s1", 0, 0), "  ")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("morning", [0]), ("MORN", [0]), ("good everybody", [0]), ("cafe", [1]), ("every", [1, 0]),
        ("nothing", []), ("", []), ('"', []), ("AND OR (", []), ("good* -x", []), ("'; DROP TABLE lines", []),
    ],
)  # fmt: skip
def test_search(store, query, found):
    store.begin(session())
    store.add(line("Good morning, everybody.", turn=0, at=BEGAN + 1))
    store.add(line("Every café is open.", turn=1, at=BEGAN + 2))
    assert [hit.line.key.turn for hit in store.search(query)] == found


@given(st.text(max_size=30))
def test_no_text_breaks_the_search(tmp_path_factory, text):
    with Store(tmp_path_factory.mktemp("store") / "t.db") as store:
        store.search(text)


def test_deleting_leaves_nothing_in_the_files(store, tmp_path):
    store.begin(session())
    store.begin(StoredSession("s2", BEGAN + 10))
    store.add(line("A sensitive unicorn."))
    store.add(line("Stays.", session="s2"))
    assert store.delete("s1")
    assert not store.delete("s1")
    assert [it.id for it in store.sessions()] == ["s2"]
    assert store.search("unicorn") == []
    for file in (tmp_path / "folder").iterdir():
        assert b"unicorn" not in file.read_bytes()


def test_what_is_too_old_is_deleted(store):
    for number in range(3):
        store.begin(StoredSession(f"s{number}", BEGAN + number, "hall"))
    store.keep_room(StoredRoom("hall", BEGAN))
    assert store.delete_before(BEGAN + 2) == 2
    assert [it.id for it in store.sessions()] == ["s2"]
    assert store.rooms_since(0) == []


def test_a_room_opens_again_with_its_lines(store):
    room = StoredRoom("hall", BEGAN, b"digest", "A talk")
    store.keep_room(room)
    store.begin(StoredSession("old", BEGAN - 100, "hall"))
    store.begin(session(room="hall"))
    store.begin(StoredSession("s2", BEGAN + 60, "hall"))
    store.add(line("Long ago.", session="old"))
    store.add(line("One.", turn=0))
    store.add(line("Two.", session="s2", at=BEGAN + 61))
    assert store.rooms_since(BEGAN + 60) == [room]
    assert store.rooms_since(BEGAN + 100) == []
    assert [(it.id, line.text) for it, line in store.lines_of_room(room)] == [("s1", "One."), ("s2", "Two.")]


def test_every_export_holds_the_words(store):
    store.begin(session())
    store.add(line("Good morning, everybody."))
    [kept] = store.sessions()
    texts = {suffix: export.write(kept, store.lines("s1"), {}) for suffix, export in EXPORTS.items()}
    assert texts["txt"] == "Good morning, everybody.\n"
    for suffix in ("srt", "vtt"):
        [cue] = pysubs2.SSAFile.from_string(texts[suffix])
        assert cue.plaintext == "Good morning, everybody."
    assert '"text": "Good morning, everybody."' in texts["json"]


def test_channels_never_share_a_caption(store):
    store.begin(session())
    store.add(StoredLine(LineKey("s1", 0, 0), BEGAN + 5, line("Are you there?").words))
    store.add(StoredLine(LineKey("s1", 1, 0), BEGAN + 6, line("Yes.").words))
    [kept] = store.sessions()
    cues = pysubs2.SSAFile.from_string(EXPORTS["srt"].write(kept, store.lines("s1"), {}))
    assert [cue.plaintext for cue in cues] == ["Are you there?", "Yes."]


# --- speakers ---------------------------------------------------------------------------------


def dialogue(*pairs, turn=0, channel=0):
    """A turn of the session s1, each word with its speaker."""
    words = tuple(
        Word(text, 300 * place, 300 * place + 250, 0.875, True, speaker, 0.75)
        for place, (speaker, text) in enumerate(pairs)
    )
    return StoredLine(LineKey("s1", channel, turn), BEGAN + 5, words)


ASKED = dialogue(("A", "Ready?"), ("B", "Yes,"), ("B", "go."))


def exported(store, suffix):
    return EXPORTS[suffix].write(store.session("s1"), store.lines("s1"), store.voice_names("s1"))


def test_speakers_come_back(store):
    store.begin(session())
    store.add(ASKED)
    assert store.lines("s1") == [ASKED]


def test_names_are_kept_changed_and_removed_and_go_with_their_session(store):
    store.begin(session())
    store.begin(StoredSession("s2", BEGAN))
    one, two = VoiceKey("s1", 0, "A"), VoiceKey("s2", 1, "A")
    store.name_voices({one: "Anna", two: "Ben"})
    store.name_voices({two: "Bert", VoiceKey("deleted", 0, "A"): "Nobody"})
    assert store.voice_names("s1", "s2", "deleted") == {one: "Anna", two: "Bert"}
    store.name_voices({one: ""})
    assert store.voice_names("s1") == {}
    store.delete("s2")
    assert store.voice_names("s2") == {}


def test_a_revision_changes_speakers_but_not_those_that_a_person_has_set(store):
    store.begin(session())
    store.add(ASKED)
    store.revise(ASKED.key, dialogue(("A", "Ready?"), ("A", "Yes,"), ("B", "go.")).words)
    assert [word.speaker for word in store.lines("s1")[0].words] == ["A", "A", "B"]
    assert store.assign(ASKED.key, "C", 0)
    store.revise(ASKED.key, ASKED.words)
    assert [word.speaker for word in store.lines("s1")[0].words] == ["C", "C", "B"]
    assert not store.assign(ASKED.key, "C", 2)
    store.revise(LineKey("s1", 0, 9), ASKED.words)


def test_a_part_is_corrected_and_can_be_found(store):
    store.begin(session())
    store.add(ASKED)
    assert store.correct(ASKED.key, "Certainly, go on.", 1)
    assert not store.correct(ASKED.key, "Nothing.", 2)
    [hit] = store.search("certainly")
    assert hit.line.text == "Ready? Certainly, go on."
    assert [word.speaker for word in hit.line.words] == ["A", "B", "B", "B"]


def test_exports_say_who_speaks(store):
    store.begin(session())
    store.add(ASKED)
    store.add(dialogue(("PENDING", "Hm."), turn=1))
    store.add(dialogue(("A", "Hello."), channel=1))
    store.name_voices({VoiceKey("s1", 0, "A"): "Anna"})
    assert exported(store, "txt") == "Anna: Ready?\nB: Yes, go.\n?: Hm.\nA: Hello.\n"
    for suffix in ("srt", "vtt"):
        cues = pysubs2.SSAFile.from_string(exported(store, suffix))
        rows = [row for cue in cues for row in cue.plaintext.split("\n")]
        assert {"Anna: Ready?", "B: Yes, go.", "Hm.", "A: Hello."} <= set(rows)
    first, second, third = json.loads(exported(store, "json"))["lines"]
    assert first["parts"] == [
        {"speaker": "A", "name": "Anna", "text": "Ready?"},
        {"speaker": "B", "name": "B", "text": "Yes, go."},
    ]
    assert second["parts"] == [{"speaker": "PENDING", "name": None, "text": "Hm."}]
    assert third["parts"] == [{"speaker": "A", "name": "A", "text": "Hello."}]
    assert (first["words"][0]["speaker"], first["words"][0]["speaker_confidence"]) == ("A", 0.75)


def test_a_file_of_an_earlier_version_gets_speakers(tmp_path):
    path = tmp_path / "t.db"
    with sqlite3.connect(path) as old:
        old.executescript(f"{TRANSCRIPT_MIGRATIONS[0]} PRAGMA user_version = 1;")
        old.execute("INSERT INTO sessions VALUES ('s1', 1000.0, 'hall', 'A talk', '', 1060.0)")
        old.execute(
            "INSERT INTO lines (session_id, channel, turn, at_unix, text, words) VALUES (?, ?, ?, ?, ?, ?)",
            ("s1", 0, 0, BEGAN + 5, "Good morning.", '[["Good",0,250,0.875],["morning.",300,550,0.875]]'),
        )
    old.close()
    with Store(path) as store:
        assert store.lines("s1") == [line("Good morning.")]
        assert [hit.session.title for hit in store.search("morning")] == ["A talk"]
        assert exported(store, "txt") == "Good morning.\n"
        assert "parts" not in json.loads(exported(store, "json"))["lines"][0]
        store.add(dialogue(("A", "New."), turn=1))
        assert store.assign(LineKey("s1", 0, 0), "A")
        store.name_voices({VoiceKey("s1", 0, "A"): "Anna"})
        assert exported(store, "txt") == "Anna: Good morning.\nAnna: New.\n"
        assert store.delete("s1")


def test_several_may_read_while_one_writes(store, tmp_path):
    store.begin(session())
    store.add(line("Good morning."))
    with Store(tmp_path / "folder" / "transcripts.db", create=False) as reader:
        store.add(line("Let us begin.", turn=1))
        assert len(reader.lines("s1")) == 2


def test_a_killed_process_loses_nothing_that_was_kept(tmp_path):
    path = tmp_path / "t.db"
    program = textwrap.dedent("""
        import sys, time
        from pathlib import Path
        sys.path.insert(0, sys.argv[2])
        from unit.store.test_database import line, session
        from vivavoce.store import Store
        store = Store(Path(sys.argv[1]))
        store.begin(session())
        for turn in range(100):
            store.add(line(f"Line {turn}.", turn=turn))
        print("kept", flush=True)
        time.sleep(600)
    """)
    tests = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", program, str(path), tests]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "kept\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    with Store(path) as store:
        assert len(store.lines("s1")) == 100


# --- files that can't be used -----------------------------------------------------------------


def test_a_file_that_is_not_there_is_not_made_by_reading(tmp_path):
    with pytest.raises(ConfigurationError, match="there is no file of transcripts"):
        Store(tmp_path / "t.db", create=False)
    assert not (tmp_path / "t.db").exists()


def test_a_file_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "t.db"
    path.write_text("Something else entirely. " * 100)
    with pytest.raises(ConfigurationError, match="transcripts can't be kept there: file is not a database"):
        Store(path)


def test_a_folder_that_can_not_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"file/t\.db: transcripts can't be kept there"):
        Store(tmp_path / "file" / "t.db")


def test_a_file_of_a_later_version_is_refused(tmp_path):
    path = tmp_path / "t.db"
    Store(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ConfigurationError, match="a later version of Vivavoce"):
        Store(path)
