"""The spoken form of words."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from support.turns import text_of, words_of
from vivavoce.asr.text.spoken_form import split_at_spaces, spoken_form, to_spoken_form
from vivavoce.types import Word


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Hello,", "hello"),
        ("25", "twenty five"),
        ("1,000", "one thousand"),
        ("1984.", "nineteen eighty four"),
        ("1905", "nineteen oh five"),
        ("1900", "nineteen hundred"),
        ("2000", "two thousand"),
        ("2006", "two thousand six"),
        ("2026", "twenty twenty six"),
        ("$5", "five dollars"),
        ("$1", "one dollar"),
        ("$5.50,", "five dollars and fifty cents"),
        ("£10.05", "ten pounds and five pence"),
        ("$2.5", "two point five dollars"),
        ("5%", "five percent"),
        ("2.5%", "two point five percent"),
        ("7:30", "seven thirty"),
        ("7:05", "seven oh five"),
        ("10:00", "ten o'clock"),
        ("21st", "twenty first"),
        ("30th", "thirtieth"),
        ("1980s", "nineteen eighties"),
        ("1800s", "eighteen hundreds"),
        ("3.14", "three point one four"),
        ("-5", "minus five"),
        ("555-1234", "five five five one two three four"),
        ("50-50", "fifty fifty"),
        ("24/7", "twenty four seven"),
        ("1/2", "one half"),
        ("94105", "nine four one zero five"),
        ("007", "zero zero seven"),
        ("19-year-old", "nineteen-year-old"),
        ("&", "and"),
        # Without a certain reading, a word keeps its digits.
        ("MP3", "mp3"),
        ("COVID-19", "covid-19"),
        ("5km", "5km"),
        ("1,5", "1,5"),
        ("john@example.com", "john@example.com"),
        ("100,000,000,000,000,000", "100,000,000,000,000,000"),
        ("5th-grade", "5th-grade"),
        ("0\u0663s", "0\u0663s"),
        ("$1\u0663", "$1\u0663"),
        ("1\u0663th", "1\u0663th"),
        ("\u06635-year-old", "\u06635-year-old"),
    ],
)
def test_spoken_form(written, spoken):
    assert spoken_form(written) == spoken


def test_words_that_come_from_one_share_its_duration():
    words = to_spoken_form((Word("It's", 0, 90, 0.9), Word("25.", 100, 200, 0.5, is_final=True)))
    assert [(word.text, word.start_ms, word.end_ms) for word in words] == [
        ("it's", 0, 90),
        ("twenty", 100, 160),
        ("five", 160, 200),
    ]
    assert all(word.is_final and word.confidence == 0.5 for word in words[1:])


@given(
    st.lists(
        st.text(st.sampled_from("019.,:$%-/ast½٣"), min_size=1, max_size=24).filter(str.strip), max_size=6
    )
)
@example(["0\u0663s"])
@example(["$\u0663.\u0663\u0663", "1:\u0663\u0663", "\u0663%", "0-\u0663"])
def test_any_digits_keep_order_and_times(texts):
    written = words_of(" ".join(texts))
    spoken = to_spoken_form(written)
    assert len(spoken) >= len(written)
    times = [(word.start_ms, word.end_ms) for word in spoken]
    assert times == sorted(times)
    assert all(start <= end for start, end in times)
    if written:
        assert (times[0][0], times[-1][1]) == (written[0].start_ms, written[-1].end_ms)


@given(st.integers(0, 10**15 - 1).map("{:,}".format))
def test_a_number_with_separators_keeps_no_digits(number):
    assert not any(c.isdigit() for c in text_of(to_spoken_form(words_of(number))))


def test_a_word_with_spaces_is_split():
    words = split_at_spaces((Word("0, 1, 1", 0, 300, 0.5), Word("more", 320, 400, 0.5)))
    assert [(word.text, word.start_ms, word.end_ms) for word in words] == [
        ("0,", 0, 120),
        ("1,", 120, 240),
        ("1", 240, 300),
        ("more", 320, 400),
    ]
