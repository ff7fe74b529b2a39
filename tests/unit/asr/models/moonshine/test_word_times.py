"""Word times from attention."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vivavoce.asr.models.moonshine.word_times import FRAME_S, word_times
from vivavoce.asr.models.vocabulary import WordTokens


def words_of(*sizes):
    firsts = [sum(sizes[:index]) for index in range(len(sizes))]
    return [WordTokens("w", first, n) for first, n in zip(firsts, sizes, strict=True)]


def attention(peaks, frames, *, width=1):
    rows = np.full((len(peaks), frames), 1e-4, np.float32)
    for row, peak in enumerate(peaks):
        rows[row, max(0, peak - width) : peak + width + 1] = 1.0
    return rows / rows.sum(axis=1, keepdims=True)


def test_words_start_where_the_first_head_attends():
    starts = attention([10, 20, 30, 44], 50)
    ends = attention([0, 17, 27, 41], 50)
    times = word_times(np.stack([starts, ends]), words_of(1, 1, 1))
    assert [round(start / FRAME_S) for start, _ in times] == [9, 19, 29]
    assert [round(end / FRAME_S) for _, end in times][:2] == [18, 28]


def test_more_tokens_than_frames_are_spread_evenly():
    times = word_times(np.full((2, 9, 4), 0.25, np.float32), words_of(3, 3, 2))
    assert times[0][0] == 0.0
    assert times[-1][1] == pytest.approx(4 * FRAME_S)


@settings(deadline=None)
@given(st.lists(st.integers(1, 4), max_size=12), st.integers(1, 80), st.booleans(), st.integers(0, 9))
def test_word_times_are_in_order_whatever_the_attention(sizes, frames, has_end, seed):
    rows = sum(sizes) + has_end
    weights = np.random.default_rng(seed).dirichlet(np.full(frames, 0.2), (2, rows)).astype(np.float32)
    times = word_times(weights.reshape(2, rows, frames), words_of(*sizes))
    assert len(times) == len(sizes)
    at = 0.0
    for start, end in times:
        assert at <= start <= end <= frames * FRAME_S + 1e-3
        at = end
