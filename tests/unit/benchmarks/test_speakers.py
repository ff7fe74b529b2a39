"""Drawn conversations, and how their labels are counted."""

import itertools

import numpy as np
import pytest
from benchmarks.speakers import conversation, lone_voices_split, right_turns, score, through_telephone


def embeddings(n, seed, width=32):
    generator = np.random.default_rng(seed)
    found = np.eye(width)[seed] + generator.normal(0, 0.08, (n, width))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


VOICES = {f"speaker {seed}": [embeddings(9, seed), embeddings(12, seed)] for seed in range(5)}


@pytest.mark.parametrize(
    ("speakers", "labels", "right"),
    [
        ([0, 1, 0, 1], [7, 3, 7, 3], 4),
        ([0, 1, 0, 1], [0, 0, 0, 0], 2),
        ([0, 0, 0, 0], [0, 1, 2, 2], 2),
        ([0, 0, 1, 1, 1], [0, 1, 1, 1, 1], 4),
        ([], [], 0),
    ],
)
def test_labels_count_under_the_best_assignment(speakers, labels, right):
    assert right_turns(speakers, labels) == right


def test_speakers_take_turns():
    turns = conversation(VOICES, 3, 40, np.random.default_rng(0))
    speakers = [who for who, _ in turns]
    assert set(speakers) == {0, 1, 2}
    assert all(one != other for one, other in itertools.pairwise(speakers))
    assert all(1 <= len(windows) <= 6 for _, windows in turns)


def test_voices_that_are_far_apart_are_all_found():
    found = score(VOICES, 3, 10)
    assert (found.shown, found.revised, found.counted) == (1, 1, 1)
    assert score(VOICES, 3, 5, max_voices=1).counted == 0
    assert lone_voices_split(VOICES, 2) == (0, 10)


def test_a_telephone_keeps_the_speech_and_its_level():
    pytest.importorskip("soxr")
    tone = (0.3 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)).astype(np.float32)
    heard = through_telephone(tone)
    assert abs(len(heard) - len(tone)) <= 2
    assert np.sqrt(np.mean(heard[1_000:-1_000] ** 2)) == pytest.approx(0.212, rel=0.05)
    assert not np.array_equal(heard[: len(tone)], tone[: len(heard)])
