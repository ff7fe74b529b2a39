"""Formatting of finished turns: golden files, and properties that hold for any words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.turns import golden, text_of, words_of
from vivavoce.asr.text import numerals
from vivavoce.asr.text.formatting import format_turn, formatted_words
from vivavoce.types import Word

GOLDEN = golden("formatting.tsv", 2)
UNCHANGED = [sentence for (sentence,) in golden("formatting_unchanged.txt", 1)]


def written(text):
    return text_of(format_turn(words_of(text)))


def test_the_golden_files_are_long_enough():
    assert len(GOLDEN) >= 800
    assert len(UNCHANGED) >= 400


@pytest.mark.parametrize(("spoken", "expected"), GOLDEN, ids=[spoken for spoken, _ in GOLDEN])
def test_golden(spoken, expected):
    assert written(spoken) == expected


@pytest.mark.parametrize("sentence", UNCHANGED)
def test_sentences_without_numbers_stay_unchanged(sentence):
    assert format_turn(words_of(sentence)) == words_of(sentence)


@pytest.mark.parametrize("expected", [expected for _, expected in GOLDEN])
def test_formatting_a_formatted_turn_changes_nothing(expected):
    assert written(expected) == expected


def test_a_merged_word_spans_the_words_it_stands_for():
    spoken = (
        Word("Call", 0, 100, 1.0, is_final=True),
        Word("twenty", 200, 300, 0.8, is_final=True),
        Word("five.", 310, 450, 0.6, is_final=True),
    )
    call, number = format_turn(spoken)
    assert call is spoken[0]
    assert (number.text, number.start_ms, number.end_ms, number.is_final) == ("25.", 200, 450, True)
    assert number.confidence == pytest.approx(0.7)


def test_a_turn_without_words_has_none():
    assert format_turn(()) == ()


VOCABULARY = [
    *numerals.ONES, *numerals.TEENS, *numerals.TENS, *numerals.SCALES, *numerals.ORDINALS,
    "hundred", "and", "point", "oh", "a", "dot", "at", "com", "slash", "minus", "dollars", "cents",
    "percent", "May", "march", "o'clock", "pm", "p", "m", "twenty-five", "the", "of", "room", "to",
    "in", "half", "double", "25", "1,000", "2.5", "degrees", "per", "hour", "miles", "kilometers",
    "eighties", "hundreds", "gmail", "John", "email", "www", "-", "https", "colon", "number", "card",
    "pounds", "sterling", "security", "seconds", "...", "é", "x²", "½",
]  # fmt: skip
SPOKEN = st.lists(
    st.tuples(st.sampled_from(VOCABULARY), st.sampled_from(["", "", "", ",", ".", "?"])).map("".join),
    max_size=24,
)


@given(SPOKEN)
def test_any_words_keep_their_order_and_their_times(texts):
    spoken = words_of(" ".join(texts))
    formatted = formatted_words(spoken)
    assert sum(n for _, n in formatted) == len(spoken)
    at = 0
    for word, n in formatted:
        assert word.text
        assert " " not in word.text or n > 1
        assert (word.start_ms, word.end_ms) == (spoken[at].start_ms, spoken[at + n - 1].end_ms)
        at += n


@given(SPOKEN)
def test_words_around_numbers_stay_unchanged(texts):
    spoken = words_of(" ".join(["hello", *texts, "world"]))
    formatted = format_turn(spoken)
    assert formatted[0] == spoken[0]
    assert formatted[-1] == spoken[-1]
