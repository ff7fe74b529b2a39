"""The spoken form of words: lower case, no punctuation, numbers spelled out.

Clients that ask for no formatting receive this form. The recogniser writes some numbers in digits; here each
such word is spelled out (text normalisation), the opposite of `vivavoce.asr.text.formatting`.
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.numerals import ONES, spell, spell_ordinal, spell_year
from vivavoce.asr.text.plain import plain_word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.types import Word

__all__ = ["split_at_spaces", "spoken_form", "to_spoken_form"]

_DIGIT_WORDS: Final = tuple(ONES)
_CURRENCIES: Final = {
    "$": ("dollar", "dollars", "cents"),
    "€": ("euro", "euros", "cents"),
    "£": ("pound", "pounds", "pence"),
    "¥": ("yen", "yen", "sen"),
}
_FRACTIONS: Final = {
    "1/2": "one half",
    "1/3": "one third",
    "2/3": "two thirds",
    "1/4": "one quarter",
    "3/4": "three quarters",
}
_YEARS: Final = range(1100, 2100)
_MAX_DIGITS: Final = 15
_LONGEST_CARDINAL: Final = 4  # digits without separators; longer numbers are spelled digit by digit
# Digits are ASCII throughout: the patterns do not read numbers in other scripts.
_HAS_DIGIT: Final = re.compile(r"[0-9]")
_MONEY: Final = re.compile(r"([$€£¥])([0-9][0-9,]*)(?:\.([0-9]{2}))?")
_MONEY_DECIMAL: Final = re.compile(r"([$€£¥])([0-9][0-9,]*\.[0-9]+)")
_PERCENT: Final = re.compile(r"([0-9][0-9,]*(?:\.[0-9]+)?)%")
_TIME: Final = re.compile(r"([0-9]{1,2}):([0-9]{2})")
_ORDINAL: Final = re.compile(r"([0-9][0-9,]*)(?:st|nd|rd|th)")
_DECADE: Final = re.compile(r"([0-9]{2,4})'?s")
_DECIMAL: Final = re.compile(r"([0-9][0-9,]*)\.([0-9]+)")
_NEGATIVE: Final = re.compile(r"[-\u2212][0-9]")
_WITH_SEPARATORS: Final = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+")
_HYPHENATED: Final = re.compile(r"[0-9]+(?:-[0-9]+)+")


def spoken_form(text: str) -> str:
    """Return the spoken form of one word; a number may become several words.

    The result depends on this word alone, so a committed word never changes with the words after it. A word
    that has no certain reading (``MP3``, ``7-x``) keeps its digits.

    >>> spoken_form("$25.50,"), spoken_form("1984.")
    ('twenty five dollars and fifty cents', 'nineteen eighty four')
    """
    plain = plain_word(text)
    if _NEGATIVE.match(text):
        return f"minus {spoken_form(text[1:])}"
    if plain == "&":
        return "and"
    if not _HAS_DIGIT.search(plain):
        return plain
    return _spell_number(plain) or (_spell_compound(plain) if _HAS_DIGIT.match(plain) else plain)


def _spell_compound(plain: str) -> str:
    """Spell out the numbers of a compound: 19-year-old."""
    parts = [_spell_number(part) or part if _is_digits(part) else part for part in plain.split("-")]
    return "-".join("-".join(part.split()) for part in parts)


def _spell_number(plain: str) -> str:
    """Spell out a number of any notation; empty if it is not a number."""
    if plain in _FRACTIONS:
        return _FRACTIONS[plain]
    if plain == "24/7":
        return "twenty four seven"
    if match := _MONEY.fullmatch(plain):
        return _spell_money(*match.groups())
    if match := _MONEY_DECIMAL.fullmatch(plain):
        return f"{_spell_number(match[2])} {_CURRENCIES[match[1]][1]}"
    if match := _PERCENT.fullmatch(plain):
        return f"{_spell_cardinal(match[1])} percent"
    if match := _TIME.fullmatch(plain):
        return _spell_time(int(match[1]), int(match[2]))
    if match := _ORDINAL.fullmatch(plain):
        return spell_ordinal(_value(match[1]))
    if match := _DECADE.fullmatch(plain):
        return _spell_decade(match[1])
    if _HYPHENATED.fullmatch(plain):
        groups = plain.split("-")
        is_pair = all(len(group) <= 2 for group in groups)  # noqa: PLR2004 - 50-50, not a phone number
        return " ".join(_spell_cardinal(group) if is_pair else _spell_digits(group) for group in groups)
    return _spell_cardinal(plain)


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _value(digits: str) -> int:
    return int(digits.replace(",", "")[:_MAX_DIGITS])


def _spell_digits(digits: str) -> str:
    return " ".join(_DIGIT_WORDS[int(digit)] for digit in digits)


def _spell_cardinal(text: str) -> str:
    """Spell out a cardinal or decimal number; empty if it is neither."""
    if match := _DECIMAL.fullmatch(text):
        return f"{_spell_cardinal(match[1])} point {_spell_digits(match[2])}"
    if _WITH_SEPARATORS.fullmatch(text) and len(text) < 20:  # noqa: PLR2004 - 15 digits and 4 separators
        return spell(_value(text))
    if not _is_digits(text):
        return ""
    if len(text) > 1 and text.startswith("0"):
        return _spell_digits(text)
    value = int(text)
    if value in _YEARS and value % 1000:
        return spell_year(value)
    if len(text) > _LONGEST_CARDINAL and not text.endswith("000"):
        return _spell_digits(text)
    return spell(value) if len(text) <= _MAX_DIGITS else _spell_digits(text)


def _spell_money(symbol: str, whole: str, cents: str | None) -> str:
    singular, plural, coins = _CURRENCIES[symbol]
    value = _value(whole)
    text = f"{spell(value)} {singular if value == 1 else plural}"
    return f"{text} and {spell(int(cents))} {coins}" if cents and int(cents) else text


def _spell_time(hour: int, minutes: int) -> str:
    if not minutes:
        return f"{spell(hour)} o'clock"
    return f"{spell(hour)} {'oh ' if minutes < 10 else ''}{spell(minutes)}"  # noqa: PLR2004 - one digit


def _spell_decade(digits: str) -> str:
    *head, last = _spell_cardinal(digits).split()
    return " ".join([*head, f"{last[:-1]}ies" if last.endswith("y") else f"{last}s"])


def to_spoken_form(words: Sequence[Word]) -> tuple[Word, ...]:
    """Return words in lower case, without punctuation, with numbers spelled out.

    Where one word becomes several, these share its duration in proportion to their letters.
    """
    spoken: list[Word] = []
    for word in words:
        text = spoken_form(word.text)
        if " " in text:
            spoken += _share_duration(word, text.split())
        else:
            spoken.append(word if text == word.text else dataclasses.replace(word, text=text))
    return tuple(spoken)


def split_at_spaces(words: Sequence[Word]) -> Sequence[Word]:
    """Split words that contain spaces: a recogniser sometimes returns "0, 1, 1" as one word."""
    if not any(" " in word.text for word in words):
        return words
    return [part for word in words for part in _share_duration(word, word.text.split())]


def _share_duration(word: Word, texts: Sequence[str]) -> list[Word]:
    """Make one word per text; they share the duration of the word in proportion to their letters."""
    n_letters = sum(map(len, texts))
    duration_ms = word.end_ms - word.start_ms
    parts: list[Word] = []
    n_before = 0  # letters
    for text in texts:
        start_ms = word.start_ms + duration_ms * n_before // n_letters
        n_before += len(text)
        end_ms = word.start_ms + duration_ms * n_before // n_letters
        parts.append(dataclasses.replace(word, text=text, start_ms=start_ms, end_ms=end_ms))
    return parts
