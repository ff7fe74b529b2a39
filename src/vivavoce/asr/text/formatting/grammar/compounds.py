"""Measures of two units, and "first" before a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.formatting.cursor import before, joined
from vivavoce.asr.text.formatting.grammar.terms import term
from vivavoce.asr.text.formatting.words import Decision
from vivavoce.asr.text.numerals import ORDINALS
from vivavoce.asr.text.word_lists import MONTHS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.text.formatting.words import SplitWord

__all__ = ["measure_of_two_units", "ordinal_before_number"]

_SMALLEST_IN_FIGURES: Final = 10
_SMALLER_UNITS: Final = {
    "foot": {"inch", "inches", ""},
    "feet": {"inch", "inches", ""},
    "pounds": {"ounce", "ounces"},
    "hour": {"minute", "minutes"},
    "hours": {"minute", "minutes"},
    "minute": {"second", "seconds"},
    "minutes": {"second", "seconds"},
}


def measure_of_two_units(words: Sequence[SplitWord], at: int) -> Decision | None:
    """Leave "six feet ten inches" in words if one of its numbers would stay in words."""
    first = term(words, at)
    smaller = _SMALLER_UNITS.get(joined(words, first.end)) if first else None
    if first is None or smaller is None:
        return None
    start = first.end + 1
    start += joined(words, start) == "and"
    second = term(words, start) if joined(words, start) else None
    if second is None or joined(words, second.end) not in smaller:
        return None
    is_small = [it.number.value < _SMALLEST_IN_FIGURES for it in (first, second)]
    return Decision((), second.end - at) if any(is_small) and not all(is_small) else None


def ordinal_before_number(words: Sequence[SplitWord], at: int) -> Decision | None:
    """Let the number after "first" begin a phrase of its own: "the first ten or twelve people"."""
    key = words[at].key
    if ORDINALS.get(key) != 1 or before(words, at) in MONTHS or before(words, at, 2) in MONTHS:
        return None
    return Decision((), 1) if joined(words, at + 1) and term(words, at + 1) else None
