"""Recorded messages compared: finals apart from everything else."""

import json

import msgspec
import numpy as np
import pytest
import soundfile
from benchmarks import compare_finals
from benchmarks.compare_finals import Recorded, compare, is_final, main, read
from benchmarks.in_process import Recognition, wire_messages

from support.scripted_engine import ScriptedDetector, ScriptedRecogniser, silence, speech

PCM = (np.concatenate([silence(20), speech(0, 1), silence(20)]) * 32_767).astype(np.int16)


def recorded(clip_id, *messages):
    return Recorded(clip_id, [{"transcript": text, "end_of_turn": ended} for text, ended in messages])


def by_id(*items):
    return {item.id: item for item in items}


def test_finals_are_compared_apart_from_other_messages():
    before = by_id(
        recorded("same", ("a", False), ("A.", True)),
        recorded("partial", ("a", False), ("A.", True)),
        recorded("final", ("a", False), ("A.", True)),
        recorded("missing", ("A.", True)),
        recorded("gone", ("A.", True)),
    )
    after = by_id(
        recorded("same", ("a", False), ("A.", True)),
        recorded("partial", ("a", False), ("a b", False), ("A.", True)),
        recorded("final", ("a", False), ("B.", True)),
        recorded("missing", ("A", False)),
        recorded("new", ("A.", True)),
    )
    assert compare(before, after) == (["final", "missing"], ["partial"])


def test_ids_of_sessions_may_differ():
    one, other = ([{"type": "Begin", "id": each}, {"session_id": each}] for each in "ab")
    assert compare(by_id(Recorded("a", one)), by_id(Recorded("a", other))) == ([], [])


def test_finals_of_both_protocols():
    assert is_final({"message_type": "FinalTranscript"})
    assert is_final({"type": "Turn", "end_of_turn": True})
    assert not is_final({"message_type": "PartialTranscript"})
    assert not is_final({"type": "Turn", "end_of_turn": False})
    assert not is_final({"type": "Begin"})


@pytest.mark.parametrize("protocol", ["v2", "v3"])
def test_the_same_recording_gives_the_same_messages(protocol):
    first, second = (
        list(wire_messages(PCM, 16_000, protocol, Recognition(ScriptedRecogniser(), ScriptedDetector())))
        for _ in range(2)
    )
    assert first == second
    messages = [json.loads(text) for _, text in first]
    (final,) = filter(is_final, messages)
    assert (final.get("text") or final["transcript"]) == "Alpha bravo."
    assert len(messages) > 3
    assert [now_s for now_s, _ in first] == sorted(now_s for now_s, _ in first)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    entries = []
    for name in "abcd":
        soundfile.write(tmp_path / f"{name}.flac", PCM, 16_000)
        entries.append({
            "id": name, "audio": f"{name}.flac", "text": "alpha bravo", "kind": "read",
            "duration_s": len(PCM) / 16_000, "sample_rate": 16_000,
        })  # fmt: skip
    (tmp_path / "manifest.jsonl").write_text("\n".join(map(json.dumps, entries)))
    monkeypatch.setattr(compare_finals, "load_recogniser", lambda **_: ScriptedRecogniser())
    monkeypatch.setattr(compare_finals, "load_detector", ScriptedDetector)
    return tmp_path


def test_recording_and_comparing(folder, capsys):
    before, after = folder / "before.jsonl", folder / "after.jsonl"
    assert main(["record", str(before), "--folder", str(folder), "--protocol", "v2"]) == 0
    assert main(["record", str(after), "--folder", str(folder), "--protocol", "v2", "--every", "2"]) == 0
    assert list(read(before)) == ["a", "b", "c", "d"]
    assert main(["compare", str(before), str(after)]) == 0
    said = capsys.readouterr().out
    assert f"not in {after}: 2 recordings" in said
    assert "2 recordings compared: 2 identical" in said
    changed = read(after)
    final = next(filter(is_final, changed["c"].messages))
    final["text"] = "Alpha."
    after.write_bytes(b"\n".join(map(msgspec.json.encode, changed.values())))
    assert main(["compare", str(before), str(after)]) == 1
    assert "finals differ: c\n" in capsys.readouterr().out


def test_what_is_not_a_recording_of_messages_is_one_line(tmp_path, capsys):
    good, bad = tmp_path / "good.jsonl", tmp_path / "bad.jsonl"
    good.write_text('{"id": "a", "messages": []}\n')
    bad.write_text('{"id": "a", "messages": []}\n{"id": 3}\n')
    assert main(["compare", str(good), str(bad)]) == 2
    assert "bad.jsonl, line 2" in capsys.readouterr().err
    assert main(["compare", str(good), str(tmp_path / "none.jsonl")]) == 1
    assert "none.jsonl: No such file" in capsys.readouterr().err


def test_nothing_to_compare_is_a_failure(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text(f'{{"id": "{name}", "messages": []}}\n')
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b")]) == 1
