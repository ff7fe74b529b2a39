"""Damaged files of every container: no traceback, and no silence where a player plays."""

import numpy as np
import pytest

pytest.importorskip("av")

from benchmarks.damaged_files import CONTAINERS, DAMAGES, damaged_files, encode, main, outcome_of

from support.films import RATE

SEEDS = range(4)
FILES = len(CONTAINERS) * 3


@pytest.fixture(scope="module")
def recordings():
    """Voices of a kind: tones with overtones that begin and end."""
    dice = np.random.default_rng(7)
    time = np.arange(3 * RATE) / RATE
    voices = []
    for pitch in (110, 190):
        tone = sum(np.sin(2 * np.pi * pitch * n * time + dice.uniform(0, 6)) / n for n in range(1, 12))
        voices.append((tone * 3_000 * (np.sin(2 * np.pi * 1.3 * time) > -0.3)).astype(np.int16))
    return voices


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_whole_file_is_played_in_full(recordings, tmp_path, name):
    path = tmp_path / f"whole{CONTAINERS[name].suffix}"
    path.write_bytes(encode(recordings[0], CONTAINERS[name]))
    outcome = outcome_of(path)
    assert outcome.failure == ""
    assert outcome.warnings == []
    assert outcome.audible_s == pytest.approx(outcome.player_s, abs=0.1)
    assert outcome.audible_s > 1.5


@pytest.mark.parametrize("seed", SEEDS)
def test_damaged_files_are_played(recordings, tmp_path, seed):
    failures = []
    for number, (what, _, _, data) in enumerate(damaged_files(recordings, FILES, seed)):
        path = tmp_path / f"{number}{CONTAINERS[what.partition(',')[0]].suffix}"
        path.write_bytes(data)
        if failure := outcome_of(path).failure:
            failures.append(f"{path.name}, {what}: {failure}")
    assert failures == []


def test_the_damage_is_the_same_for_a_seed(recordings):
    names = ["wav", "au"]
    first = list(damaged_files(recordings, 2 * len(DAMAGES), 1, names))
    assert first == list(damaged_files(recordings, 2 * len(DAMAGES), 1, names))
    assert {what.partition(", ")[2] for what, *_ in first} == set(DAMAGES)


def test_less_than_a_player_plays_is_a_failure(recordings, tmp_path, monkeypatch):
    path = tmp_path / "a.mp3"
    path.write_bytes(encode(recordings[0], CONTAINERS["mp3"]))
    monkeypatch.setattr("vivavoce.recordings.decoding.TrackDecoder._decoded", lambda *_: [])
    assert "are audible" in outcome_of(path).failure
    monkeypatch.setattr("vivavoce.recordings.decoding.TrackDecoder._decoded", lambda *_: 1 / 0)
    assert outcome_of(path).failure == "ZeroDivisionError: division by zero"


def test_the_program_needs_recordings(tmp_path, capsys):
    assert main([str(tmp_path)]) != 0
    assert "manifest.jsonl" in capsys.readouterr().err
