"""The rules that say how a run of numbers is written. What none of them knows stays words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.formatting.context import FUNCTION_WORDS, Context, Rewrite
from vivavoce.asr.text.formatting.measures import amount, is_measured, money, percent, units
from vivavoce.asr.text.formatting.numbers import read_run
from vivavoce.asr.text.formatting.pieces import Piece
from vivavoce.asr.text.numerals import ONES, ORDINALS, TEENS, TENS, ordinal_suffix
from vivavoce.asr.text.word_lists import MONTHS, word_set

if TYPE_CHECKING:
    from vivavoce.asr.text.formatting.numbers import Number

__all__ = ["RULES", "write"]

_LEAST_IN_FIGURES: Final = 10
_ALSO_WORDS: Final = frozenset({"may", "march"})  # months that are other words too
_BEFORE_MONTHS: Final = word_set("in on by until till since last next every this of from before after")
_BEFORE_YEARS: Final = word_set("in since year by until till before after from during circa around")
_BEFORE_TIMES: Final = word_set("at by until till before after around since")
_BEFORE_PRICES: Final = word_set("cost costs costing pay pays paid price priced")
_STREETS: Final = word_set("street avenue road lane drive boulevard court square")
_LABELS: Final = word_set(
    "room flight extension route highway interstate channel page chapter apartment suite platform gate "
    "version section figure episode season volume article building bus"
)
_PAGES: Final = word_set("page chapter version episode season volume figure section")
_AMBIGUOUS_FOLLOWERS: Final = word_set(
    "of century street avenue floor amendment birthday anniversary day time president"
)
_MINUTES: Final = frozenset({"five", "ten", "twenty", "twenty-five"})
_MARKS: Final = {"am": "a.m", "a.m": "a.m", "pm": "p.m", "p.m": "p.m"}
_YEARS: Final = range(1000, 3000)
_COINS: Final = frozenset({"dollar", "dollars", "pound", "pounds", "euro", "euros"})  # a dollar fifty
_MEASURES: Final = word_set("dollars dollar euros euro pounds percent per cents an a each bucks")


# --- clock ------------------------------------------------------------------------------------


def _hours_minutes(context: Context) -> tuple[int, int | None] | None:
    """An hour and its minutes, if the run says no more than that."""
    numbers = context.run.numbers
    if context.run.sign or any(
        number.kind not in {"cardinal", "oh"} or number.text != str(number.value) for number in numbers
    ):
        return None
    values = [number.value for number in numbers]
    hour = values[0]
    if hour > 24:  # noqa: PLR2004 - hours of a day
        return None
    match numbers[1:]:
        case []:
            return hour, None
        case [minutes] if minutes.kind == "cardinal" and 10 <= minutes.value < 60:  # noqa: PLR2004
            return hour, minutes.value
        case [nought, minutes] if nought.kind == "oh" and minutes.kind == "cardinal" and minutes.value < 10:  # noqa: PLR2004
            return hour, minutes.value
    return None


def _clock_text(hour: int, minutes: int | None) -> str:
    return str(hour) if minutes is None else f"{hour}:{minutes:02}"


def _is_name(context: Context, n: int) -> bool:
    """Whether the n-th word behind is capitalised: at one twenty three Main Street."""
    return bool(context.after(n)) and context.tokens[context.run.end + n - 1].core[:1].isupper()


def clock(context: Context) -> Rewrite | None:
    """Seven thirty p.m., ten o'clock, at seven thirty."""
    time = _hours_minutes(context)
    if time is None:
        return None
    hour, minutes = time
    text = _clock_text(hour, minutes)
    after, then = context.after(), context.after(2)
    if 1 <= hour <= 12:  # noqa: PLR2004
        if after in _MARKS and then != "i":
            return Rewrite((Piece(context.n, text), Piece(1, _MARKS[after])))
        if after in {"a", "p"} and then == "m":
            return Rewrite((Piece(context.n, text), Piece(2, f"{after}.m")))
        if after in {"o'clock", "oclock"}:
            return context.one_piece(text)
    if minutes is None or hour > 23 or context.before() not in _BEFORE_TIMES:  # noqa: PLR2004
        return None
    if context.before() != "at" and hour >= _LEAST_IN_FIGURES:  # a year more likely
        return None
    if after in _MEASURES or after in _UNIT_NOUNS or _is_name(context, 1):
        return None
    return context.one_piece(text)


_UNIT_NOUNS: Final = word_set("miles feet meters kilometers pounds people million thousand")


# --- dates ------------------------------------------------------------------------------------


def _is_month(word: str, before: str, *, is_capital: bool, opens: bool) -> bool:
    if word not in MONTHS:
        return False
    return word not in _ALSO_WORDS or (is_capital and not opens) or before in _BEFORE_MONTHS


def _day(number: Number) -> str:
    is_day = 1 <= number.value <= 31 and not number.is_decimal  # noqa: PLR2004
    if not is_day or number.kind not in {"cardinal", "ordinal"}:
        return ""
    return f"{number.value}{ordinal_suffix(number.value)}" if number.kind == "ordinal" else str(number.value)


def _year(numbers: tuple[Number, ...]) -> int:
    """The year that numbers say, 0 if they say none."""
    match numbers:
        case [year] if (
            year.kind == "cardinal" and year.value in _YEARS and not (year.is_decimal or "," in year.text)
        ):
            return year.value
        case [century, rest] if _is_century(century) and rest.kind == "cardinal" and 10 <= rest.value < 100:  # noqa: PLR2004
            return century.value * 100 + rest.value
        case [century, nought, rest] if _is_century(century) and nought.kind == "oh" and 0 < rest.value < 10:  # noqa: PLR2004
            return century.value * 100 + rest.value
    return 0


def _is_century(number: Number) -> bool:
    return number.kind == "cardinal" and 10 <= number.value <= 20 and not number.is_decimal  # noqa: PLR2004


def date(context: Context) -> Rewrite | None:
    """May the fifth, the fifth of May, May fifth twenty twenty six."""
    run = context.run
    if run.sign:
        return None
    day = _day(run.numbers[0])
    if not day:
        return None
    back = 2 if context.before() == "the" else 1
    at = run.start - back
    if at >= 0 and _is_month(
        context.before(back),
        context.before(back + 1),
        is_capital=context.tokens[at].core[:1].isupper(),
        opens=context.tokens[at].opens,
    ):
        if len(run.numbers) == 1:
            return context.one_piece(day)
        if year := _year(run.numbers[1:]):
            return _day_and_year(context, day, year)
    if run.numbers[0].kind == "ordinal" and len(run.numbers) == 1 and context.after() == "of":
        month = context.after(2)
        return context.one_piece(day) if month in MONTHS else None
    return None


def _day_and_year(context: Context, day: str, year: int) -> Rewrite | None:
    """A day and a year in one run, apart where the words allow it."""
    for n in range(1, context.n):
        head = read_run(context.tokens[: context.run.start + n], context.run.start)
        if head and len(head.numbers) == 1 and head.numbers[0] == context.run.numbers[0]:
            tail = read_run(context.tokens, head.end)
            if tail and _year(tail.numbers) == year:
                return Rewrite(
                    (Piece(head.end - head.start, f"{day},"), Piece(tail.end - tail.start, str(year)))
                )
    return None


def years(context: Context) -> Rewrite | None:
    """Nineteen eighty four, in two thousand and six, the nineteen eighties."""
    run = context.run
    numbers = run.numbers
    if run.sign:
        return None
    if len(numbers) == 2 and numbers[1].kind == "plural" and _is_century(numbers[0]):  # noqa: PLR2004
        return context.one_piece(f"{numbers[0].value}{numbers[1].value:02}s")
    year = _year(numbers)
    if not year or context.after() in _MEASURES or context.before() in _BEFORE_PRICES:
        return None
    before, month = context.before(), context.before() in MONTHS
    if len(numbers) == 1:
        is_second = before in {"and", "to"} and {context.before(n) for n in range(2, 8)} & {"between", "from"}
        said_so = month or before in _BEFORE_YEARS or context.before(2) == "year" or is_second
        said_so = said_so and not numbers[0].is_written and (not is_second or year >= 1900)  # noqa: PLR2004
        ends = not context.after() or context.after() in FUNCTION_WORDS or (month and year % 100)
        return context.one_piece(str(year)) if said_so and ends else None
    if context.after() == "vision" or (context.before(2) == "hindsight" and before == "is"):
        return None
    rest = year % 100
    is_time = numbers[0].value < 13 and rest < 60  # noqa: PLR2004 - hours and minutes
    is_range = 0 < rest - numbers[0].value <= 10 and numbers[0].value < 19  # noqa: PLR2004 - fifteen, twenty people
    if (is_time or is_range) and before not in _BEFORE_YEARS and not month:
        return None
    return context.one_piece(str(year))


# --- the rest ---------------------------------------------------------------------------------


def streets(context: Context) -> Rewrite | None:
    """One twenty three Main Street."""
    run = context.run
    if run.sign or any(number.kind not in {"cardinal", "oh"} or number.scale for number in run.numbers):
        return None
    if run.numbers[0].value == 1 and len(run.numbers) == 1:
        return None
    for n in range(1, 4):
        if not _is_name(context, n):
            return None
        if n > 1 and context.after(n) in _STREETS:
            return context.one_piece("".join(number.text for number in run.numbers))
    return None


def labels(context: Context) -> Rewrite | None:
    """Room two oh five, chapter two."""
    run = context.run
    label = context.before()
    if (
        run.sign
        or label not in _LABELS
        or any(number.kind not in {"cardinal", "oh"} for number in run.numbers)
    ):
        return None
    if any(number.scale for number in run.numbers):
        return None
    number = run.single
    if (
        number is not None
        and number.value == 1
        and (label not in _PAGES or context.before(2) in {"the", "a", "every"})
    ):
        return None
    return context.one_piece("".join(number.text for number in run.numbers))


def sayings(context: Context) -> Rewrite | None:
    """Twenty four seven, fifty fifty."""
    values = [number.text for number in context.run.numbers]
    if context.run.sign:
        return None
    if values == ["24", "7"]:
        return context.one_piece("24/7")
    return context.one_piece("50-50") if values == ["50", "50"] else None


def ordinals(context: Context) -> Rewrite | None:
    """The twenty first."""
    run = context.run
    number = run.numbers[0]
    if len(run.numbers) != 1 or number.kind != "ordinal" or run.sign or context.is_title:
        return None
    if number.value < _LEAST_IN_FIGURES or (number.value == 11 and context.after() == "hour"):  # noqa: PLR2004
        return None
    if context.before() in {"a", "an"} or _ends_in_number(context) or _is_listed(context, number):
        return None
    # "One hundredth" is a fraction as often as a place in a row.
    if number.value in {100, 1000, 10**6, 10**9} or (
        number.is_ambiguous and context.after() not in _AMBIGUOUS_FOLLOWERS
    ):
        return None
    return context.one_piece(f"{number.value:,}{ordinal_suffix(number.value)}")


def _ends_in_number(context: Context) -> bool:
    before = context.before()
    return before in TENS or before in _NUMBER_WORDS


_SMALL: Final = ONES | TEENS
_LAST_IN_LIST: Final = 20
_NUMBER_WORDS: Final = word_set("one two three four five six seven eight nine ten eleven twelve half")


def _is_clock_phrase(context: Context, value: int) -> bool:
    """Ten to one, twenty past ten: times that read better in words."""
    if value <= 12 and context.before() in {"to", "past"} and context.before(2) in _MINUTES:  # noqa: PLR2004 - hours
        return True
    if context.after() not in {"to", "past"} or context.tokens[context.run.start].key not in _MINUTES:
        return False
    run = read_run(context.tokens, context.run.end + 1) if context.after(2) else None
    number = run.single if run else None
    return number is not None and number.value <= 12  # noqa: PLR2004


def _link(context: Context) -> bool | None:
    """Whether the number stands in one row with another: True if what measures that makes it figures.

    Five or ten percent: True. Five to fifteen people: False. None without such a row.
    """
    link = context.after()
    if link not in {"to", "or", "and", "through"} or not context.after(2):
        return None
    other = read_run(context.tokens, context.run.end + 1)
    number = other.single if other else None
    if other is None or number is None or other.sign:
        return None
    if is_measured(context, other):
        return True
    return False if link == "to" and number.value >= _LEAST_IN_FIGURES else None


def cardinals(context: Context) -> Rewrite | None:
    """Any other number from ten on."""
    run = context.run
    number = run.single
    if number is None or context.is_title:
        return None
    if _is_half_of_more(context) or context.before() in _COINS or _is_listed(context, number):
        return None
    if number.is_decimal:
        return _decimal(context, number)
    if run.sign == "a" and (number.value % 100 == 0 or number.scale):
        return None  # "a hundred" is often no number
    if number.scale:
        return _with_scale(context, number)
    if run.sign == "minus" and number.value < _LEAST_IN_FIGURES:
        return None
    link = _link(context)
    if link or number.is_written:
        return context.one_piece(amount(number, run.sign))
    if _is_clock_phrase(context, number.value) or (number.value < _LEAST_IN_FIGURES and link is None):
        return None
    return context.one_piece(amount(number, run.sign))


def _with_scale(context: Context, number: Number) -> Rewrite:
    n = max(1, number.n_tokens) + (context.run.sign == "minus")
    text = amount(number, context.run.sign)
    if n >= context.n:
        return context.one_piece(f"{text} {number.scale}")
    return Rewrite((Piece(n, text), Piece(context.n - n, number.scale)))


def _decimal(context: Context, number: Number) -> Rewrite | None:
    # "At one point one of them left" is no decimal.
    if (
        number.value == 1
        and context.before() in {"at", "to", "up"}
        and not (number.scale or number.is_written)
    ):
        return None
    return (
        _with_scale(context, number) if number.scale else context.one_piece(amount(number, context.run.sign))
    )


def _is_listed(context: Context, number: Number) -> bool:
    """Whether it is one of numbers told one after the other, some of them small: ten, nine, eight."""
    run, tokens = context.run, context.tokens
    if number.is_written or run.sign or number.value > _LAST_IN_LIST:
        return False
    values = ORDINALS if number.kind == "ordinal" else _SMALL
    for first, step in ((run.start - 1, -1), (run.end, 1)):
        at = first
        while 0 <= at < len(tokens) and tokens[at if step < 0 else at - 1].trail == ",":
            value = values.get(tokens[at].key, _LAST_IN_LIST)
            if value < _LEAST_IN_FIGURES:
                return True
            if value == _LAST_IN_LIST:
                break
            at += step
    return False


def _is_half_of_more(context: Context) -> bool:
    """Ten and a half."""
    return (
        context.after() == "and" and context.after(2) in {"a", "one", "three"} and _is_part(context.after(3))
    )


def _is_part(word: str) -> bool:
    return word in {"half", "quarter", "quarters", "third", "thirds"}


RULES: Final = (clock, streets, date, money, percent, units, labels, years, sayings, ordinals, cardinals)
"""In this order; the first that knows what to write is asked no further."""


def write(context: Context) -> Rewrite | None:
    """How a run is written; None if it stays words."""
    for rule in RULES:
        if rewrite := rule(context):
            return rewrite
    return None
