"""Parsing number words: every number that is spelled out is parsed back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from support.turns import words_of
from vivavoce.asr.text import numerals
from vivavoce.asr.text.formatting.numbers import parse_run
from vivavoce.asr.text.formatting.words import split_words


@given(st.integers(0, 10**15 - 1))
def test_a_cardinal_in_words_is_parsed_back(value):
    words = split_words(words_of(numerals.spell(value)))
    run = parse_run(words, 0)
    assert run.end == len(words)
    assert [number.value for number in run.numbers] == [value]


@given(st.integers(1, 10**12 - 1))
def test_an_ordinal_in_words_is_parsed_back(value):
    words = split_words(words_of(f"the {numerals.spell_ordinal(value)}"))
    run = parse_run(words, 1)
    if value in {100, *numerals.SCALES.values()}:
        return  # "one hundredth"
    assert [(number.kind, number.value) for number in run.numbers] == [("ordinal", value)]
