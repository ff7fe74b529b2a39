"""Times of day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.formatting.cursor import joined
from vivavoce.asr.text.formatting.rules.context import AFTER_AMOUNTS, SMALLEST_IN_DIGITS
from vivavoce.asr.text.formatting.words import Replacement
from vivavoce.asr.text.word_lists import word_set

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.text.formatting.rules.context import RunInContext
    from vivavoce.asr.text.formatting.words import Rewrite, SplitWord

__all__ = ["clock", "half_of_day", "hour_and_minutes"]

_BEFORE_TIMES: Final = word_set("at by until till before after around since")
_COUNTED_NOUNS: Final = word_set("miles feet meters kilometers pounds people million thousand")
_HALVES_OF_DAY: Final = {"am": "a.m", "a.m": "a.m", "pm": "p.m", "p.m": "p.m"}
_HOURS_ON_CLOCK: Final = range(1, 13)
_MAX_HOUR: Final = 24
_MINUTES_AFTER_OH: Final = range(10)
_MINUTES: Final = range(10, 60)


def clock(context: RunInContext) -> Rewrite | None:
    """Seven thirty p.m., ten o'clock, at seven thirty."""
    time = hour_and_minutes(context)
    if time is None:
        return None
    hour, minutes = time
    text = str(hour) if minutes is None else f"{hour}:{minutes:02}"
    after = context.after()
    if hour in _HOURS_ON_CLOCK:
        if half := half_of_day(context.words, context.run.end):
            return Replacement(context.n_words, text), half
        if after in {"o'clock", "oclock"}:
            return context.as_one_word(text)
    if minutes is None or hour == _MAX_HOUR or context.before() not in _BEFORE_TIMES:
        return None
    if context.before() != "at" and hour >= SMALLEST_IN_DIGITS:  # more likely a year
        return None
    if after in AFTER_AMOUNTS or after in _COUNTED_NOUNS or context.is_capital_after(1):
        return None
    return context.as_one_word(text)


def half_of_day(words: Sequence[SplitWord], at: int) -> Replacement | None:
    """Write "a.m." or "p.m." if one of them is said at an index, right after a time."""
    key = joined(words, at)
    if key in _HALVES_OF_DAY and joined(words, at + 1) != "i":
        return Replacement(1, _HALVES_OF_DAY[key])
    return Replacement(2, f"{key}.m") if key in {"a", "p"} and joined(words, at + 1) == "m" else None


def hour_and_minutes(context: RunInContext) -> tuple[int, int | None] | None:
    """The hour and the minutes if the run can be a time; minutes are None if there are none."""
    numbers = context.run.numbers
    if context.run.sign or any(
        number.kind not in {"cardinal", "oh"} or number.digits != str(number.value) for number in numbers
    ):
        return None
    hour = numbers[0].value
    if hour > _MAX_HOUR:
        return None
    match numbers[1:]:
        case []:
            return hour, None
        case [minutes] if minutes.kind == "cardinal" and minutes.value in _MINUTES:
            return hour, minutes.value
        case [oh, minutes] if (
            oh.kind == "oh" and minutes.kind == "cardinal" and minutes.value in _MINUTES_AFTER_OH
        ):
            return hour, minutes.value
    return None
