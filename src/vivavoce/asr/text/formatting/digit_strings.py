"""Digits that are spoken one by one: phone numbers, card numbers, codes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.formatting.words import Replacement
from vivavoce.asr.text.numerals import ONES, TEENS, TENS
from vivavoce.asr.text.word_lists import word_set

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.text.formatting.words import SplitWord

__all__ = [
    "CODE_LABELS",
    "PHONE_LABELS",
    "digit_string",
    "digits_of_pair",
    "label_before",
    "passes_luhn",
    "phone_number",
    "single_digits",
]

_REPEATS: Final = {"double": 2, "triple": 3}
_ZEROS: Final = frozenset({"oh", "o"})
CODE_LABELS: Final = word_set("code pin passcode password zip account extension id order reference badge")
PHONE_LABELS: Final = word_set("number dial call phone telephone fax mobile")
_LABEL_REACH: Final = 4  # how many words before the digits a label may be
_MIN_LABELLED: Final = 3  # digits
_MIN_UNLABELLED: Final = 4
_MIN_WITH_COMMAS: Final = 7
_CARD_DIGITS: Final = range(13, 20)
_PHONE_DIGITS: Final = frozenset({7, 10, 11})
_SOCIAL_SECURITY_DIGITS: Final = 9
_GROUP: Final = 4  # digits of a card number between hyphens; the most digits of a pair that is written
_MIN_WORDS_WITH_PAIRS: Final = 4


@dataclass(slots=True)
class _Scan:
    """Digits in a row, as `_scan` finds them.

    Attributes:
        digits: All of them.
        n_words: How many words they take.
        n_before_pair: Digits before the first pair.
        n_single: Digits that are spoken one by one.
        has_commas: Whether there are commas between them.
        has_pairs: Whether some are spoken as a number of two digits or hundreds.
    """

    digits: str = ""
    n_words: int = 0
    n_before_pair: int = 0
    n_single: int = 0
    has_commas: bool = False
    has_pairs: bool = False


def digit_string(words: Sequence[SplitWord], start: int) -> Replacement | None:
    """Join the digits that are spoken from a word on; None if there are too few to be sure."""
    if not (_single_digit(words[start].parts[0]) or words[start].key in _REPEATS):
        return None
    label = label_before(words, start)
    scan = _scan(words, start, with_pairs=False)
    scan_with_pairs = _scan(words, start, with_pairs=True)
    if scan_with_pairs.n_words > scan.n_words:  # a larger number follows: it may be part of a phone number
        if _is_phone_with_pairs(scan_with_pairs):
            return Replacement(scan_with_pairs.n_words, _written(scan_with_pairs.digits, label))
        if not label:
            return None
    minimum = _MIN_LABELLED if label else _MIN_WITH_COMMAS if scan.has_commas else _MIN_UNLABELLED
    if len(scan.digits) < minimum or words[start].key == scan.digits:
        return None
    if not label and _is_counting(scan.digits):
        return None
    return Replacement(scan.n_words, _written(scan.digits, label))


def passes_luhn(digits: str) -> bool:
    """Whether the check digit of a card number is right (ISO/IEC 7812-1)."""
    doubled = (int(digit) * (1 + index % 2) for index, digit in enumerate(reversed(digits)))
    return sum(value // 10 + value % 10 for value in doubled) % 10 == 0


def label_before(words: Sequence[SplitWord], start: int) -> str:
    """Return the nearest word before digits that says what they are; "security" if that is one of them."""
    label = ""
    for word in reversed(words[max(0, start - _LABEL_REACH) : start]):
        if word.trail.startswith((".", "?", "!")):
            break
        if word.key == "security":
            return word.key
        if not label and (word.key in CODE_LABELS or word.key in PHONE_LABELS):
            label = word.key
    return label


def _scan(words: Sequence[SplitWord], start: int, *, with_pairs: bool) -> _Scan:
    """Collect digits from a word on.

    Args:
        words: The words of the turn.
        start: Index of the first word.
        with_pairs: Whether numbers of two digits and hundreds are digits too. Commas then end the scan.
    """
    scan = _Scan()
    at = start
    while at < len(words):
        if words[at].lead and at > start:
            break
        digits, n_words = digits_of_pair(words, at, is_first=not scan.digits) if with_pairs else ("", 0)
        is_pair = bool(n_words)
        if not is_pair:
            digits, n_words = single_digits(words, at, is_first=not scan.digits)
        if not n_words:
            break
        scan.has_pairs |= is_pair
        scan.digits += digits
        scan.n_before_pair += 0 if scan.has_pairs else len(digits)
        scan.n_single += 0 if is_pair else len(digits)
        at += n_words
        if trail := words[at - 1].trail:
            if trail != "," or at >= len(words) or not _may_continue(words[at], with_pairs=with_pairs):
                break
            scan.has_commas = True
    scan.n_words = at - start
    return scan


def single_digits(words: Sequence[SplitWord], at: int, *, is_first: bool) -> tuple[str, int]:
    """Return the digits that a word or two ("double five") say one by one, and how many words these are."""
    word = words[at]
    if word.key in _REPEATS and not word.trail and at + 1 < len(words) and _single_digit(words[at + 1].key):
        return _single_digit(words[at + 1].key) * _REPEATS[word.key], 2
    digits = ""
    for part in word.parts:
        digit = "0" if part in _ZEROS and not is_first else _single_digit(part)
        if not digit:
            return "", 0
        digits += digit
    return digits, 1


def _single_digit(part: str) -> str:
    """The digit that a word, or a part of one, says; empty if it says none."""
    if part in ONES:
        return str(ONES[part])
    return part if len(part) == 1 and part.isascii() and part.isdigit() else ""


def digits_of_pair(words: Sequence[SplitWord], at: int, *, is_first: bool) -> tuple[str, int]:
    """Return two digits spoken as one number, or hundreds at the beginning, and how many words these take."""
    key = words[at].key
    if key in ONES and _key_after(words, at) == "hundred":
        return (f"{ONES[key]}00", 2) if is_first else ("", 0)
    if key in TEENS:
        return str(TEENS[key]), 1
    tens, _, ones = key.partition("-")
    if tens in TENS:
        if ones:
            return (str(TENS[tens] + ONES[ones]), 1) if ONES.get(ones) else ("", 0)
        if value := ONES.get(_key_after(words, at)):
            return str(TENS[tens] + value), 2
        return str(TENS[tens]), 1
    is_written = key.isascii() and key.isdigit() and 1 < len(key) <= _GROUP
    return (key, 1) if is_written else ("", 0)


def _key_after(words: Sequence[SplitWord], at: int) -> str:
    return words[at + 1].key if at + 1 < len(words) and not words[at].trail else ""


def _may_continue(word: SplitWord, *, with_pairs: bool) -> bool:
    """Whether digits may continue with this word after a comma; pairs never do."""
    return not with_pairs and bool(_single_digit(word.key) or word.key in _ZEROS or word.key in _REPEATS)


def _is_phone_with_pairs(scan: _Scan) -> bool:
    """Five five five twelve thirty four, eight hundred five five five one two three four."""
    if len(scan.digits) not in _PHONE_DIGITS or scan.has_commas or scan.n_words < _MIN_WORDS_WITH_PAIRS:
        return False
    starts_with_hundreds = (
        not scan.n_before_pair and scan.digits[1:3] == "00" and scan.n_single >= _MIN_LABELLED
    )
    return scan.n_before_pair >= _MIN_LABELLED or starts_with_hundreds


def _is_counting(digits: str) -> bool:
    """Whether a speaker is counting: 1 2 3 4, 8 6 4 2."""
    steps = {int(b) - int(a) for a, b in pairwise(digits)}
    return len(steps) == 1 and steps != {0}


def _written(digits: str, label: str) -> str:
    """Write digits with the hyphens of what they are."""
    if label == "security" and len(digits) == _SOCIAL_SECURITY_DIGITS:
        return f"{digits[:3]}-{digits[3:5]}-{digits[5:]}"
    if len(digits) in _CARD_DIGITS and passes_luhn(digits):
        return "-".join(digits[at : at + _GROUP] for at in range(0, len(digits), _GROUP))
    if label not in CODE_LABELS and len(digits) in _PHONE_DIGITS:
        return phone_number(digits)
    return digits


def phone_number(digits: str) -> str:
    """Write a number of the North American Numbering Plan with hyphens; any other without.

    Area codes and exchanges of the plan begin with 2 to 9.

    Args:
        digits: 7, 10 or 11 of them.
    """
    local = digits[-10:]
    if len(digits) == 7:  # noqa: PLR2004 - exchange and line
        return f"{digits[:3]}-{digits[3:]}" if digits[0] > "1" else digits
    if local[0] < "2" or local[3] < "2" or (len(digits) == 11 and digits[0] != "1"):  # noqa: PLR2004
        return digits
    text = f"{local[:3]}-{local[3:6]}-{local[6:]}"
    return f"1-{text}" if len(digits) == 11 else text  # noqa: PLR2004
