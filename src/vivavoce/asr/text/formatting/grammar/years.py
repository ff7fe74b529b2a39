"""Years that sound like counts ("two thousand ten"), prices that sound like years ("nineteen ninety")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.formatting.cursor import before, closes, is_name, joined
from vivavoce.asr.text.formatting.grammar.terms import term
from vivavoce.asr.text.formatting.grammar.units import unit_at
from vivavoce.asr.text.formatting.lexicon import MULTIPLIERS
from vivavoce.asr.text.formatting.numbers import parse_run
from vivavoce.asr.text.formatting.rules.dates import year_of
from vivavoce.asr.text.formatting.words import Decision, Replacement
from vivavoce.asr.text.word_lists import FUNCTION_WORDS, MONTHS, word_set

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.text.formatting.words import SplitWord

__all__ = ["year_or_amount"]

_COMMON_YEARS: Final = range(2001, 2100)
_TWO_THOUSAND: Final = 2000
_FIRST_CENTURY: Final = 15  # an earlier year is one only after a word that says so
_BEFORE_YEARS: Final = MONTHS | word_set(
    "a after and around back before between by christmas circa class copyright during early easter fall from "
    "in late mid of since spring summer than the this through till to until winter year"
)
_BEFORE_YEAR_2000: Final = word_set(
    "windows office christmas copyright spring summer fall winter early late mid"
)
_BEFORE_AMOUNTS: Final = word_set(
    "at cost costs costing count counted counts for just only owe owes paid pay pays price priced spend "
    "spent weighed weighs worth"
)
_AFTER_YEARS: Final = FUNCTION_WORDS | word_set(
    "again already did does happened here however now onwards onward saw than there today too"
)
_AFTER_PRICES: Final = word_set("apiece each for including per please plus tax total")
_PRICES: Final = word_set("price cost total fee charge")
_COUNTED: Final = word_set("people men women children feet mice fish sheep percent dollars euros pounds")
_NOT_PLURAL: Final = word_set(
    "was is has does this its as his us thus yes perhaps always towards onwards afterwards"
)


def year_or_amount(words: Sequence[SplitWord], at: int) -> Decision | None:
    """Decide about a number that may be a year; None if the rules for plain numbers and years apply."""
    if words[at].key == "two" and joined(words, at + 1) == "thousand":
        return _spoken_as_count(words, at)
    return _spoken_as_year(words, at)


def _spoken_as_count(words: Sequence[SplitWord], at: int) -> Decision | None:
    """Two thousand twenty five was hard: without a separator, if it is no count."""
    it = term(words, at)
    if it is None or not it.is_plain or unit_at(words, it.end) or is_name(words, at):
        return None
    ahead = before(words, at)
    year = Decision((Replacement(it.end - at, str(it.value)),), 0)
    if it.value == _TWO_THOUSAND and ahead in _BEFORE_YEAR_2000 and closes(words, it.end):
        return year
    after = joined(words, it.end)
    if it.value not in _COMMON_YEARS or ahead in _BEFORE_AMOUNTS or after == "of":
        return None
    if not after or after in _AFTER_YEARS:
        return year
    is_announced = ahead in _BEFORE_YEARS
    if _is_counted(words, it.end):
        if ahead == "the" and is_name(words, it.end):
            return year
        # "In two thousand ten homes were sold": ten homes, or 2,010 of them.
        return (
            Decision((), it.end - at)
            if is_announced and ahead not in {"and", "of", "than", "the", "to"}
            else None
        )
    return year if is_announced else None


def _spoken_as_year(words: Sequence[SplitWord], at: int) -> Decision | None:
    """Only nineteen ninety five: in words, if nothing says that it is a year and something that it is not."""
    run = parse_run(words, at)
    if run is None or run.sign or len(run.numbers) == 1 or not year_of(run.numbers):
        return None
    ahead, after = before(words, at), joined(words, run.end)
    in_words = Decision((), run.end - at)
    if after in MULTIPLIERS or ahead in _BEFORE_YEARS:
        return None
    if ahead in _BEFORE_AMOUNTS and (ahead != "at" or run.numbers[0].value > 17):  # noqa: PLR2004 - "at 17:30"
        return in_words
    if after == "is" and _PRICES & {joined(words, run.end + 1), joined(words, run.end + 2)}:
        return in_words
    if after in _AFTER_PRICES or (after and _is_counted(words, run.end)):
        return in_words
    return in_words if run.numbers[0].value < _FIRST_CENTURY and ahead != "at" else None


def _is_counted(words: Sequence[SplitWord], at: int) -> bool:
    """Whether a word is a noun in the plural, or a unit: what a count counts."""
    key = words[at].key
    if key in _COUNTED or unit_at(words, at):
        return True
    is_plural = key.endswith("s") and not key.endswith(("ss", "is", "us", "'s"))
    return is_plural and key not in _NOT_PLURAL and key not in FUNCTION_WORDS
