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


@pytest.mark.parametrize(("n_tokens", "known"), [(1, 12), (2, 16), (3, 17), (4, 18), (10, 18)])
def test_the_last_words_are_heard_again_after_two_known_ones(n_tokens, known):
    piece = without_cut_words(hypothesis(*STEADY, n_tokens=n_tokens), N_SAMPLES, 0)
    kept = known - 2
    assert [word.text for word in piece.hypothesis.words] == [str(index) for index in range(kept)]
    assert piece.hypothesis.tokens == tuple(range(kept * n_tokens))
    assert piece.prefix == tuple(range(kept * n_tokens, known * n_tokens))
    assert piece.n_samples == kept * 8_000


def test_a_last_word_that_is_found_too_late_loses_nothing():
    times = [*STEADY[:-2], (9.0, 17.0), (19.0, 19.5)]  # the rest of the audio belongs to neither
    piece = without_cut_words(hypothesis(*times, n_tokens=4), N_SAMPLES, 0)
    assert len(piece.hypothesis.words) == 16
    assert piece.n_samples == 8 * 16_000


@pytest.mark.parametrize(("word", "known"), [(16, 16), (10, 10), (9, 16)])
def test_the_longest_pause_of_three_seconds_is_a_better_place(word, known):
    times = [*STEADY]
    times[word - 1] = (times[word - 1][0], times[word - 1][1] - 0.2)
    piece = without_cut_words(hypothesis(*times), N_SAMPLES, 0)
    assert len(piece.hypothesis.words) == known - 2
    assert piece.prefix == tuple(range(2 * (known - 2), 2 * known))


@pytest.mark.parametrize(("n_prefix", "known"), [(0, 13), (26, 13), (27, 16), (32, 16)])
def test_words_of_the_prefix_stay(n_prefix, known):
    times = [*STEADY]
    times[12] = (6.0, 6.3)
    piece = without_cut_words(hypothesis(*times), N_SAMPLES, n_prefix)
    assert piece.hypothesis.tokens + piece.prefix == tuple(range(2 * known))


@pytest.mark.parametrize(
    ("found", "n_prefix"),
    [
        (hypothesis(*STEADY), 33),
        (hypothesis(*[(second / 10, second / 10 + 0.1) for second in range(30)]), 0),
        (hypothesis((0, 9)), 0),
        (hypothesis(*[(0, 0)] * 10, (9, 10), (10, 11), (11, 12)), 0),
        (Hypothesis(), 0),
    ],
    ids=["prefix", "faster than speech", "one word", "no times", "nothing"],
)
def test_without_a_place_to_continue_all_words_stay(found, n_prefix):
    piece = without_cut_words(found, N_SAMPLES, n_prefix)
    assert (piece.hypothesis, piece.n_samples, piece.prefix) == (found, N_SAMPLES, ())


def test_the_encoder_takes_thirty_seconds():
    samples = np.full(40 * 16_000, 0.1, np.float32)
    samples[26 * 16_000 : 27 * 16_000] = 0
    assert 26 * 16_000 < len(first_piece(samples)) < 27 * 16_000
    assert len(first_piece(samples[: 30 * 16_000])) == 30 * 16_000
    assert len(first_piece(samples[:0])) == 0
