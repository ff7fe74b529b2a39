"""The unit after a number: a currency, percent, or a measure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from vivavoce.asr.text.formatting.cursor import closes, joined
from vivavoce.asr.text.formatting.lexicon import CENTS, CURRENCIES, LONGEST_UNIT, UNITS, UNITS_IN_WORDS
from vivavoce.asr.text.formatting.numbers import parse_run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.text.formatting.words import SplitWord

__all__ = ["Unit", "cents_end", "unit_at"]


class Unit(NamedTuple):
    """A unit.

    Attributes:
        end: Index after its last word.
        symbol: As it is written; empty if it stays in words.
        is_money: Whether the symbol comes before the number.
    """

    end: int
    symbol: str
    is_money: bool = False


def unit_at(words: Sequence[SplitWord], at: int) -> Unit | None:
    """Find the unit that begins at an index, right after a number."""
    key = joined(words, at)
    if not key:
        return None
    if key in CURRENCIES:
        return Unit(at + 1, CURRENCIES[key], is_money=True)
    if key in {"pound", "pounds"} and joined(words, at + 1) == "sterling":
        return Unit(at + 2, "£", is_money=True)
    if key == "percent":
        return Unit(at + 1, "%")
    if key == "per" and joined(words, at + 1) == "cent":
        return Unit(at + 2, "%")
    for n_words in range(LONGEST_UNIT, 0, -1):
        names = tuple(joined(words, at + n) for n in range(n_words))
        if names in UNITS:
            return Unit(at + n_words, UNITS[names])
    return Unit(at, "") if key in UNITS_IN_WORDS else None


def cents_end(words: Sequence[SplitWord], at: int) -> int:
    """The index after the cents that follow an amount of money; 0 if none do."""
    start = at + (joined(words, at) == "and")
    run = parse_run(words, start) if joined(words, start) else None
    if run is None or run.single is None:
        return 0
    if joined(words, run.end) in CENTS:
        return run.end + 1
    return run.end if start == at and closes(words, run.end) else 0
