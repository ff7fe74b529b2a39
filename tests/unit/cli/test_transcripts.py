"""``vivavoce transcripts``."""

from __future__ import annotations

import json

import pytest

from vivavoce.cli.app import run
from vivavoce.store import LineKey, Store, StoredLine, StoredSession, VoiceKey
from vivavoce.types import Word


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "t.db"
    with Store(path) as store:
        for number, text in enumerate(["Good morning, everybody.", "Let us begin."]):
            session = f"{number}{number}a-session"
            store.begin(StoredSession(session, 1_000.0 + number, "hall" if number else None, "A talk"))
            words = tuple(Word(it, 0, 500, 0.9, is_final=True) for it in text.split())
            store.add(StoredLine(LineKey(session, 0, 0), 1_005.0 + number, words))
    monkeypatch.setenv("VIVAVOCE_STORE", str(path))
    return path


def test_they_are_listed_newest_first(file, capsys):
    assert run(["transcripts", "list"]) == 0
    newest, oldest = capsys.readouterr().out.splitlines()
    assert newest.startswith("11a-sess")
    assert newest.endswith("1 turn  hall A talk")
    assert oldest.startswith("00a-sess")
    assert run(["transcripts", "list", "--room", "hall", "--limit", "5"]) == 0
    assert capsys.readouterr().out.splitlines() == [newest]
    assert run(["transcripts", "list", "--room", "other"]) == 0
    out, err = capsys.readouterr()
    assert (out, err) == ("", "There are no transcripts.\n")


def test_they_are_searched(file, capsys):
    assert run(["transcripts", "search", "good", "every"]) == 0
    assert capsys.readouterr().out.endswith("Good morning, everybody.\n")
    assert run(["transcripts", "search", "unicorn"]) == 0
    assert capsys.readouterr().err == "No turn contains these words.\n"


def test_one_is_exported(file, tmp_path, capsys):
    assert run(["transcripts", "export", "00"]) == 0
    assert capsys.readouterr().out == "Good morning, everybody.\n"
    assert run(["transcripts", "export", "11a-session", "-f", "vtt", "-o", str(tmp_path / "t.vtt")]) == 0
    assert (tmp_path / "t.vtt").read_text().startswith("WEBVTT")
    assert run(["transcripts", "export", "11", "-f", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["lines"][0]["text"] == "Let us begin."
    assert run(["transcripts", "export", "11", "-o", str(tmp_path / "no" / "folder.txt")]) == 2
    assert "can't be written: no such file or directory" in capsys.readouterr().err


def test_some_are_deleted_or_none(file, capsys):
    assert run(["transcripts", "delete", "00", "99"]) == 2
    assert "there is no transcript 99" in capsys.readouterr().err
    assert run(["transcripts", "delete", "00"]) == 0
    assert capsys.readouterr().err == "Deleted 00a-session.\n"
    assert run(["transcripts", "list"]) == 0
    assert "00a" not in capsys.readouterr().out


def test_an_id_must_be_clear(file, capsys):
    with Store(file) as store:
        store.begin(StoredSession("11b-session", 2_000.0))
    assert run(["transcripts", "export", "11"]) == 2
    assert "2 transcripts begin with 11" in capsys.readouterr().err


def test_the_file_must_be_named_and_be_there(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("VIVAVOCE_STORE", raising=False)
    assert run(["transcripts", "list"]) == 2
    assert "--store FILE (or VIVAVOCE_STORE)" in capsys.readouterr().err
    assert run(["transcripts", "list", "--store", str(tmp_path / "none.db")]) == 2
    assert "there is no file of transcripts" in capsys.readouterr().err


def test_a_search_and_an_export_say_who_speaks(file, capsys):
    words = [Word("Ready?", 0, 300, 0.9, True, "A"), Word("Yes.", 400, 600, 0.9, True, "B")]
    with Store(file) as store:
        store.add(StoredLine(LineKey("00a-session", 0, 1), 1_006.0, tuple(words)))
        store.name_voices({VoiceKey("00a-session", 0, "B"): "Ben"})
    assert run(["transcripts", "search", "ready"]) == 0
    assert capsys.readouterr().out.endswith("A: Ready?  Ben: Yes.\n")
    assert run(["transcripts", "export", "00"]) == 0
    assert capsys.readouterr().out == "Good morning, everybody.\nA: Ready?\nBen: Yes.\n"
