"""The plain form of words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.asr.text import plain_word


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Hello,", "hello"),
        ('"Well-known,"', "well-known"),
        ("don't", "don't"),
        ("(3.5)", "3.5"),
        ("$5.50.", "$5.50"),
        ("50%", "50%"),
        ("A@B.org;", "a@b.org"),
        ("-", ""),
        ("...", ""),
        ("C++", "c++"),
    ],
)
def test_only_punctuation_around_a_word_is_removed(text, plain):
    assert plain_word(text) == plain


@given(st.text())
def test_the_plain_form_of_a_plain_word_is_the_word_itself(text):
    assert plain_word(plain_word(text)) == plain_word(text)
