"""Ordinals and days of a month in a row: "from the ninth to the twelfth", "May third to fifth"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from vivavoce.asr.text.formatting.cursor import before, closes, is_name, joined
from vivavoce.asr.text.formatting.numbers import parse_run
from vivavoce.asr.text.formatting.words import Decision, Replacement
from vivavoce.asr.text.numerals import ordinal_suffix
from vivavoce.asr.text.word_lists import FUNCTION_WORDS, MONTHS, word_set

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.text.formatting.words import SplitWord

__all__ = ["days_and_ordinals"]

_LINKS: Final = word_set("to or and through")
_DAYS: Final = range(1, 32)
_SMALLEST_IN_FIGURES: Final = 10


class _Member(NamedTuple):
    """One number of a row.

    Attributes:
        start: Index of its first word.
        end: Index after its last word.
        value: Its value.
        is_ordinal: Whether it is an ordinal.
        is_ambiguous: Whether it ends in "second", which is an ordinal in a row of ordinals.
    """

    start: int
    end: int
    value: int
    is_ordinal: bool
    is_ambiguous: bool

    @property
    def text(self) -> str:
        """The number in figures."""
        return f"{self.value:,}{ordinal_suffix(self.value) if self.is_ordinal else ''}"


def days_and_ordinals(words: Sequence[SplitWord], at: int) -> Decision | None:
    """Write ordinals in a row alike: the days of a month in figures, others in words if one of them would be.

    Returns:
        None if no such row begins at the word, or each ordinal is written by itself.
    """
    first = _member(words, at)
    if first is None:
        return None
    members = [first]
    while (start := _next_start(words, members[-1].end)) and (member := _member(words, start)):
        members.append(member)
    if len(members) == 1 or len({member.is_ordinal for member in members}) > 1:
        return None
    end = members[-1].end
    n_back = 2 if before(words, at) == "the" else 1
    has_month_before = before(words, at, n_back) in MONTHS and is_name(words, at - n_back)
    has_month_after = joined(words, end) == "of" and joined(words, end + 1) in MONTHS
    repeats_month = before(words, at) in MONTHS and any(
        words[it.start - 1].key in MONTHS for it in members[1:]
    )
    is_dated = has_month_before or repeats_month or (has_month_after and first.is_ordinal)
    if is_dated and all(member.value in _DAYS for member in members):
        if not first.is_ordinal and not closes(words, end) and words[end].key not in FUNCTION_WORDS:
            return None
        return Decision(_written(words, members), 0)
    is_small = [member.value < _SMALLEST_IN_FIGURES for member in members]
    if first.is_ordinal and any(is_small) and not all(is_small):
        return Decision((), end - at)
    if any(member.is_ambiguous for member in members) and not any(is_small) and not is_name(words, at):
        return Decision(_written(words, members), 0)
    return None


def _member(words: Sequence[SplitWord], at: int) -> _Member | None:
    run = parse_run(words, at)
    if run is None or run.sign or len(run.numbers) != 1:
        return None
    number = run.numbers[0]
    if number.kind not in {"cardinal", "ordinal"} or number.is_decimal or number.scale or number.is_written:
        return None
    return _Member(run.start, run.end, number.value, number.kind == "ordinal", number.is_ambiguous)


def _next_start(words: Sequence[SplitWord], at: int) -> int:
    """The index of the next number of a row, after its link and its article; 0 if no link follows."""
    if words[at - 1].trail == "," and at < len(words) and not words[at].lead:
        at += words[at].key in {"and", "or"} and not words[at].trail
    elif joined(words, at) in _LINKS:
        at += 1
    else:
        return 0
    is_month = at < len(words) and words[at].key in MONTHS and words[at].core[:1].isupper()
    if is_month or (at < len(words) and words[at].key == "the"):
        if words[at].trail:
            return 0
        at += 1
    return at if at < len(words) and not words[at].lead else 0


def _written(words: Sequence[SplitWord], members: list[_Member]) -> tuple[Replacement, ...]:
    rewrite: list[Replacement] = []
    at = members[0].start
    for member in members:
        rewrite += (Replacement(1, words[index].core) for index in range(at, member.start))
        rewrite.append(Replacement(member.end - member.start, member.text))
        at = member.end
    return tuple(rewrite)
