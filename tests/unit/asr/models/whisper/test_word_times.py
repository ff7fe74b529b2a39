"""Word times of Whisper."""

import numpy as np
import pytest

from vivavoce.asr.models.vocabulary import WordTokens
from vivavoce.asr.models.whisper.word_times import word_times

FRAME = 320


def test_a_word_has_the_frames_of_its_tokens():
    samples = np.ones(10 * FRAME, np.float32)
    words = [WordTokens("two", 0, 2), WordTokens("one", 2, 1)]
    assert word_times([0, 2, 5, 10], words, samples) == [(0, 0.1), (0.1, 0.2)]


def test_silence_beside_a_word_is_taken_from_it():
    samples = np.zeros(20 * FRAME, np.float32)
    samples[5 * FRAME : 8 * FRAME] = 0.5
    samples[12 * FRAME : 15 * FRAME] = 0.4
    words = [WordTokens("a", 0, 1), WordTokens("b", 1, 1)]
    assert word_times([0, 10, 20], words, samples) == [(0.1, 0.16), (0.24, pytest.approx(0.3))]


def test_a_word_in_silence_keeps_its_place():
    samples = np.zeros(6 * FRAME, np.float32)
    samples[:FRAME] = 0.5
    words = [WordTokens("a", 0, 1), WordTokens("b", 1, 1)]
    assert word_times([0, 2, 4], words, samples) == [(0, 0.02), (0.04, 0.08)]


def test_times_end_within_the_audio_and_never_before_they_start():
    words = [WordTokens("a", 0, 1), WordTokens("b", 1, 1)]
    for n in (0, 1, FRAME):
        for start_s, end_s in word_times([0, 1, 1], words, np.ones(n, np.float32)):
            assert 0 <= start_s <= end_s
