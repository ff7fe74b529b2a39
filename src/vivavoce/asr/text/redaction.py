"""Redaction of personal data (PII) in finished turns, as far as rules can find it.

The rules redact rather too much than too little. A number that the recogniser misunderstood has a wrong check
digit, and a speaker who hesitates says it in pieces. So digits in a row are redacted even where they are not
the whole number, and a card number even where its check digit is wrong.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.formatting import formatted_words, merged
from vivavoce.asr.text.formatting.addresses import MAIL_PROVIDERS, TOP_LEVEL_DOMAINS
from vivavoce.asr.text.formatting.words import SplitWord, split_words
from vivavoce.asr.text.numerals import ONES, TEENS, TENS
from vivavoce.asr.text.word_lists import MONTHS, word_set
from vivavoce.types import PiiPolicy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.types import Word

__all__ = ["RedactedWord", "redacted_words"]

_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")
_IP_ADDRESS: Final = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_SOCIAL_SECURITY_NUMBER: Final = re.compile(r"[0-9]{3}-[0-9]{2}-[0-9]{4}")
_DIGITS: Final = re.compile(r"\+?[0-9]+(?:[-.][0-9]+)*")
_MONEY: Final = re.compile(r"[$€£¥][0-9][0-9,.]*(?:-[a-z]+)?")
_CURRENCY_WORDS: Final = word_set("dollars dollar euros euro cents cent pence bucks quid yen rupees francs")
_SCALE_WORDS: Final = frozenset({"thousand", "million", "billion", "trillion"})
_NUMBER_WORDS: Final = ONES.keys() | TEENS.keys() | TENS.keys() | _SCALE_WORDS | {"hundred", "and", "point"}
_NUMERIC_DATE: Final = re.compile(r"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{2,4}|[0-9]{1,2}/[0-9]{1,2}")
_DAY: Final = re.compile(r"[0-9]{1,2}(?:st|nd|rd|th)?")
_YEAR: Final = re.compile(r"1[0-9]{3}|20[0-9]{2}")
_SHORT_MONTHS: Final = frozenset(month[:3] for month in MONTHS) | {"sept"}
_AMBIGUOUS_MONTHS: Final = frozenset({"may", "march"})
_ACCOUNT_LABELS: Final = word_set("account routing iban policy member customer")
_LABEL_REACH: Final = 5  # how many words before the digits a label may be
_MARKS: Final = frozenset({"dot", "point", "underscore", "dash", "hyphen", "minus", "plus"})
_MAILBOX_REACH: Final = 4  # how many words before its host a mailbox may end

_LENGTHS: Final = {
    PiiPolicy.US_SOCIAL_SECURITY_NUMBER: range(9, 10),
    PiiPolicy.CREDIT_CARD_NUMBER: range(12, 20),
    PiiPolicy.PHONE_NUMBER: range(7, 16),
    PiiPolicy.ACCOUNT_NUMBER: range(6, 35),
    PiiPolicy.NUMBER_SEQUENCE: range(3, 1_000),
}
"""How many digits each kind of number has. The first requested kind that fits names the redaction."""
_MIN_PART: Final = 4  # digits that may be a part of any of these
_SPOKEN_IN_PARTS: Final = (PiiPolicy.PHONE_NUMBER, PiiPolicy.CREDIT_CARD_NUMBER, PiiPolicy.ACCOUNT_NUMBER)
_SMALL_NUMBER_DIGITS: Final = 2


@dataclass(frozen=True, slots=True)
class RedactedWord:
    """A written word after redaction.

    Attributes:
        word: The word itself, or what replaces personal data.
        n_spoken: How many spoken words it stands for.
        is_redacted: Whether it replaces personal data.
    """

    word: Word
    n_spoken: int
    is_redacted: bool = False


def redacted_words(
    words: Sequence[Word], policies: frozenset[PiiPolicy], *, by_name: bool
) -> list[RedactedWord]:
    """Format a finished turn and redact personal data in it.

    Args:
        words: As for `format_turn`.
        policies: The kinds of data to redact.
        by_name: Whether the name of its kind replaces the data, ``[DATE]``, or one ``#`` each character.
    """
    formatted = formatted_words(words)
    written = [it.word for it in formatted]
    split = [_with_ascii_digits(word) for word in split_words(written)]
    kinds = _PiiFinder(split, policies).kinds()
    result: list[RedactedWord] = []
    at = 0
    while at < len(formatted):
        kind = kinds[at]
        end = at + 1
        while kind and by_name and end < len(formatted) and kinds[end] is kind and _is_open(split[end - 1]):
            end += 1
        word = written[at]
        if kind:
            word = merged(written[at:end], _cover(kind, split[at:end], by_name=by_name))
        n_spoken = sum(it.n_spoken for it in formatted[at:end])
        result.append(RedactedWord(word, n_spoken, kind is not None))
        at = end
    return result


def _with_ascii_digits(word: SplitWord) -> SplitWord:
    """Replace digits of all scripts, also superscript and circled ones, by 0 to 9 for the patterns."""
    if word.key.isascii():
        return word
    digits = (unicodedata.digit(c, -1) for c in word.key)
    key = "".join(str(digit) if digit >= 0 else c for c, digit in zip(word.key, digits, strict=True))
    return dataclasses.replace(word, key=key)


def _is_open(word: SplitWord) -> bool:
    """Whether the same data may continue after a word."""
    return word.trail in {"", ","}


def _cover(kind: PiiPolicy, words: Sequence[SplitWord], *, by_name: bool) -> str:
    """The text that replaces words: the name of its kind, or one ``#`` each character.

    A spoken digit becomes one ``#``: the length of "three" would give it away.
    """
    core = words[0].core
    length = len(core) if core[:1].isdigit() else len(_spoken_digits(words[0])) or len(core)
    cover = f"[{kind.upper()}]" if by_name else "#" * length
    return f"{words[0].lead}{cover}{words[-1].trail}"


def _spoken_digits(word: SplitWord) -> str:
    """The digits that a word says or contains, or zeros in their place; empty if there are none."""
    if _DIGITS.fullmatch(word.key):
        return re.sub(r"[^0-9]", "", word.key)
    if word.key in {"oh", "o", "double", "triple"}:
        return "0"
    parts = word.parts
    if all(part in ONES for part in parts):
        return "".join(str(ONES[part]) for part in parts)
    if all(part in TEENS or part in TENS or part in ONES for part in parts):
        return "00"  # two digits; their values do not matter
    return ""


class _PiiFinder:
    """Finds personal data in the words of one turn."""

    def __init__(self, words: Sequence[SplitWord], policies: frozenset[PiiPolicy]) -> None:
        self._words = words
        self._policies = policies
        self._kinds: list[PiiPolicy | None] = [None] * len(words)

    def kinds(self) -> list[PiiPolicy | None]:
        """Return the kind of data each word belongs to; None for words that stay."""
        for at, word in enumerate(self._words):
            self._mark_address(at, word)
        if PiiPolicy.DATE in self._policies:
            self._mark_dates()
        if PiiPolicy.MONEY_AMOUNT in self._policies:
            self._mark_money()
        self._mark_digits()
        return self._kinds

    def _mark(self, kind: PiiPolicy, start: int, end: int) -> None:
        """Mark words that have no kind yet, if the client asked for this kind."""
        if kind in self._policies:
            for at in range(start, end):
                self._kinds[at] = self._kinds[at] or kind

    def _mark_address(self, at: int, word: SplitWord) -> None:
        """Mark a word that says by itself what it is."""
        if _EMAIL.fullmatch(word.key):
            self._mark(PiiPolicy.EMAIL_ADDRESS, at, at + 1)
        elif _IP_ADDRESS.fullmatch(word.key):
            self._mark(PiiPolicy.IP_ADDRESS, at, at + 1)
        elif _is_url(word.key):
            self._mark(PiiPolicy.URL, at, at + 1)
            self._mark_mailbox_at(at)
        elif _SOCIAL_SECURITY_NUMBER.fullmatch(word.key):
            self._mark(PiiPolicy.US_SOCIAL_SECURITY_NUMBER, at, at + 1)
        elif word.key in MAIL_PROVIDERS:
            self._mark_mailbox_at(at)

    def _mark_mailbox_at(self, host: int) -> None:
        """Mark a mailbox before "at example.com" that no formatting rule was sure of, with its host."""
        words = self._words
        at = next(
            (at for at in range(host - 1, max(0, host - _MAILBOX_REACH), -1) if words[at].key == "at"), 0
        )
        if not at:
            return
        start, end = at - 1, host + 1
        while start and (words[start].key in _MARKS or _is_mark_or_letter(words[start - 1].key)):
            start -= 1
        while end < len(words) and (words[end].key == "dot" or words[end].key in TOP_LEVEL_DOMAINS):
            end += 1
        self._mark(PiiPolicy.EMAIL_ADDRESS, start, end)

    def _mark_dates(self) -> None:
        for at, word in enumerate(self._words):
            if _NUMERIC_DATE.fullmatch(word.key) or _YEAR.fullmatch(word.key):
                self._mark(PiiPolicy.DATE, at, at + 1)
            if not self._is_month(at):
                continue
            start, end = self._date_around(at)
            is_name = word.core[:1].isupper() and not word.opens_sentence
            if end - start > 1 or word.key not in _AMBIGUOUS_MONTHS or is_name:
                self._mark(PiiPolicy.DATE, start, end)

    def _is_month(self, at: int) -> bool:
        word = self._words[at]
        if word.key in _SHORT_MONTHS and word.key != "may":
            return word.core[:1].isupper()
        return word.key in MONTHS

    def _date_around(self, month: int) -> tuple[int, int]:
        """The start and the end of a date whose month is known, with the day and the year next to it."""
        words = self._words
        start, end = month, month + 1
        if month > 1 and words[month - 1].key == "of" and _is_day(words[month - 2]):
            start = month - 2
        elif month and _is_day(words[month - 1]):
            start = month - 1
        if end < len(words) and words[end].key == "the":
            end += 1
        if end < len(words) and _is_day(words[end]):
            end += 1
        elif words[end - 1].key == "the":
            end -= 1
        if end < len(words) and _YEAR.fullmatch(words[end].key):
            end += 1
        return start, end

    def _mark_money(self) -> None:
        words = self._words
        for at, word in enumerate(words):
            if _MONEY.fullmatch(word.key):
                has_scale = at + 1 < len(words) and words[at + 1].key in _SCALE_WORDS and not word.trail
                self._mark(PiiPolicy.MONEY_AMOUNT, at, at + 1 + has_scale)
            elif word.key in _CURRENCY_WORDS:
                start = at
                while start and not words[start - 1].trail and _is_amount(words[start - 1]):
                    start -= 1
                if start < at:
                    self._mark(PiiPolicy.MONEY_AMOUNT, start, at + 1)

    def _mark_digits(self) -> None:
        """Mark digits in a row, whatever number they are part of."""
        words = self._words
        at = 0
        while at < len(words):
            digits, end = "", at
            while end < len(words) and self._kinds[end] is None and (more := _spoken_digits(words[end])):
                digits += more
                end += 1
            if digits and not self._is_plain_number(at, end, digits) and (kind := self._kind_of(at, digits)):
                self._mark(kind, at, end)
            at = max(end, at + 1)

    def _is_plain_number(self, start: int, end: int, digits: str) -> bool:
        """Whether one word is a small number, a year or a decimal."""
        key = self._words[start].key
        is_plain = len(digits) <= _SMALL_NUMBER_DIGITS or bool(_YEAR.fullmatch(key)) or "." in key
        return end == start + 1 and is_plain

    def _kind_of(self, start: int, digits: str) -> PiiPolicy | None:
        """The requested kind that digits belong to; None if there is none."""
        n = len(digits)
        before = {word.key for word in self._words[max(0, start - _LABEL_REACH) : start]}
        is_account = bool(before & _ACCOUNT_LABELS) and n >= _LENGTHS[PiiPolicy.NUMBER_SEQUENCE].start
        if is_account and PiiPolicy.ACCOUNT_NUMBER in self._policies:
            return PiiPolicy.ACCOUNT_NUMBER
        for kind, lengths in _LENGTHS.items():
            if kind in self._policies and n in lengths:
                return kind
        if n >= _MIN_PART:
            return next((kind for kind in _SPOKEN_IN_PARTS if kind in self._policies), None)
        return None


def _is_mark_or_letter(key: str) -> bool:
    """Whether a word is a mark or a letter of a spoken address."""
    return key in _MARKS or len(key) == 1


def _is_day(word: SplitWord) -> bool:
    return bool(_DAY.fullmatch(word.key)) or word.key in ONES


def _is_amount(word: SplitWord) -> bool:
    key = word.key
    return key[:1].isdigit() or (bool(key) and all(part in _NUMBER_WORDS for part in word.parts))


def _is_url(key: str) -> bool:
    if key.startswith(("http://", "https://", "www.")):
        return True
    name, dot, top = key.split("/", maxsplit=1)[0].rpartition(".")
    return bool(dot and name[-1:].isalnum()) and top in TOP_LEVEL_DOMAINS and not name.isdigit()
