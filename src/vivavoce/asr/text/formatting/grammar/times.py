"""Ranges of clock times, and times that are said in words: "half past ten"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from vivavoce.asr.text.formatting.cursor import before, closes, joined
from vivavoce.asr.text.formatting.numbers import parse_run
from vivavoce.asr.text.formatting.rules.clock import half_of_day, hour_and_minutes
from vivavoce.asr.text.formatting.rules.context import RunInContext
from vivavoce.asr.text.formatting.words import Decision, Replacement
from vivavoce.asr.text.word_lists import FUNCTION_WORDS, word_set

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.text.formatting.words import SplitWord

__all__ = ["clock_times"]

_HOURS: Final = range(1, 13)
_LINKS: Final = word_set("to or and through till until")
_RELATIONS: Final = word_set("to past of after till before")
_CLEAR_RELATIONS: Final = frozenset({"past", "till"})
_BEFORE_TIMES: Final = word_set("from between at by around before after until till since about")
_MINUTES_IN_WORDS: Final = frozenset({5, 10, 15, 20, 25})
_MOST_MINUTES: Final = 30


class _Moment(NamedTuple):
    """A time of day.

    Attributes:
        start: Index of its first word.
        end: Index after its last word.
        hour: 1 to 12.
        minutes: None if it has none.
    """

    start: int
    end: int
    hour: int
    minutes: int | None

    @property
    def text(self) -> str:
        """The time in figures."""
        return str(self.hour) if self.minutes is None else f"{self.hour}:{self.minutes:02}"


def clock_times(words: Sequence[SplitWord], at: int) -> Decision | None:
    """Decide about a time that begins at a word, if it is part of a range or is said in words."""
    return _relative(words, at) or _range(words, at)


def _relative(words: Sequence[SplitWord], at: int) -> Decision | None:
    """Half past ten, five minutes to twelve, ten of five: as spoken."""
    end = at + (words[at].key == "a" and joined(words, at + 1) == "quarter")
    minutes = 0
    if words[end].key in {"half", "quarter"} and not words[end].trail:
        end += 1
    elif words[at].key != "a" and (moment := _number(words, at)):
        minutes, end = moment
        if joined(words, end) in {"minutes", "minute"}:
            end += 1
        elif minutes not in _MINUTES_IN_WORDS:
            return None
    else:
        return None
    relation = joined(words, end)
    hour = _number(words, end + 1) if relation in _RELATIONS and joined(words, end + 1) else None
    if hour is None or hour[0] not in _HOURS or minutes > _MOST_MINUTES:
        return None
    after_hour = joined(words, hour[1])
    is_time = closes(words, hour[1]) or half_of_day(words, hour[1]) or after_hour == "o'clock"
    if relation in _CLEAR_RELATIONS or not minutes:
        is_time = is_time or after_hour in FUNCTION_WORDS
    elif relation == "to" and before(words, at) in {"from", "between"}:
        return None
    return Decision((), hour[1] - at) if is_time else None


def _number(words: Sequence[SplitWord], at: int) -> tuple[int, int] | None:
    """A whole number and the index after it."""
    run = parse_run(words, at)
    number = run.single if run else None
    if run is None or number is None or run.sign or number.is_decimal or number.is_written:
        return None
    return number.value, run.end


def _range(words: Sequence[SplitWord], at: int) -> Decision | None:
    """From ten to eleven thirty, at five or six o'clock."""
    first = _moment(words, at)
    if first is None:
        return None
    moments = [first]
    while joined(words, moments[-1].end) in _LINKS and joined(words, moments[-1].end + 1):
        moment = _moment(words, moments[-1].end + 1)
        if moment is None:
            break
        moments.append(moment)
    if len(moments) == 1:
        return None
    end = moments[-1].end
    rewrite: list[Replacement] = []
    for moment in moments:
        rewrite += [Replacement(1, words[moment.start - 1].core)] if rewrite else []
        rewrite.append(Replacement(moment.end - moment.start, moment.text))
    if half := half_of_day(words, end):
        return Decision((*rewrite, half), 0)
    if joined(words, end) in {"o'clock", "oclock"}:
        return Decision(tuple(rewrite), 0)
    if all(moment.minutes is None for moment in moments):
        return None
    if before(words, at) not in _BEFORE_TIMES:
        is_mixed = any(moment.minutes is None for moment in moments)
        return Decision((), end - at) if is_mixed else None
    if closes(words, end) or words[end].key in FUNCTION_WORDS - {"a"}:
        return Decision(tuple(rewrite), 0)
    return Decision((), end - at)


def _moment(words: Sequence[SplitWord], at: int) -> _Moment | None:
    run = parse_run(words, at)
    time = hour_and_minutes(RunInContext(words, run)) if run else None
    if run is None or time is None or time[0] not in _HOURS:
        return None
    return _Moment(at, run.end, *time)
