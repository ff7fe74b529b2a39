"""Telephone numbers and codes with more than digits: a leading "plus" or "oh", pauses, dashes, pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from vivavoce.asr.text.formatting.cursor import joined
from vivavoce.asr.text.formatting.digit_strings import (
    CODE_LABELS,
    PHONE_LABELS,
    digits_of_pair,
    label_before,
    phone_number,
    single_digits,
)
from vivavoce.asr.text.formatting.words import Decision, Replacement
from vivavoce.asr.text.numerals import TEENS
from vivavoce.asr.text.word_lists import word_set

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.text.formatting.words import SplitWord

__all__ = ["telephone"]

_ZEROS: Final = frozenset({"oh", "o"})
_REPEATS: Final = frozenset({"double", "triple"})
_DASHES: Final = frozenset({"dash", "hyphen"})
_CORRECTIONS: Final = word_set("sorry no wait rather correction oops")
_PHONE_SIZES: Final = frozenset({7, 10, 11})
_INTERNATIONAL_SIZES: Final = range(8, 16)
_MOST_DIGITS: Final = 15
_MIN_OF_CODE: Final = 3
_MIN_OF_PHONE: Final = 4
_MIN_WITHOUT_LABEL: Final = 7


class _Group(NamedTuple):
    """Digits between pauses or dashes.

    Attributes:
        start: Index of its first word.
        end: Index after its last word.
        digits: The digits.
        separator: What follows: ",", "-" or nothing.
        has_pairs: Whether some digits are said as a number of two digits or as hundreds.
    """

    start: int
    end: int
    digits: str
    separator: str
    has_pairs: bool


def telephone(words: Sequence[SplitWord], at: int) -> Decision | None:
    """Decide about digits in groups, and digits after "plus" or "oh"; None if plain digits stand there."""
    has_plus = words[at].key == "plus"
    if has_plus and (words[at].trail or not joined(words, at + 1)):
        return None
    if not has_plus and not _digits(words, at)[1]:
        return None
    groups = _groups(words, at + has_plus)
    if not groups:
        return None
    digits = "".join(group.digits for group in groups)
    end = groups[-1].end
    if end_of_correction := _corrected(words, groups, digits):
        return Decision((), end_of_correction - at)
    label = label_before(words, at)
    if has_plus:
        return _international(digits, end - at, has_label=label in PHONE_LABELS)
    is_leading_zero = words[at].key in _ZEROS or (words[at].key in _REPEATS and words[at + 1].key in _ZEROS)
    separators = {group.separator for group in groups[:-1]}
    has_pairs = any(group.has_pairs for group in groups)
    if is_leading_zero:
        return _with_leading_zero(groups, digits, label, at)
    if "-" in separators:
        return _with_dashes(groups, digits, label, at)
    has_hundreds_within = any(group.has_pairs and "00" in group.digits[1:] for group in groups)
    if label in PHONE_LABELS and has_pairs and (separators or has_hundreds_within):
        return _paused(groups, digits, at)
    return None


def _groups(words: Sequence[SplitWord], at: int) -> list[_Group]:
    """Collect digits from an index on, in groups."""
    groups: list[_Group] = []
    while at < len(words):
        start, digits, has_pairs = at, "", False
        while at < len(words) and (at == start or joined(words, at)):
            more, n_words = _digits(words, at)
            if not n_words:
                break
            has_pairs |= words[at].key not in _REPEATS and len(more) > 1
            digits += more
            at += n_words
        if not digits:
            break
        separator = ""
        if words[at - 1].trail == "," and at < len(words) and not words[at].lead and _digits(words, at)[1]:
            separator = ","
        elif joined(words, at) in _DASHES and joined(words, at + 1) and _digits(words, at + 1)[1]:
            separator = "-"
        groups.append(_Group(start, at, digits, separator, has_pairs))
        if not separator:
            break
        at += separator == "-"
    return groups


def _digits(words: Sequence[SplitWord], at: int) -> tuple[str, int]:
    """The digits that are said at an index, and in how many words."""
    key = words[at].key
    if key in _ZEROS:
        return "0", 1
    if key in _REPEATS and joined(words, at + 1) in _ZEROS:
        return "0" * (2 if key == "double" else 3), 2
    if key in TEENS and joined(words, at + 1) == "hundred":
        return f"{TEENS[key]}00", 2
    digits, n_words = digits_of_pair(words, at, is_first=True)
    return (digits, n_words) if n_words else single_digits(words, at, is_first=False)


def _international(digits: str, n_words: int, *, has_label: bool) -> Decision | None:
    """Plus four four two oh seven: with the country's code, without separators but in North America."""
    if len(digits) < (_MIN_OF_PHONE if has_label else _MIN_WITHOUT_LABEL):
        return None
    if len(digits) not in _INTERNATIONAL_SIZES or digits[0] == "0":  # no country's code begins with 0
        return Decision((), n_words)
    text = phone_number(digits) if len(digits) in _PHONE_SIZES and digits[0] == "1" else digits
    return Decision((Replacement(n_words, f"+{text}"),), 0)


def _with_leading_zero(groups: list[_Group], digits: str, label: str, at: int) -> Decision | None:
    """Oh two oh seven: joined after a word that says what it is, else in words."""
    n_words = groups[-1].end - at
    minimum = _MIN_OF_CODE if label in CODE_LABELS else _MIN_OF_PHONE
    if len(digits) < minimum:
        return None
    if not label or len(digits) > _MOST_DIGITS or any(group.has_pairs for group in groups):
        return Decision((), n_words)
    if len(groups) == 1 or label in CODE_LABELS:
        return Decision((Replacement(n_words, digits),), 0)
    return Decision(_each_group(groups), 0)


def _with_dashes(groups: list[_Group], digits: str, label: str, at: int) -> Decision | None:
    """Five five five dash one two three four."""
    n_words = groups[-1].end - at
    if len(digits) < (_MIN_OF_CODE if label else _MIN_WITHOUT_LABEL) or {
        g.separator for g in groups[:-1]
    } != {"-"}:
        return Decision((), n_words)
    is_phone = label not in CODE_LABELS and len(digits) in _PHONE_SIZES
    text = phone_number(digits) if is_phone else "-".join(group.digits for group in groups)
    return Decision((Replacement(n_words, text),), 0)


def _paused(groups: list[_Group], digits: str, at: int) -> Decision | None:
    """Eight hundred, five five five, twelve twelve."""
    n_words = groups[-1].end - at
    if len(digits) < _MIN_WITHOUT_LABEL:
        return None
    if len(digits) not in _PHONE_SIZES or all(group.has_pairs and len(group.digits) < 4 for group in groups):  # noqa: PLR2004
        return Decision((), n_words)
    text = phone_number(digits)
    if "-" in text:
        return Decision((Replacement(n_words, text),), 0)
    return Decision((), n_words)


def _each_group(groups: list[_Group]) -> tuple[Replacement, ...]:
    return tuple(Replacement(group.end - group.start, group.digits) for group in groups)


def _corrected(words: Sequence[SplitWord], groups: list[_Group], digits: str) -> int:
    """The index after digits that the speaker corrects: "five one two, sorry, one three"; else 0."""
    end = groups[-1].end
    if len(digits) < _MIN_OF_CODE or words[end - 1].trail != "," or end + 1 >= len(words):
        return 0
    if words[end].key not in _CORRECTIONS or not _digits(words, end + 1)[1]:
        return 0
    return _groups(words, end + 1)[-1].end
