"""Where a hypothesis that is not all is continued."""

import numpy as np
import pytest

from vivavoce.asr.models import Hypothesis, HypothesisWord
from vivavoce.asr.models.whisper.pieces import first_piece, without_cut_words

N_SAMPLES = 20 * 16_000


def hypothesis(*times, n_tokens=2):
    words = tuple(
        HypothesisWord(str(index), start_s, end_s, 0.9, n_tokens)
        for index, (start_s, end_s) in enumerate(times)
    )
    return Hypothesis(tuple(range(n_tokens * len(words))), words, 0.5)


STEADY = [(second / 2, second / 2 + 0.5) for second in range(20)]


def test_the_last_word_is_heard_again():
    piece = without_cut_words(hypothesis(*STEADY), N_SAMPLES, 0)
    assert [word.text for word in piece.hypothesis.words] == [str(index) for index in range(19)]
    assert piece.hypothesis.tokens == tuple(range(38))
    assert (piece.n_samples, piece.n_prefix) == (round(9.5 * 16_000), 0)


@pytest.mark.parametrize(("word", "kept", "at_s"), [(16, 16, 7.9), (13, 13, 6.4), (12, 19, 9.5)])
def test_the_longest_pause_of_three_seconds_is_a_better_place(word, kept, at_s):
    times = [*STEADY]
    times[word - 1] = (times[word - 1][0], times[word - 1][1] - 0.2)
    piece = without_cut_words(hypothesis(*times), N_SAMPLES, 0)
    assert len(piece.hypothesis.words) == kept
    assert piece.n_samples == pytest.approx(at_s * 16_000, abs=1)


@pytest.mark.parametrize(("n_prefix", "kept"), [(0, 16), (32, 16), (33, 19), (38, 19)])
def test_words_of_the_prefix_stay(n_prefix, kept):
    times = [*STEADY]
    times[15] = (7.5, 7.8)
    piece = without_cut_words(hypothesis(*times), N_SAMPLES, n_prefix)
    assert (len(piece.hypothesis.words), piece.n_prefix) == (kept, n_prefix)


@pytest.mark.parametrize(
    ("found", "n_prefix"),
    [
        (hypothesis(*STEADY), 39),
        (hypothesis(*[(second / 10, second / 10 + 0.1) for second in range(40)]), 0),
        (hypothesis((0, 9)), 0),
        (Hypothesis(), 0),
    ],
    ids=["prefix", "faster than speech", "one word", "nothing"],
)
def test_without_a_place_to_continue_all_words_stay(found, n_prefix):
    piece = without_cut_words(found, N_SAMPLES, n_prefix)
    assert (piece.hypothesis, piece.n_samples, piece.n_prefix) == (found, N_SAMPLES, n_prefix)


def test_the_encoder_takes_thirty_seconds():
    samples = np.full(40 * 16_000, 0.1, np.float32)
    samples[26 * 16_000 : 27 * 16_000] = 0
    assert 26 * 16_000 < len(first_piece(samples)) < 27 * 16_000
    assert len(first_piece(samples[: 30 * 16_000])) == 30 * 16_000
    assert len(first_piece(samples[:0])) == 0
