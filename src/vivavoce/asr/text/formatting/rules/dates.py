"""Days of a month, and years."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.formatting.numbers import parse_run
from vivavoce.asr.text.formatting.rules.context import AFTER_AMOUNTS
from vivavoce.asr.text.formatting.words import Replacement
from vivavoce.asr.text.numerals import ordinal_suffix
from vivavoce.asr.text.word_lists import FUNCTION_WORDS, MONTHS, word_set

if TYPE_CHECKING:
    from vivavoce.asr.text.formatting.numbers import Number
    from vivavoce.asr.text.formatting.rules.context import RunInContext
    from vivavoce.asr.text.formatting.words import Rewrite

__all__ = ["date", "year_of", "years"]

_AMBIGUOUS_MONTHS: Final = frozenset({"may", "march"})
_BEFORE_MONTHS: Final = word_set("in on by until till since last next every this of from before after")
_BEFORE_YEARS: Final = word_set("in since year by until till before after from during circa around")
_BEFORE_PRICES: Final = word_set("cost costs costing pay pays paid price priced")
_DAYS: Final = range(1, 32)
_YEARS: Final = range(1000, 3000)
_CENTURIES: Final = range(10, 21)
_YEARS_IN_TENS: Final = range(10, 100)
_YEARS_AFTER_OH: Final = range(1, 10)
_MINUTES: Final = range(60)
_FIRST_YEAR_AFTER_AND: Final = 1900  # in "between ... and"; a smaller number is more likely a count
_LAST_HOUR_ON_CLOCK: Final = 12
_FIRST_COMMON_CENTURY: Final = 19  # from 1900 on, a year is more likely than a range
_RANGE_WIDTHS: Final = range(1, 11)


def date(context: RunInContext) -> Rewrite | None:
    """May the fifth, the fifth of May, May fifth twenty twenty six."""
    run = context.run
    if run.sign:
        return None
    day = _day(run.numbers[0])
    if not day:
        return None
    if _is_after_month(context) or _is_full_date(context):
        if len(run.numbers) == 1:
            return context.as_one_word(day)
        if year := year_of(run.numbers[1:]):
            return _day_andyear_of(context, day, year)
    if run.numbers[0].kind == "ordinal" and len(run.numbers) == 1 and context.after() == "of":
        month = context.after(2)
        return context.as_one_word(day) if month in MONTHS else None
    return None


def _is_full_date(context: RunInContext) -> bool:
    """Whether a sentence begins with a month, a day and a year: "May fifth twenty ten" is no question."""
    first, *rest = context.run.numbers
    month = context.before()
    at = context.run.start - 1
    return (
        first.kind == "ordinal"
        and month in MONTHS
        and context.words[at].core[:1].isupper()
        and bool(year_of(tuple(rest)))
    )


def _day(number: Number) -> str:
    """A day of the month in digits; empty if the number is none."""
    if number.value not in _DAYS or number.is_decimal or number.kind not in {"cardinal", "ordinal"}:
        return ""
    return f"{number.value}{ordinal_suffix(number.value)}" if number.kind == "ordinal" else str(number.value)


def _is_after_month(context: RunInContext) -> bool:
    """Whether a month comes before the run, with or without "the"."""
    n_back = 2 if context.before() == "the" else 1
    at = context.run.start - n_back
    if at < 0:
        return False
    month, before_month = context.before(n_back), context.before(n_back + 1)
    if month not in MONTHS:
        return False
    word = context.words[at]
    is_name = word.core[:1].isupper() and not word.opens_sentence
    return month not in _AMBIGUOUS_MONTHS or is_name or before_month in _BEFORE_MONTHS


def _day_andyear_of(context: RunInContext, day: str, year: int) -> Rewrite | None:
    """Split a run into a day and a year, if a word ends between the two."""
    run = context.run
    for end in range(run.start + 1, run.end):
        head = parse_run(context.words[:end], run.start)
        if head and len(head.numbers) == 1 and head.numbers[0] == run.numbers[0]:
            tail = parse_run(context.words, head.end)
            if tail and year_of(tail.numbers) == year:
                return (
                    Replacement(head.end - head.start, f"{day},"),
                    Replacement(tail.end - tail.start, str(year)),
                )
    return None


def years(context: RunInContext) -> Rewrite | None:
    """Nineteen eighty four, in two thousand and six, the nineteen eighties."""
    run = context.run
    numbers = run.numbers
    if run.sign:
        return None
    if len(numbers) == 2 and numbers[1].kind == "plural" and _is_century(numbers[0]):  # noqa: PLR2004
        return context.as_one_word(f"{numbers[0].value}{numbers[1].value:02}s")
    year = year_of(numbers)
    if not year or context.after() in AFTER_AMOUNTS or context.before() in _BEFORE_PRICES:
        return None
    is_year = _is_year_as_cardinal(context, year) if len(numbers) == 1 else _is_year_in_parts(context, year)
    return context.as_one_word(str(year)) if is_year else None


def year_of(numbers: tuple[Number, ...]) -> int:
    """Return the year that numbers name, from 1000 to 2999; 0 if they name none."""
    match numbers:
        case [year] if (
            year.kind == "cardinal" and year.value in _YEARS and not (year.is_decimal or "," in year.digits)
        ):
            return year.value
        case [century, rest] if (
            _is_century(century) and rest.kind == "cardinal" and rest.value in _YEARS_IN_TENS
        ):
            return century.value * 100 + rest.value
        case [century, oh, rest] if (
            _is_century(century) and oh.kind == "oh" and rest.value in _YEARS_AFTER_OH
        ):
            return century.value * 100 + rest.value
    return 0


def _is_century(number: Number) -> bool:
    return number.kind == "cardinal" and number.value in _CENTURIES and not number.is_decimal


def _is_year_as_cardinal(context: RunInContext, year: int) -> bool:
    """Whether one cardinal ("two thousand six") is meant as a year."""
    before = context.before()
    is_after_month = before in MONTHS
    ends_range = before in {"and", "to"} and bool(
        {context.before(n) for n in range(2, 8)} & {"between", "from"}
    )
    is_announced = is_after_month or before in _BEFORE_YEARS or context.before(2) == "year" or ends_range
    if not is_announced or context.run.numbers[0].is_written:
        return False
    if ends_range and year < _FIRST_YEAR_AFTER_AND:
        return False
    after = context.after()
    return not after or after in FUNCTION_WORDS or (is_after_month and bool(year % 100))


def _is_year_in_parts(context: RunInContext, year: int) -> bool:
    """Whether a century and a rest ("nineteen eighty four") are meant as a year."""
    before = context.before()
    if context.after() == "vision" or (context.before(2) == "hindsight" and before == "is"):
        return False  # "twenty twenty vision", "hindsight is twenty twenty"
    first, rest = context.run.numbers[0].value, year % 100
    is_time = first <= _LAST_HOUR_ON_CLOCK and rest in _MINUTES
    is_range = rest - first in _RANGE_WIDTHS and first < _FIRST_COMMON_CENTURY  # fifteen, twenty people
    return not (is_time or is_range) or before in _BEFORE_YEARS or before in MONTHS
