"""Times of day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.formatting.rules.context import AFTER_AMOUNTS, SMALLEST_IN_DIGITS
from vivavoce.asr.text.formatting.words import Replacement
from vivavoce.asr.text.word_lists import word_set

if TYPE_CHECKING:
    from vivavoce.asr.text.formatting.rules.context import RunInContext
    from vivavoce.asr.text.formatting.words import Rewrite

__all__ = ["clock"]

_BEFORE_TIMES: Final = word_set("at by until till before after around since")
_COUNTED_NOUNS: Final = word_set("miles feet meters kilometers pounds people million thousand")
_HALVES_OF_DAY: Final = {"am": "a.m", "a.m": "a.m", "pm": "p.m", "p.m": "p.m"}
_HOURS_ON_CLOCK: Final = range(1, 13)
_MAX_HOUR: Final = 24
_MINUTES_AFTER_OH: Final = range(10)
_MINUTES: Final = range(10, 60)


def clock(context: RunInContext) -> Rewrite | None:
    """Seven thirty p.m., ten o'clock, at seven thirty."""
    time = _hour_and_minutes(context)
    if time is None:
        return None
    hour, minutes = time
    text = str(hour) if minutes is None else f"{hour}:{minutes:02}"
    after, then = context.after(), context.after(2)
    if hour in _HOURS_ON_CLOCK:
        if after in _HALVES_OF_DAY and then != "i":
            return Replacement(context.n_words, text), Replacement(1, _HALVES_OF_DAY[after])
        if after in {"a", "p"} and then == "m":
            return Replacement(context.n_words, text), Replacement(2, f"{after}.m")
        if after in {"o'clock", "oclock"}:
            return context.as_one_word(text)
    if minutes is None or hour == _MAX_HOUR or context.before() not in _BEFORE_TIMES:
        return None
    if context.before() != "at" and hour >= SMALLEST_IN_DIGITS:  # more likely a year
        return None
    if after in AFTER_AMOUNTS or after in _COUNTED_NOUNS or context.is_capital_after(1):
        return None
    return context.as_one_word(text)


def _hour_and_minutes(context: RunInContext) -> tuple[int, int | None] | None:
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
