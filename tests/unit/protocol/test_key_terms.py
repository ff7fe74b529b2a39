"""Which expected terms the model can write."""

import pytest

from vivavoce.protocol.key_terms import sort_terms


@pytest.mark.parametrize(
    ("term", "tidy"),
    [
        ("Vivavoce", "Vivavoce"),
        ("  New   York ", "New York"),
        ("Moe\u2019s", "Moe's"),
        ("C++", "C++"),
        ("Lu\u0308beck", "Lübeck"),
        ("Łódź", "Łódź"),
        ("4711", "4711"),
    ],
)
def test_terms_of_latin_letters_and_ascii_can_be_written(term, tidy):
    assert sort_terms([term, tidy]) == ((tidy,), ())


@pytest.mark.parametrize("term", ["", " ", "?!", "Привет", "日本語", "😀", "ok \U0001f600", "a\x00b", "ʘ"])
def test_empty_terms_and_other_scripts_cannot_be_written(term):
    assert sort_terms(["fine", term]) == (("fine",), (term,))
