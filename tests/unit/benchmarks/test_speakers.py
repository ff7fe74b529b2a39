"""Drawn conversations, and how their labels are counted."""

import itertools

import numpy as np
import pytest
from benchmarks.speakers import (
    Said,
    conversation,
    lone_voices_split,
    names_given,
    right_labels,
    score,
    through_telephone,
)

from support.fake_embedder import FakeEmbedder, FakeSegmenter
from support.scripted_engine import speech
from vivavoce.asr.engine import VoiceModels

WORD = len(speech(0))
MODELS = VoiceModels(FakeEmbedder(), FakeSegmenter())


def recording(word, n):
    return Said(speech(*[word] * n), tuple((at * WORD, at * WORD + WORD * 7 // 10) for at in range(n)))


VOICES = {"one": [recording(0, 40), recording(2, 60)], "other": [recording(1, 80), recording(3, 30)]}


@pytest.mark.parametrize(
    ("speakers", "labels", "right"),
    [
        ([0, 1, 0, 1], [7, 3, 7, 3], 4),
        ([0, 1, 0, 1], [0, 0, 0, 0], 2),
        ([0, 0, 0, 0], [0, 1, 2, 2], 2),
        ([0, 0, 1, 1, 1], [0, 1, 1, 1, 1], 4),
        ([0, 1, 0, 1], [7, None, 7, 3], 3),
        ([0, 0], [None, None], 0),
        ([], [], 0),
    ],
)
def test_labels_count_under_the_best_assignment(speakers, labels, right):
    assert sum(right_labels(speakers, labels)) == right


def test_speakers_take_turns():
    turns = conversation(VOICES, 2, 40, np.random.default_rng(0))
    speakers = [who for who, _ in turns]
    assert set(speakers) == {0, 1}
    assert all(one != other for one, other in itertools.pairwise(speakers))
    assert all(1.6 <= len(said.samples) / 16_000 <= 6 for _, said in turns)
    assert all(0 <= first < last <= len(said.samples) for _, said in turns for first, last in said.words)


@pytest.mark.parametrize("by_word", [False, True])
def test_voices_that_are_far_apart_are_all_found(by_word):
    found = score(MODELS, VOICES, 2, 4, by_word=by_word)
    least = 0.95 if by_word else 1.0  # a word may lie across the frame in which the speaker changes
    assert np.mean(found.shown) >= least
    assert np.mean(found.revised) >= least
    assert found.counted == [True] * 4
    assert found.speech_s > 4 * 16 * 1.6


def test_a_lone_voice_is_not_split():
    assert lone_voices_split(MODELS, {"one": [recording(0, 60)]}, 1) == (0, 0, 1)
    assert lone_voices_split(MODELS, {"one": [recording(0, 60), recording(1, 60)]}, 1) == (1, 1, 1)
    assert lone_voices_split(MODELS, {"short": [recording(0, 10)]}, 1) == (0, 0, 0)


def test_a_telephone_keeps_the_speech_and_its_level():
    pytest.importorskip("soxr")
    tone = (0.3 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)).astype(np.float32)
    heard = through_telephone(tone)
    assert abs(len(heard) - len(tone)) <= 2
    assert np.sqrt(np.mean(heard[1_000:-1_000] ** 2)) == pytest.approx(0.212, rel=0.05)
    assert not np.array_equal(heard[: len(tone)], tone[: len(heard)])


def test_names_are_counted_of_known_voices_and_of_strangers():
    for scores in names_given(MODELS, VOICES, 2, 2).values():
        assert len(scores.known) == len(scores.strangers) == 2 * 16
        assert all(scores.known)
        assert not any(scores.strangers)
