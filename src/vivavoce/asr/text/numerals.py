"""English number words, and numbers in their spoken form."""

from __future__ import annotations

from typing import Final

__all__ = [
    "ONES",
    "ORDINALS",
    "SCALES",
    "TEENS",
    "TENS",
    "ordinal_suffix",
    "spell",
    "spell_ordinal",
    "spell_year",
]

ONES: Final = {
    word: value
    for value, word in enumerate("zero one two three four five six seven eight nine".split())  # noqa: SIM905
}
TEENS: Final = {
    word: value
    for value, word in enumerate(
        "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(),  # noqa: SIM905
        10,
    )
}
TENS: Final = {
    word: 10 * value
    for value, word in enumerate(
        "twenty thirty forty fifty sixty seventy eighty ninety".split(),  # noqa: SIM905
        2,
    )
}
SCALES: Final = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}

_IRREGULAR_ORDINALS: Final = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}


def _ordinal_word(cardinal: str) -> str:
    if cardinal in _IRREGULAR_ORDINALS:
        return _IRREGULAR_ORDINALS[cardinal]
    return f"{cardinal[:-1]}ieth" if cardinal.endswith("y") else f"{cardinal}th"


ORDINALS: Final = {
    _ordinal_word(word): value
    for word, value in (*ONES.items(), *TEENS.items(), *TENS.items(), ("hundred", 100), *SCALES.items())
}
"""Ordinals of one word and their values; "hundredth" and larger ones multiply the number before them."""

_BELOW_20: Final = (*ONES, *TEENS)
_TENS_BY_DIGIT: Final = ("", "", *TENS)
_LIMIT: Final = 10**15
_HUNDRED: Final = 100
_THOUSAND: Final = 1000


def spell(number: int) -> str:
    """Spell out a cardinal number, without hyphens and without "and".

    >>> spell(2125)
    'two thousand one hundred twenty five'

    Raises:
        ValueError: The number is negative or has more than 15 digits.
    """
    if not 0 <= number < _LIMIT:
        raise ValueError(f"`number` must be 0 to {_LIMIT - 1}, got {number}")
    if number < _HUNDRED:
        return _below_hundred(number)
    if number < _THOUSAND:
        return _join(f"{_BELOW_20[number // _HUNDRED]} hundred", number % _HUNDRED)
    name, size = max(
        ((name, size) for name, size in SCALES.items() if size <= number), key=lambda pair: pair[1]
    )
    return _join(f"{spell(number // size)} {name}", number % size)


def _below_hundred(number: int) -> str:
    if number < len(_BELOW_20):
        return _BELOW_20[number]
    return _join(_TENS_BY_DIGIT[number // 10], number % 10)


def _join(head: str, rest: int) -> str:
    return f"{head} {spell(rest)}" if rest else head


def spell_ordinal(number: int) -> str:
    """Spell out an ordinal number.

    >>> spell_ordinal(21)
    'twenty first'

    Raises:
        ValueError: The number is negative or has more than 15 digits.
    """
    *head, last = spell(number).split()
    return " ".join([*head, _ordinal_word(last)])


def spell_year(year: int) -> str:
    """Spell out a year from 1000 to 2999 the way people say it.

    >>> spell_year(1984), spell_year(1905), spell_year(2006)
    ('nineteen eighty four', 'nineteen oh five', 'two thousand six')
    """
    century, rest = divmod(year, _HUNDRED)
    if century % 10 == 0 and rest < 10:  # noqa: PLR2004 - 1000 to 1009, 2000 to 2009
        return spell(year)
    if not rest:
        return f"{spell(century)} hundred"
    return f"{spell(century)} {'oh ' if rest < 10 else ''}{spell(rest)}"  # noqa: PLR2004 - one digit


def ordinal_suffix(number: int) -> str:
    """Return the suffix of an ordinal number in digits: "st", "nd", "rd" or "th"."""
    if number // 10 % 10 == 1:
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
