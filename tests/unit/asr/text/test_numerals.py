"""Spelled-out numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from text_to_num import text2num

from vivavoce.asr.text import numerals


@given(st.integers(1, 10**12 - 1))
def test_an_independent_parser_reads_the_same_cardinals(value):
    assert text2num(numerals.spell(value), "en") == value


@pytest.mark.parametrize("value", [-1, 10**15])
def test_numbers_out_of_range_raise(value):
    with pytest.raises(ValueError, match=f"`number` must be 0 to .*, got {value}"):
        numerals.spell(value)


@pytest.mark.parametrize(
    ("year", "spoken"),
    [
        (1000, "one thousand"),
        (1900, "nineteen hundred"),
        (1905, "nineteen oh five"),
        (1984, "nineteen eighty four"),
        (2006, "two thousand six"),
        (2026, "twenty twenty six"),
    ],
)
def test_years_as_people_say_them(year, spoken):
    assert numerals.spell_year(year) == spoken


def test_suffixes_of_ordinals():
    ordinals = [f"{value}{numerals.ordinal_suffix(value)}" for value in (1, 2, 3, 4, 11, 12, 13, 21, 112)]
    assert ordinals == ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th"]
