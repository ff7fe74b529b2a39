"""The plain form of words."""

import pytest

from vivavoce.asr.text import plain_word


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ('"Well-known,"', "well-known"),
        ("Don't!", "don't"),
        ("(3.5)", "3.5"),
        ("$5.", "$5"),
        ("A@B.org;", "a@b.org"),
        ("...", ""),
    ],
)
def test_only_punctuation_around_a_word_is_removed(text, plain):
    assert plain_word(text) == plain
