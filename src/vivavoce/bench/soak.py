"""Many streams for a long time: does memory stay, do words keep coming as soon?"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from vivavoce.bench.capacity import portion
from vivavoce.bench.loads import scripts
from vivavoce.bench.metrics import percentile
from vivavoce.bench.run import chosen_clips, stream
from vivavoce.bench.systems import running
from vivavoce.bench.timing import emissions
from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vivavoce.bench.model import Script, Trace
    from vivavoce.bench.report import Report
    from vivavoce.bench.run import Options

__all__ = ["SETTLED_S", "Memory", "Soak", "latency_by_minute", "memory_course", "soak", "table"]

SETTLED_S = 300.0
"""After that long what a process needs once should have been taken."""
_SAMPLE_S = 5.0
_MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Memory:
    """The course of a resident set, in MiB.

    Attributes:
        start: At the first look.
        settled: Median of the minute after ``SETTLED_S``; None if it wasn't looked at for so long.
        end: Median of the last minute while streams ran.
        most: The largest.
        growth: From ``settled`` to ``end``. A single look sees what a pass just needs, or what was just given
            back.
    """

    start: float
    settled: float | None
    end: float
    most: float
    growth: float | None


@dataclass(frozen=True, slots=True)
class Soak:
    """What a long run showed.

    Attributes:
        minutes: How long it was meant to be.
        report: The figures over the whole run.
        memory: None if the process can't be looked at.
        memory_samples: Seconds since the start, MiB.
        emission_p95_by_minute: Of the words spoken in that minute, in s; None: no recognised word was.
        emission_p95_first_third: Over the words of the first third, in s.
        emission_p95_last_third: Over those of the last.
    """

    minutes: float
    report: Report
    memory: Memory | None
    memory_samples: list[tuple[float, float]]
    emission_p95_by_minute: list[float | None]
    emission_p95_first_third: float | None
    emission_p95_last_third: float | None


def memory_course(samples: Sequence[tuple[float, float]]) -> Memory | None:
    """Sum up looks at a resident set: (seconds since the start, MiB), in their order."""
    if not samples:
        return None
    start, last_s = samples[0][1], samples[-1][0]
    end = median(mib for at_s, mib in samples if at_s > last_s - _MINUTE_S)
    minute = [mib for at_s, mib in samples if SETTLED_S <= at_s < SETTLED_S + _MINUTE_S]
    settled = median(minute) if minute else None
    return Memory(
        start, settled, end, max(mib for _, mib in samples), None if settled is None else end - settled
    )


def latency_by_minute(words: Sequence[tuple[float, float]]) -> list[float | None]:
    """95th percentile of emission latencies by minute.

    Args:
        words: When each had been spoken, in seconds since the start, and its latency.
    """
    minutes: dict[int, list[float]] = {}
    for at_s, latency_s in words:
        minutes.setdefault(int(at_s // 60), []).append(latency_s)
    if not minutes:
        return []
    return [
        percentile(minutes[number], 95) if number in minutes else None for number in range(max(minutes) + 1)
    ]


def _words(sessions: Sequence[tuple[Script, Trace]], began_s: float) -> Iterator[tuple[float, float]]:
    for script, trace in sessions:
        if trace.error is None:
            for spoken_s, latency_s in emissions(script, trace):
                yield trace.begun_s + spoken_s - began_s, latency_s


def soak(options: Options, minutes: float, *, progress: Callable[[str], None] | None = None) -> Soak:
    """Run ``options.streams`` streams of continuous speech for that many minutes.

    Raises:
        ConfigurationError: That is no length, or the options can't be used.
        RealtimeError: Every session failed.
    """
    if minutes <= 0:
        raise ConfigurationError(f"soak: expected minutes, got {minutes:g}")
    sessions = portion(
        scripts(chosen_clips(options), options.load, options.streams), options.streams, minutes * 60
    )
    with running(options) as system:
        outcome = stream(system, options, sessions, progress, sample_s=_SAMPLE_S)
    begun = [trace.begun_s for _, trace in outcome.sessions if trace.error is None]
    began_s = min(begun)
    words = sorted(_words(outcome.sessions, began_s))
    third_s = max((at_s for at_s, _ in words), default=0.0) / 3
    first = [latency_s for at_s, latency_s in words if at_s <= third_s]
    last = [latency_s for at_s, latency_s in words if at_s >= 2 * third_s]
    samples = [(round(at_s - began_s, 1), mib) for at_s, mib in outcome.memory]
    return Soak(
        minutes=minutes,
        report=outcome.report,
        memory=memory_course(samples),
        memory_samples=samples,
        emission_p95_by_minute=latency_by_minute(words),
        emission_p95_first_third=percentile(first, 95) if first else None,
        emission_p95_last_third=percentile(last, 95) if last else None,
    )


def _text(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def table(result: Soak) -> Iterator[tuple[str, ...]]:
    """A heading, then a line per figure."""
    yield (f"{result.report.streams} streams for {result.minutes:g} min", "")
    memory = result.memory
    if memory:
        yield ("memory at start, MiB", _text(memory.start, 0))
        yield ("memory after 5 min, MiB", _text(memory.settled, 0))
        yield ("memory at the end, MiB", _text(memory.end, 0))
        yield ("growth after minute 5, MiB", _text(memory.growth, 1))
    yield ("word emission p95, first third, s", _text(result.emission_p95_first_third, 2))
    yield ("word emission p95, last third, s", _text(result.emission_p95_last_third, 2))
    by_minute = " ".join(_text(value, 2) for value in result.emission_p95_by_minute)
    yield ("word emission p95 by minute, s", by_minute)
