"""Words from tokens that have a beginning only."""

import math

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.asr.models.onnx_asr.words import words_of


def words(*tokens, starts_s=None, log_probabilities=None, duration_s=10.0):
    return words_of(
        tokens,
        starts_s or [float(index) for index in range(len(tokens))],
        log_probabilities or [-0.1] * len(tokens),
        duration_s=duration_s,
    )


def texts(*tokens):
    return [word.text for word in words(*tokens)]


def test_a_space_begins_a_word():
    assert texts(" he", "llo", " wor", "ld", ".") == ["hello", "world."]
    assert texts("he", "llo") == ["hello"]


def test_a_space_may_be_a_token_by_itself():
    assert texts("h", "i", " ", "y", "o", "u", " ") == ["hi", "you"]
    assert texts(" ", "h", "i") == ["hi"]


def test_a_mark_stays_with_its_word():
    assert texts(" it", " 's", " 5", " %", " ,", " yes") == ["it's", "5%,", "yes"]
    assert texts(" .") == ["."]


def test_no_text_is_no_word():
    assert texts() == texts(" ") == texts(" ", " ") == []


def test_a_word_ends_with_its_last_token_or_where_the_next_begins():
    first, second, third = words(
        " one", "ly", " two", " three", starts_s=[0.0, 0.4, 0.48, 2.0], duration_s=2.1
    )
    assert (first.start_s, first.end_s) == (0.0, 0.48)
    assert (second.start_s, second.end_s) == (0.48, 0.64)
    assert (third.start_s, third.end_s) == (2.0, 2.1)


def test_a_word_is_as_sure_as_its_least_probable_token():
    [word] = words(" a", "b", log_probabilities=[-0.1, -2.0])
    assert word.confidence == math.exp(-2)
    [word] = words(" a", log_probabilities=[0.01])  # rounding of the library's sums
    assert word.confidence == 1


TOKENS = st.lists(
    st.tuples(st.sampled_from([" ", " a", "b", ".", " .", " '", "é"]), st.floats(0, 0.5), st.floats(-9, 0.1))
)


@given(TOKENS, st.floats(0.1, 5))
def test_tokens_are_kept_and_times_are_in_order(tokens, duration_s):
    starts, at = [], 0.0
    for _, step, _ in tokens:
        at += step
        starts.append(at)
    found = words_of(
        [token for token, _, _ in tokens], starts, [each for _, _, each in tokens], duration_s=duration_s
    )
    if found:
        assert sum(word.n_tokens for word in found) == len(tokens)
    else:
        assert not "".join(token for token, _, _ in tokens).strip()
    edges = [edge for word in found for edge in (word.start_s, word.end_s)]
    assert edges == sorted(edges)
    assert all(0 <= edge <= duration_s for edge in edges)
    assert all(word.text and " " not in word.text and 0 < word.confidence <= 1 for word in found)
