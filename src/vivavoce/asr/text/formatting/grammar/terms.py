"""Terms: one number with its sign and its fraction, as a range or a row has several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.formatting.cursor import before, joined, joined_keys
from vivavoce.asr.text.formatting.lexicon import FRACTIONS, MULTIPLIERS
from vivavoce.asr.text.formatting.numbers import Number, parse_run
from vivavoce.asr.text.numerals import ONES, SCALES
from vivavoce.asr.text.word_lists import word_set

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.text.formatting.words import SplitWord

__all__ = ["Term", "fraction_of_scale", "leading_point", "split_between", "term"]

_ARTICLES: Final = frozenset({"a", "an"})
_FRACTION_COUNTS: Final = frozenset(ONES) | _ARTICLES
_SCALE_NAMES: Final = frozenset(MULTIPLIERS)
_POINTS_IN_TIME: Final = word_set("a an any each every no one some that the this which your my his her at")
_MINUS: Final = frozenset({"minus", "negative"})
_ZEROS: Final = frozenset({"oh", "o"})
_NOTHING: Final = Number("cardinal", 0, "")


@dataclass(frozen=True, slots=True)
class Term:
    """One number of a phrase.

    Attributes:
        start: Index of its first word.
        end: Index after its last word.
        number: Its number.
        sign: "a" or "minus" if the first word is such a word, else empty.
        stays: Whether it can only stay in words: "half a million", "two and a half".
        coefficient: The number before its multipliers: 3 of "three hundred thousand".
        multiplier: What these multiply by; 1: there are none; 0: more follows ("three hundred and five").
    """

    start: int
    end: int
    number: Number
    sign: str = ""
    stays: bool = False
    coefficient: int = 0
    multiplier: int = 1

    @property
    def value(self) -> int:
        """Its value, without the fraction."""
        return -self.number.value if self.sign == "minus" else self.number.value

    @property
    def is_plain(self) -> bool:
        """Whether it is a whole number without a sign."""
        return not (self.stays or self.sign or self.number.is_decimal)


def term(words: Sequence[SplitWord], at: int, limit: int | None = None) -> Term | None:
    """Parse the term that begins at a word; None if none begins there or several numbers stand in a row.

    Args:
        words: The words of the turn.
        at: Index of the first word.
        limit: Index of a word that does not belong to it; None: it ends where it ends.
    """
    if end := fraction_of_scale(words, at):
        return Term(at, end, _NOTHING, stays=True)
    if point := leading_point(words, at):
        return point
    if (
        words[at].key in _MINUS
        and joined(words, at + 1) == "point"
        and (point := leading_point(words, at + 1))
    ):
        return Term(at, point.end, point.number, "minus")
    run = parse_run(words if limit is None else words[:limit], at)
    number = run.single if run else None
    if run is None or number is None:
        return None
    if end := _end_of_half(words, run.end):
        return Term(at, end, number, run.sign, stays=True)
    coefficient, multiplier = _factors(words, at, run.end, number)
    return Term(at, run.end, number, run.sign, coefficient=coefficient, multiplier=multiplier)


def leading_point(words: Sequence[SplitWord], at: int) -> Term | None:
    """Parse "point five", unless it is a point in time: "at this point five people left"."""
    if words[at].key != "point" or words[at].trail or before(words, at) in _POINTS_IN_TIME:
        return None
    digits, end = "", at + 1
    while (key := joined(words, end)) in ONES or key in _ZEROS:
        digits += str(ONES.get(key, 0))
        end += 1
    return Term(at, end, Number("cardinal", 0, f"0.{digits}")) if digits else None


def split_between(words: Sequence[SplitWord], at: int) -> int:
    """Find the "and" of "between one hundred and two thousand", which belongs to neither number.

    Args:
        words: The words of the turn.
        at: Index of the word after "between".

    Returns:
        The index of that word; 0 if there is none, or several words may be it.
    """
    splits: list[int] = []
    index = at
    while index == at or joined(words, index):
        if words[index].key == "and" and index > at:
            left, right = term(words, at, index), term(words, index + 1) if index + 1 < len(words) else None
            if left and left.end == index and right and joined(words, right.end) != "and":
                splits.append(index)
        elif parse_run(words, index) is None and words[index].key not in {*_SCALE_NAMES, "point", "minus"}:
            break
        index += 1
    return splits[0] if len(splits) == 1 else 0


def fraction_of_scale(words: Sequence[SplitWord], at: int) -> int:
    """Find "half a million", "three quarters of a million", "half of one percent".

    Returns:
        The index after its last word; 0 if none begins at this word.
    """
    key = words[at].key
    if words[at].trail:
        return 0
    if key in FRACTIONS:
        name = at
    elif key in _FRACTION_COUNTS and joined(words, at + 1) in FRACTIONS:
        name = at + 1
    else:
        return 0
    end = name + 1
    has_of = joined(words, end) == "of"
    if key != "half" and not has_of:
        return 0
    end += has_of
    end += joined(words, end) in {"a", "one", "an"}
    if joined(words, end) == "percent" and words[end - 1].key in {"a", "one", "half"}:
        return end + 1
    if joined(words, end) not in _SCALE_NAMES:
        return 0
    while joined(words, end) in _SCALE_NAMES:
        end += 1
    return end


def _end_of_half(words: Sequence[SplitWord], end: int) -> int:
    """The index after "and a half" and the scale that may follow; 0 if no fraction follows a number."""
    if not joined_keys(words, end, {"and"}, {"a", "one", "three", "two"}, FRACTIONS):
        return 0
    end += 3
    while joined(words, end) in _SCALE_NAMES:
        end += 1
    return end


def _factors(words: Sequence[SplitWord], start: int, end: int, number: Number) -> tuple[int, int]:
    """Split a number into the number before its multipliers, and what these multiply by."""
    multiplier = 1
    index = end - 1
    while index >= start and words[index].key in MULTIPLIERS:
        multiplier *= MULTIPLIERS[words[index].key]
        index -= 1
    if multiplier == 1:
        is_round = number.value < 100 or number.is_written  # noqa: PLR2004 - a hundred
        return (number.value, 1) if is_round else (_leading(number.value), 0)
    coefficient, rest = divmod(number.value, multiplier)
    if rest or number.is_decimal or any(word.key in SCALES for word in words[start:index]):
        return _leading(number.value), 0
    return coefficient, multiplier


def _leading(value: int) -> int:
    """The number before the largest multiplier: 3 of "three hundred and five"."""
    sizes = [size for size in MULTIPLIERS.values() if size <= value]
    return value // max(sizes, default=1)
