"""All other numbers: ordinals and cardinals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.formatting.numbers import parse_run
from vivavoce.asr.text.formatting.rules.context import SMALLEST_IN_DIGITS
from vivavoce.asr.text.formatting.rules.measures import amount, is_measured
from vivavoce.asr.text.formatting.words import Replacement
from vivavoce.asr.text.numerals import ONES, ORDINALS, TEENS, TENS, ordinal_suffix
from vivavoce.asr.text.word_lists import word_set

if TYPE_CHECKING:
    from vivavoce.asr.text.formatting.numbers import Number
    from vivavoce.asr.text.formatting.rules.context import RunInContext
    from vivavoce.asr.text.formatting.words import Rewrite

__all__ = ["cardinals", "ordinals"]

_AFTER_SECOND: Final = word_set(
    "of century street avenue floor amendment birthday anniversary day time president"
)
"""Words after "second" which show that it is an ordinal, not the unit of time."""
_FRACTION_ORDINALS: Final = frozenset({100, 1000, 10**6, 10**9})  # "one hundredth" is a fraction as often
_NUMBER_WORDS: Final = word_set("one two three four five six seven eight nine ten eleven twelve half")
_MINUTES_TO_OR_PAST: Final = frozenset({"five", "ten", "twenty", "twenty-five"})
_LAST_HOUR: Final = 12
_CURRENCIES: Final = frozenset({"dollar", "dollars", "pound", "pounds", "euro", "euros"})
_BELOW_20: Final = ONES | TEENS
_LARGEST_LISTED: Final = 20
_ELEVEN: Final = 11


def ordinals(context: RunInContext) -> Rewrite | None:
    """The twenty first."""
    run = context.run
    number = run.numbers[0]
    if len(run.numbers) != 1 or number.kind != "ordinal" or run.sign or context.is_title:
        return None
    if number.value < SMALLEST_IN_DIGITS or (number.value == _ELEVEN and context.after() == "hour"):
        return None
    if context.before() in {"a", "an"} or _is_after_number(context) or _is_in_list(context, number):
        return None
    if number.value in _FRACTION_ORDINALS:
        return None
    if number.is_ambiguous and context.after() not in _AFTER_SECOND:
        return None
    return context.as_one_word(f"{number.value:,}{ordinal_suffix(number.value)}")


def _is_after_number(context: RunInContext) -> bool:
    before = context.before()
    return before in TENS or before in _NUMBER_WORDS


def cardinals(context: RunInContext) -> Rewrite | None:
    """Write any other number from ten on in digits."""
    run = context.run
    number = run.single
    if number is None or context.is_title:
        return None
    if context.before() in _CURRENCIES or _is_in_list(context, number):
        return None
    if number.is_decimal:
        return _decimal(context, number)
    if run.sign == "a" and (number.value % 100 == 0 or number.scale):
        return None  # "a hundred" is often not meant as a number
    if number.scale:
        return _with_scale(context, number)
    if run.sign == "minus" and number.value < SMALLEST_IN_DIGITS:
        return None
    link = _link(context)
    if link or number.is_written:
        return context.as_one_word(amount(number, run.sign))
    if _is_clock_phrase(context, number.value) or (number.value < SMALLEST_IN_DIGITS and link is None):
        return None
    return context.as_one_word(amount(number, run.sign))


def _decimal(context: RunInContext, number: Number) -> Rewrite | None:
    may_be_phrase = number.value == 1 and not (number.scale or number.is_written)
    if may_be_phrase and context.before() in {"at", "to", "up"}:  # "at one point one of them left"
        return None
    if number.scale:
        return _with_scale(context, number)
    return context.as_one_word(amount(number, context.run.sign))


def _with_scale(context: RunInContext, number: Number) -> Rewrite:
    n = max(1, number.n_words) + (context.run.sign == "minus")
    text = amount(number, context.run.sign)
    if n >= context.n_words:
        return context.as_one_word(f"{text} {number.scale}")
    return Replacement(n, text), Replacement(context.n_words - n, number.scale)


def _link(context: RunInContext) -> bool | None:
    """How the number is linked to a second one.

    Returns:
        True if the second one is measured ("five or ten percent"). False if it ends a range that a small
        number may begin ("five to fifteen people"). None without such a link.
    """
    link = context.after()
    if link not in {"to", "or", "and", "through"} or not context.after(2):
        return None
    other = parse_run(context.words, context.run.end + 1)
    number = other.single if other else None
    if other is None or number is None or other.sign:
        return None
    if is_measured(context, other):
        return True
    return False if link == "to" and number.value >= SMALLEST_IN_DIGITS else None


def _is_clock_phrase(context: RunInContext, value: int) -> bool:
    """Whether it is part of "ten to one" or "twenty past ten", which stay words."""
    if (
        value <= _LAST_HOUR
        and context.before() in {"to", "past"}
        and context.before(2) in _MINUTES_TO_OR_PAST
    ):
        return True
    is_minutes = context.words[context.run.start].key in _MINUTES_TO_OR_PAST
    if context.after() not in {"to", "past"} or not is_minutes:
        return False
    run = parse_run(context.words, context.run.end + 1) if context.after(2) else None
    hour = run.single if run else None
    return hour is not None and hour.value <= _LAST_HOUR


def _is_in_list(context: RunInContext, number: Number) -> bool:
    """Whether it is listed, between commas, with a number below ten: "ten, nine, eight"."""
    run, words = context.run, context.words
    if number.is_written or run.sign or number.value > _LARGEST_LISTED:
        return False
    values = ORDINALS if number.kind == "ordinal" else _BELOW_20
    for first, step in ((run.start - 1, -1), (run.end, 1)):
        at = first
        while 0 <= at < len(words) and words[at if step < 0 else at - 1].trail == ",":
            value = values.get(words[at].key, _LARGEST_LISTED)
            if value < SMALLEST_IN_DIGITS:
                return True
            if value == _LARGEST_LISTED:
                break
            at += step
    return False
