"""Words without figures: what a turn reads like when no formatting is wanted."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.numerals import ONES, spell, spell_ordinal, spell_year
from vivavoce.asr.text.plain import plain_word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.types import Word

__all__ = ["separated", "spell_out", "spelled"]

_DIGITS: Final = tuple(ONES)
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
_MOST_FIGURES: Final = 15
_LONGEST_CARDINAL: Final = 4  # figures in a row without separators; more are said one by one
# Figures are ASCII throughout: what a word in those of other scripts says is not known.
_HAS_FIGURE: Final = re.compile(r"[0-9]")
_MONEY: Final = re.compile(r"([$€£¥])([0-9][0-9,]*)(?:\.([0-9]{2}))?")
_MONEY_DECIMAL: Final = re.compile(r"([$€£¥])([0-9][0-9,]*\.[0-9]+)")
_PERCENT: Final = re.compile(r"([0-9][0-9,]*(?:\.[0-9]+)?)%")
_TIME: Final = re.compile(r"([0-9]{1,2}):([0-9]{2})")
_ORDINAL: Final = re.compile(r"([0-9][0-9,]*)(?:st|nd|rd|th)")
_DECADE: Final = re.compile(r"([0-9]{2,4})'?s")
_DECIMAL: Final = re.compile(r"([0-9][0-9,]*)\.([0-9]+)")
_NEGATIVE: Final = re.compile(r"[-\u2212][0-9]")
_GROUPED: Final = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+")
_JOINED: Final = re.compile(r"[0-9]+(?:-[0-9]+)+")


def spelled(text: str) -> str:
    """The plain form of a word with its figures in words; several words where it takes so many.

    Depends on the word alone, so a committed word stays what it is whatever follows. What can't be read
    for sure (``MP3``, ``7-x``) stays as it is.

    >>> spelled("$25.50,"), spelled("1984.")
    ('twenty five dollars and fifty cents', 'nineteen eighty four')
    """
    plain = plain_word(text)
    if _NEGATIVE.match(text):
        return f"minus {spelled(text[1:])}"
    if plain == "&":
        return "and"
    if not _HAS_FIGURE.search(plain):
        return plain
    return _read(plain) or (_read_parts(plain) if _HAS_FIGURE.match(plain) else plain)


def _read_parts(plain: str) -> str:
    """Compounds: nineteen-year-old."""
    parts = [_read(part) or part if _is_figures(part) else part for part in plain.split("-")]
    return "-".join("-".join(part.split()) for part in parts)


def _read(plain: str) -> str:
    if plain in _FRACTIONS:
        return _FRACTIONS[plain]
    if plain == "24/7":
        return "twenty four seven"
    if match := _MONEY.fullmatch(plain):
        return _money(*match.groups())
    if match := _MONEY_DECIMAL.fullmatch(plain):
        return f"{_read(match[2])} {_CURRENCIES[match[1]][1]}"
    if match := _PERCENT.fullmatch(plain):
        return f"{_cardinal(match[1])} percent"
    if match := _TIME.fullmatch(plain):
        return _time(int(match[1]), int(match[2]))
    if match := _ORDINAL.fullmatch(plain):
        return spell_ordinal(_value(match[1]))
    if match := _DECADE.fullmatch(plain):
        return _decade(match[1])
    if _JOINED.fullmatch(plain):
        groups = plain.split("-")
        is_pair = all(len(group) <= 2 for group in groups)  # noqa: PLR2004 - fifty-fifty, not a telephone
        return " ".join(_cardinal(group) if is_pair else _one_by_one(group) for group in groups)
    return _cardinal(plain)


def _is_figures(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _value(figures: str) -> int:
    return int(figures.replace(",", "")[:_MOST_FIGURES])


def _one_by_one(figures: str) -> str:
    return " ".join(_DIGITS[int(figure)] for figure in figures)


def _cardinal(figures: str) -> str:
    """A number in figures; empty if it is none."""
    if match := _DECIMAL.fullmatch(figures):
        return f"{_cardinal(match[1])} point {_one_by_one(match[2])}"
    if _GROUPED.fullmatch(figures) and len(figures) < 20:  # noqa: PLR2004 - 15 figures and 4 separators
        return spell(_value(figures))
    if not _is_figures(figures):
        return ""
    if len(figures) > 1 and figures.startswith("0"):
        return _one_by_one(figures)
    value = int(figures)
    if value in _YEARS and value % 1000:
        return spell_year(value)
    if len(figures) > _LONGEST_CARDINAL and not figures.endswith("000"):
        return _one_by_one(figures)
    return spell(value) if len(figures) <= _MOST_FIGURES else _one_by_one(figures)


def _money(symbol: str, whole: str, cents: str | None) -> str:
    one, many, coins = _CURRENCIES[symbol]
    value = _value(whole)
    text = f"{spell(value)} {one if value == 1 else many}"
    return f"{text} and {spell(int(cents))} {coins}" if cents and int(cents) else text


def _time(hour: int, minutes: int) -> str:
    if not minutes:
        return f"{spell(hour)} o'clock"
    return f"{spell(hour)} {'oh ' if minutes < 10 else ''}{spell(minutes)}"  # noqa: PLR2004 - one digit


def _decade(figures: str) -> str:
    *head, last = _cardinal(figures).split()
    return " ".join([*head, f"{last[:-1]}ies" if last.endswith("y") else f"{last}s"])


def spell_out(words: Sequence[Word]) -> tuple[Word, ...]:
    """Words in lower case, without punctuation and figures.

    What becomes several words shares its time among them, by their letters.
    """
    spoken: list[Word] = []
    for word in words:
        text = spelled(word.text)
        if " " in text:
            spoken += _shared(word, text.split())
        else:
            spoken.append(word if text == word.text else dataclasses.replace(word, text=text))
    return tuple(spoken)


def separated(words: Sequence[Word]) -> Sequence[Word]:
    """The words with those that hold blanks taken apart; recognisers write "0, 1, 1" as one now and then."""
    if not any(" " in word.text for word in words):
        return words
    return [part for word in words for part in _shared(word, word.text.split())]


def _shared(word: Word, texts: Sequence[str]) -> list[Word]:
    n_letters = sum(map(len, texts))
    duration_ms = word.end_ms - word.start_ms
    parts: list[Word] = []
    said = 0
    for text in texts:
        start_ms = word.start_ms + duration_ms * said // n_letters
        said += len(text)
        end_ms = word.start_ms + duration_ms * said // n_letters
        parts.append(dataclasses.replace(word, text=text, start_ms=start_ms, end_ms=end_ms))
    return parts
