"""Digits said one by one: telephone numbers, cards, codes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.formatting.pieces import Piece
from vivavoce.asr.text.numerals import ONES, TEENS, TENS
from vivavoce.asr.text.word_lists import word_set

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.text.formatting.pieces import Token

__all__ = ["digit_string", "passes_luhn"]

_REPEATS: Final = {"double": 2, "triple": 3}
_CODES: Final = word_set("code pin passcode password zip account extension id order reference badge")
_CALLS: Final = word_set("number dial call phone telephone fax mobile")
_REACH: Final = 4  # how far in front a label may stand
_LEAST_LABELLED: Final = 3
_LEAST_JOINED: Final = 4
_LEAST_WITH_COMMAS: Final = 7
_CARD_DIGITS: Final = range(13, 20)
_PHONE_DIGITS: Final = frozenset({7, 10, 11})
_SOCIAL_DIGITS: Final = 9
_GROUP: Final = 4


@dataclass(slots=True)
class _Said:
    digits: str = ""
    n: int = 0
    n_first: int = 0  # digits said one by one before the first pair
    n_single: int = 0  # all that were said one by one
    has_commas: bool = False
    has_pairs: bool = False


def passes_luhn(digits: str) -> bool:
    """Whether the check digit of a card number is right (ISO/IEC 7812-1)."""
    doubled = (int(digit) * (1 + index % 2) for index, digit in enumerate(reversed(digits)))
    return sum(value // 10 + value % 10 for value in doubled) % 10 == 0


def _single(part: str) -> str:
    if part in ONES:
        return str(ONES[part])
    return part if len(part) == 1 and part.isascii() and part.isdigit() else ""


def _oh_or_single(part: str, said: str) -> str:
    return "0" if part in {"oh", "o"} and said else _single(part)


def _behind(tokens: Sequence[Token], at: int) -> str:
    return tokens[at + 1].key if at + 1 < len(tokens) and not tokens[at].trail else ""


def _pair(tokens: Sequence[Token], at: int, said: str) -> tuple[str, int]:
    """Two digits said as one number, or hundreds to begin with; and how many tokens that takes."""
    key = tokens[at].key
    if key in ONES and _behind(tokens, at) == "hundred":
        return ("", 0) if said else (f"{ONES[key]}00", 2)
    if key in TEENS:
        return str(TEENS[key]), 1
    tens, _, one = key.partition("-")
    if tens in TENS:
        if one:
            return (str(TENS[tens] + ONES[one]), 1) if ONES.get(one) else ("", 0)
        if behind := ONES.get(_behind(tokens, at)):
            return str(TENS[tens] + behind), 2
        return str(TENS[tens]), 1
    is_written = key.isascii() and key.isdigit() and 1 < len(key) <= _GROUP
    return (key, 1) if is_written else ("", 0)


def _listen(tokens: Sequence[Token], start: int, *, with_pairs: bool) -> _Said:
    said = _Said()
    at = start
    while at < len(tokens):
        token = tokens[at]
        if token.lead and at > start:
            break
        digits, n = _pair(tokens, at, said.digits) if with_pairs else ("", 0)
        is_single = not n
        if n:
            said.has_pairs = True
        elif (
            token.key in _REPEATS and not token.trail and at + 1 < len(tokens) and _single(tokens[at + 1].key)
        ):
            digits, n = _single(tokens[at + 1].key) * _REPEATS[token.key], 2
        else:
            parts = [_oh_or_single(part, said.digits) for part in token.parts]
            digits, n = ("".join(parts), 1) if all(parts) else ("", 0)
        if not n:
            break
        said.digits += digits
        said.n_first += 0 if said.has_pairs else len(digits)
        said.n_single += len(digits) if is_single else 0
        at += n
        if trail := tokens[at - 1].trail:
            if trail != "," or at >= len(tokens) or not _goes_on(tokens[at], with_pairs=with_pairs):
                break
            said.has_commas = True
    said.n = at - start
    return said


def _goes_on(token: Token, *, with_pairs: bool) -> bool:
    return not with_pairs and (bool(_single(token.key)) or token.key in {"oh", "o", *_REPEATS})


def _label(tokens: Sequence[Token], start: int) -> str:
    """The nearest word in front that says what the digits are; "social security number" is one."""
    found = ""
    for token in reversed(tokens[max(0, start - _REACH) : start]):
        if token.trail.startswith((".", "?", "!")):
            break
        if token.key == "security":
            return token.key
        if not found and (token.key in _CODES or token.key in _CALLS):
            found = token.key
    return found


def _counts(digits: str) -> bool:
    """Whether they are no number but somebody counting: 1 2 3 4, 8 6 4 2."""
    steps = {int(b) - int(a) for a, b in pairwise(digits)}
    return len(steps) == 1 and steps != {0}


def _phone(digits: str) -> str:
    """A number of the North American plan (areas and exchanges begin with 2 to 9), else as it was said."""
    local = digits[-10:]
    if len(digits) == 7:  # noqa: PLR2004 - exchange and line
        return f"{digits[:3]}-{digits[3:]}" if digits[0] > "1" else digits
    if local[0] < "2" or local[3] < "2" or (len(digits) == 11 and digits[0] != "1"):  # noqa: PLR2004
        return digits
    text = f"{local[:3]}-{local[3:6]}-{local[6:]}"
    return f"1-{text}" if len(digits) == 11 else text  # noqa: PLR2004


def _written(digits: str, label: str) -> str:
    if label == "security" and len(digits) == _SOCIAL_DIGITS:
        return f"{digits[:3]}-{digits[3:5]}-{digits[5:]}"
    if len(digits) in _CARD_DIGITS and passes_luhn(digits):
        return "-".join(digits[at : at + _GROUP] for at in range(0, len(digits), _GROUP))
    if label not in _CODES and len(digits) in _PHONE_DIGITS:
        return _phone(digits)
    return digits


def digit_string(tokens: Sequence[Token], start: int) -> Piece | None:
    """The digits that are said from a token on, as one word; None if there are too few to be sure."""
    if not (_single(tokens[start].parts[0]) or tokens[start].key in _REPEATS):
        return None
    label = _label(tokens, start)
    said = _listen(tokens, start, with_pairs=False)
    longer = _listen(tokens, start, with_pairs=True)
    if longer.n > said.n:  # the digits go on as a number that is none of their own
        if _is_phone_with_pairs(longer):
            return Piece(longer.n, _written(longer.digits, label))
        if not label:
            return None
    least = _LEAST_LABELLED if label else _LEAST_WITH_COMMAS if said.has_commas else _LEAST_JOINED
    if len(said.digits) < least or tokens[start].key == said.digits or (not label and _counts(said.digits)):
        return None
    return Piece(said.n, _written(said.digits, label))


def _is_phone_with_pairs(said: _Said) -> bool:
    """Five five five twelve thirty four, eight hundred five five five one two three four."""
    if len(said.digits) not in _PHONE_DIGITS or said.has_commas or said.n < _GROUP:
        return False
    starts_with_hundreds = not said.n_first and said.digits[1:3] == "00" and said.n_single >= _LEAST_LABELLED
    return said.n_first >= _LEAST_LABELLED or starts_with_hundreds
