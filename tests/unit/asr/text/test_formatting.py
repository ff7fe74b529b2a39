"""What finished turns look like: golden files, and what holds for any words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from text_to_num import text2num

from support.turns import golden, text_of, words_of
from vivavoce.asr.text import numerals
from vivavoce.asr.text.formatting import format_turn, formatted_groups
from vivavoce.asr.text.formatting.numbers import read_run
from vivavoce.asr.text.formatting.pieces import tokens_of
from vivavoce.types import Word

GOLDEN = golden("formatting.tsv", 2)
UNCHANGED = [sentence for (sentence,) in golden("formatting_unchanged.txt", 1)]


def written(text):
    return text_of(format_turn(words_of(text)))


def test_the_golden_files_are_long_enough():
    assert len(GOLDEN) >= 300
    assert len(UNCHANGED) >= 200


@pytest.mark.parametrize(("spoken", "expected"), GOLDEN, ids=[spoken for spoken, _ in GOLDEN])
def test_golden(spoken, expected):
    assert written(spoken) == expected


@pytest.mark.parametrize("sentence", UNCHANGED)
def test_sentences_without_numbers_come_through_unchanged(sentence):
    assert format_turn(words_of(sentence)) == words_of(sentence)


@pytest.mark.parametrize("expected", [expected for _, expected in GOLDEN])
def test_what_is_written_is_not_written_again(expected):
    assert written(expected) == expected


def test_merged_words_span_what_they_were_made_of():
    said = (
        Word("Call", 0, 100, 1.0, is_final=True),
        Word("twenty", 200, 300, 0.8, is_final=True),
        Word("five.", 310, 450, 0.6, is_final=True),
    )
    call, number = format_turn(said)
    assert call is said[0]
    assert (number.text, number.start_ms, number.end_ms, number.is_final) == ("25.", 200, 450, True)
    assert number.confidence == pytest.approx(0.7)


def test_nothing_is_nothing():
    assert format_turn(()) == ()


VOCABULARY = [
    *numerals.ONES, *numerals.TEENS, *numerals.TENS, *numerals.SCALES, *numerals.ORDINALS,
    "hundred", "and", "point", "oh", "a", "dot", "at", "com", "slash", "minus", "dollars", "cents",
    "percent", "May", "march", "o'clock", "pm", "p", "m", "twenty-five", "the", "of", "room", "to",
    "in", "half", "double", "25", "1,000", "2.5", "degrees", "per", "hour", "miles", "kilometers",
    "eighties", "hundreds", "gmail", "John", "email", "www", "-", "https", "colon", "number", "card",
    "pounds", "sterling", "security", "seconds", "...", "é", "x²", "½",
]  # fmt: skip
SAID = st.lists(
    st.tuples(st.sampled_from(VOCABULARY), st.sampled_from(["", "", "", ",", ".", "?"])).map("".join),
    max_size=24,
)


@given(SAID)
def test_any_words_keep_their_order_and_their_times(texts):
    said = words_of(" ".join(texts))
    groups = formatted_groups(said)
    assert sum(n for _, n in groups) == len(said)
    at = 0
    for word, n in groups:
        assert word.text
        assert " " not in word.text or n > 1
        assert (word.start_ms, word.end_ms) == (said[at].start_ms, said[at + n - 1].end_ms)
        at += n


@given(SAID)
def test_words_around_numbers_are_left_alone(texts):
    said = words_of(" ".join(["hello", *texts, "world"]))
    told = format_turn(said)
    assert told[0] == said[0]
    assert told[-1] == said[-1]


@given(st.integers(0, 10**15 - 1))
def test_a_number_that_is_spelled_out_is_read_again(value):
    tokens = tokens_of(words_of(numerals.spell(value)))
    run = read_run(tokens, 0)
    assert run.end == len(tokens)
    assert [number.value for number in run.numbers] == [value]


@given(st.integers(1, 10**12 - 1))
def test_an_ordinal_that_is_spelled_out_is_read_again(value):
    tokens = tokens_of(words_of(f"the {numerals.spell_ordinal(value)}"))
    run = read_run(tokens, 1)
    if value in {100, *numerals.SCALES.values()}:
        return  # "one hundredth"
    assert [(number.kind, number.value) for number in run.numbers] == [("ordinal", value)]


@given(st.integers(1, 10**12 - 1))
def test_cardinals_agree_with_an_independent_reader(value):
    assert text2num(numerals.spell(value), "en") == value


def test_numbers_that_cannot_be_spelled_are_refused():
    for value in (-1, 10**15):
        with pytest.raises(ValueError, match=str(value)):
            numerals.spell(value)
