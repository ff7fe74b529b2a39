"""Limits against hallucinated text."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.asr.models.guards import cut_loop, max_tokens, zero_duration


def test_longer_spans_may_have_more_tokens():
    assert max_tokens(0) < max_tokens(1) < max_tokens(30)


def test_other_languages_than_english_may_have_more_tokens():
    assert max_tokens(10) == max_tokens(10, "en") == 69
    assert max_tokens(10, "ja") == 134


@pytest.mark.parametrize(
    ("tokens", "kept"),
    [
        ([1, 2, 3], None),
        ([7, 7, 7, 7], None),  # "no, no, no, no" may be real
        ([5, *[7] * 16], [5, 7]),
        ([5, *[7, 8] * 8], [5, 7, 8]),
        ([5, *[1, 2, 3, 4, 5] * 4], [5, 1, 2, 3, 4]),
        ([*range(20), *[1, 2, 3, 4, 5] * 3], None),
    ],
)
def test_a_loop_is_cut_to_one_turn(tokens, kept):
    n = cut_loop(tokens)
    assert (None if n is None else tokens[:n]) == kept


@given(st.lists(st.integers(0, 3), max_size=80))
def test_the_kept_tokens_are_fewer_and_at_least_one(tokens):
    n = cut_loop(tokens)
    if n is not None:
        assert 0 < n < len(tokens)


def test_zero_duration_words_are_found():
    spoken = [(0.0, 0.2), (0.2, 0.5), (0.5, 0.55)]
    invented = [(0.55, 0.6), (0.6, 0.64), (0.64, 0.7)]
    assert zero_duration(spoken) == [False] * 3
    assert zero_duration(spoken + invented) == [False, False, True, True, True, True]
    assert zero_duration([*spoken, *invented, (0.9, 1.2)])[-1] is False
    assert zero_duration(invented[:2]) == [False, False]  # two may be an error of their times
    assert zero_duration([]) == []


@given(st.lists(st.floats(0.081, 0.6), max_size=20))
def test_words_of_ordinary_length_are_not_zero_duration(lengths):
    ends = np.cumsum(lengths)
    assert not any(zero_duration([(end - length, end) for end, length in zip(ends, lengths, strict=True)]))
