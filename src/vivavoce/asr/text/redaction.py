"""Taking personal data out of finished turns: what rules can find, and a little more rather than less.

What a recogniser misheard has a wrong check digit, and what was said haltingly comes in pieces. So digits
in a row are taken out although they are not the whole number, and a card number although its check digit
is wrong.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.formatting import formatted_groups, merged
from vivavoce.asr.text.formatting.addresses import PROVIDERS, TOP_DOMAINS
from vivavoce.asr.text.formatting.pieces import Token, tokens_of
from vivavoce.asr.text.numerals import ONES, TEENS, TENS
from vivavoce.asr.text.word_lists import MONTHS, word_set
from vivavoce.types import PiiPolicy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.types import Word

__all__ = ["Group", "redacted_groups"]

_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")
_IP_ADDRESS: Final = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_SOCIAL: Final = re.compile(r"[0-9]{3}-[0-9]{2}-[0-9]{4}")
_DIGITS: Final = re.compile(r"\+?[0-9]+(?:[-.][0-9]+)*")
_MONEY: Final = re.compile(r"[$€£¥][0-9][0-9,.]*(?:-[a-z]+)?")
_MONEY_WORDS: Final = word_set("dollars dollar euros euro cents cent pence bucks quid yen rupees francs")
_LARGE: Final = frozenset({"thousand", "million", "billion", "trillion"})
_NUMERIC_DATE: Final = re.compile(r"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{2,4}|[0-9]{1,2}/[0-9]{1,2}")
_DAY: Final = re.compile(r"[0-9]{1,2}(?:st|nd|rd|th)?")
_YEAR: Final = re.compile(r"1[0-9]{3}|20[0-9]{2}")
_SHORT_MONTHS: Final = frozenset(month[:3] for month in MONTHS) | {"sept"}
_LABELS: Final = word_set("account routing iban policy member customer")
_JOINTS: Final = frozenset({"dot", "point", "underscore", "dash", "hyphen", "minus", "plus"})
_REACH: Final = 5

_LEAST: Final = {
    PiiPolicy.US_SOCIAL_SECURITY_NUMBER: range(9, 10),
    PiiPolicy.CREDIT_CARD_NUMBER: range(12, 20),
    PiiPolicy.PHONE_NUMBER: range(7, 16),
    PiiPolicy.ACCOUNT_NUMBER: range(6, 35),
    PiiPolicy.NUMBER_SEQUENCE: range(3, 1_000),
}
"""How many digits each has; the first that is asked for and fits gives its name."""
_LEAST_PART: Final = 4  # digits that may be a part of any of them
_MAY_COME_IN_PARTS: Final = (PiiPolicy.PHONE_NUMBER, PiiPolicy.CREDIT_CARD_NUMBER, PiiPolicy.ACCOUNT_NUMBER)


@dataclass(frozen=True, slots=True)
class Group:
    """A word as it is written, or what stands in its place.

    Attributes:
        word: To be shown.
        n: How many words were said for it.
        is_redacted: Whether something was taken out.
    """

    word: Word
    n: int
    is_redacted: bool = False


def redacted_groups(words: Sequence[Word], policies: frozenset[PiiPolicy], *, by_name: bool) -> list[Group]:
    """Write a finished turn and take out what is asked for.

    Args:
        words: As for `format_turn`.
        policies: What is taken out.
        by_name: Whether the name of its kind stands in its place, ``[DATE]``, not ``#`` for each character.
    """
    groups = formatted_groups(words)
    written = [word for word, _ in groups]
    tokens = [_in_ascii_figures(token) for token in tokens_of(written)]
    kinds = _Finder(tokens, policies).kinds()
    result: list[Group] = []
    at = 0
    while at < len(groups):
        kind = kinds[at]
        end = at + 1
        while kind and by_name and end < len(groups) and kinds[end] is kind and _is_open(tokens[end - 1]):
            end += 1
        word = merged(written[at:end], _cover(kind, tokens[at:end], by_name=by_name)) if kind else written[at]
        result.append(Group(word, sum(n for _, n in groups[at:end]), kind is not None))
        at = end
    return result


def _in_ascii_figures(token: Token) -> Token:
    """The token with digits of every script (and raised and circled ones) as 0 to 9, so that none hides."""
    if token.key.isascii():
        return token
    digits = (unicodedata.digit(c, -1) for c in token.key)
    key = "".join(str(digit) if digit >= 0 else c for c, digit in zip(token.key, digits, strict=True))
    return dataclasses.replace(token, key=key)


def _is_open(token: Token) -> bool:
    return token.trail in {"", ","}


def _cover(kind: PiiPolicy, tokens: Sequence[Token], *, by_name: bool) -> str:
    # A digit is one mark however long its name is: the length of "three" would say much.
    core = tokens[0].core
    length = len(core) if core[:1].isdigit() else len(_spoken_digits(tokens[0])) or len(core)
    cover = f"[{kind.upper()}]" if by_name else "#" * length
    return f"{tokens[0].lead}{cover}{tokens[-1].trail}"


def _spoken_digits(token: Token) -> str:
    """Digits that a word says or holds; empty if it is something else."""
    if _DIGITS.fullmatch(token.key):
        return re.sub(r"[^0-9]", "", token.key)
    if token.key in {"oh", "o", "double", "triple"}:
        return "0"
    parts = token.parts
    if all(part in ONES for part in parts):
        return "".join(str(ONES[part]) for part in parts)
    if all(part in TEENS or part in TENS or part in ONES for part in parts):
        return "00"  # two digits, whichever
    return ""


class _Finder:
    """Finds what is to be taken out of one turn."""

    def __init__(self, tokens: Sequence[Token], policies: frozenset[PiiPolicy]) -> None:
        self._tokens = tokens
        self._policies = policies
        self._kinds: list[PiiPolicy | None] = [None] * len(tokens)

    def kinds(self) -> list[PiiPolicy | None]:
        """For each token what it is, None for what stays."""
        for at, token in enumerate(self._tokens):
            self._mark_word(at, token)
        if PiiPolicy.DATE in self._policies:
            self._mark_dates()
        if PiiPolicy.MONEY_AMOUNT in self._policies:
            self._mark_money()
        self._mark_digits()
        return self._kinds

    def _mark(self, kind: PiiPolicy, start: int, end: int) -> None:
        if kind in self._policies:
            for at in range(start, end):
                self._kinds[at] = self._kinds[at] or kind

    def _mark_word(self, at: int, token: Token) -> None:
        if _EMAIL.fullmatch(token.key):
            self._mark(PiiPolicy.EMAIL_ADDRESS, at, at + 1)
        elif _IP_ADDRESS.fullmatch(token.key):
            self._mark(PiiPolicy.IP_ADDRESS, at, at + 1)
        elif _is_url(token.key):
            self._mark(PiiPolicy.URL, at, at + 1)
            self._mark_mailbox(at)
        elif _SOCIAL.fullmatch(token.key):
            self._mark(PiiPolicy.US_SOCIAL_SECURITY_NUMBER, at, at + 1)
        elif token.key in PROVIDERS:
            self._mark_mailbox(at)

    def _mark_mailbox(self, host: int) -> None:
        """Mark what stands in front of "at example.com": it may be a mailbox that no rule was sure of."""
        tokens = self._tokens
        at = next((at for at in range(host - 1, max(0, host - 4), -1) if tokens[at].key == "at"), 0)
        if not at:
            return
        start, end = at - 1, host + 1
        while start and (tokens[start].key in _JOINTS or _joins(tokens[start - 1].key)):
            start -= 1
        while end < len(tokens) and (tokens[end].key == "dot" or tokens[end].key in TOP_DOMAINS):
            end += 1
        self._mark(PiiPolicy.EMAIL_ADDRESS, start, end)

    def _is_month(self, at: int) -> bool:
        token = self._tokens[at]
        if token.key in _SHORT_MONTHS and token.key != "may":
            return token.core[:1].isupper()
        return token.key in MONTHS

    def _mark_dates(self) -> None:
        tokens = self._tokens
        for at, token in enumerate(tokens):
            if _NUMERIC_DATE.fullmatch(token.key) or _YEAR.fullmatch(token.key):
                self._mark(PiiPolicy.DATE, at, at + 1)
            if not self._is_month(at):
                continue
            start, end = at, at + 1
            if at > 1 and tokens[at - 1].key == "of" and _is_day(tokens[at - 2]):
                start = at - 2
            elif at and _is_day(tokens[at - 1]):
                start = at - 1
            if end < len(tokens) and tokens[end].key == "the":
                end += 1
            if end < len(tokens) and _is_day(tokens[end]):
                end += 1
            elif tokens[end - 1].key == "the":
                end -= 1
            if end < len(tokens) and _YEAR.fullmatch(tokens[end].key):
                end += 1
            is_name = token.key not in {"may", "march"} or (token.core[:1].isupper() and not token.opens)
            if end - start > 1 or is_name:
                self._mark(PiiPolicy.DATE, start, end)

    def _mark_money(self) -> None:
        tokens = self._tokens
        for at, token in enumerate(tokens):
            if _MONEY.fullmatch(token.key):
                large = at + 1 < len(tokens) and tokens[at + 1].key in _LARGE and not token.trail
                self._mark(PiiPolicy.MONEY_AMOUNT, at, at + 1 + large)
            elif token.key in _MONEY_WORDS:
                start = at
                while start and not tokens[start - 1].trail and _is_amount(tokens[start - 1]):
                    start -= 1
                if start < at:
                    self._mark(PiiPolicy.MONEY_AMOUNT, start, at + 1)

    def _mark_digits(self) -> None:
        tokens = self._tokens
        at = 0
        while at < len(tokens):
            digits, end = "", at
            while end < len(tokens) and self._kinds[end] is None and (said := _spoken_digits(tokens[end])):
                digits += said
                end += 1
            if digits and not self._is_plain_number(at, end, digits) and (kind := self._kind_of(at, digits)):
                self._mark(kind, at, end)
            at = max(end, at + 1)

    def _is_plain_number(self, start: int, end: int, digits: str) -> bool:
        """Whether it is a year or a small number, and not digits."""
        token = self._tokens[start]
        return end == start + 1 and (len(digits) <= 2 or bool(_YEAR.fullmatch(token.key)) or "." in token.key)  # noqa: PLR2004

    def _kind_of(self, start: int, digits: str) -> PiiPolicy | None:
        before = {token.key for token in self._tokens[max(0, start - _REACH) : start]}
        n = len(digits)
        if (
            before & _LABELS
            and PiiPolicy.ACCOUNT_NUMBER in self._policies
            and n >= _LEAST[PiiPolicy.NUMBER_SEQUENCE].start
        ):
            return PiiPolicy.ACCOUNT_NUMBER
        for kind, lengths in _LEAST.items():
            if kind in self._policies and n in lengths:
                return kind
        if n >= _LEAST_PART:
            return next((kind for kind in _MAY_COME_IN_PARTS if kind in self._policies), None)
        return None


def _joins(key: str) -> bool:
    """Whether it is a mark or a letter within an address that is said."""
    return key in _JOINTS or len(key) == 1


def _is_day(token: Token) -> bool:
    return bool(_DAY.fullmatch(token.key)) or token.key in ONES


def _is_amount(token: Token) -> bool:
    key = token.key
    number_words = ONES.keys() | TEENS.keys() | TENS.keys() | _LARGE | {"hundred", "and", "point"}
    return key[:1].isdigit() or (bool(key) and all(part in number_words for part in token.parts))


def _is_url(key: str) -> bool:
    if key.startswith(("http://", "https://", "www.")):
        return True
    name, dot, top = key.split("/", maxsplit=1)[0].rpartition(".")
    return bool(dot and name[-1:].isalnum()) and top in TOP_DOMAINS and not name.isdigit()
