"""A long run with many streams: the course of memory and latency."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from vivavoce.bench.capacity import trial_sessions
from vivavoce.bench.figures import percentile
from vivavoce.bench.loads import scripts
from vivavoce.bench.measure import chosen_clips, stream
from vivavoce.bench.systems import running
from vivavoce.bench.timing import emissions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vivavoce.bench.options import Options
    from vivavoce.bench.records import Script, Trace
    from vivavoce.bench.report import Report

__all__ = ["SETTLED_S", "Memory", "Soak", "latency_by_minute", "run_soak", "summarise_memory", "table"]

SETTLED_S = 300.0
"""After this time a process should have allocated everything that it allocates once."""
_SAMPLE_S = 5.0
_MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Memory:
    """The course of a resident set, in MiB.

    Attributes:
        start: First sample.
        settled: Median of the minute after ``SETTLED_S``; None if the run was shorter.
        end: Median of the last minute while streams ran.
        most: Largest sample.
        growth: From ``settled`` to ``end``. Both are medians because a single sample depends on what a pass
            uses at that moment, or has just released.
    """

    start: float
    settled: float | None
    end: float
    most: float
    growth: float | None


@dataclass(frozen=True, slots=True)
class Soak:
    """The result of a long run.

    Attributes:
        minutes: Its intended length.
        report: Figures over the whole run.
        memory: None if the process is unknown.
        memory_samples: Seconds since the start, MiB.
        emission_p95_by_minute: Of the words spoken in each minute, in s; None: no recognised word.
        emission_p95_first_third: Over the words of the first third of the run, in s.
        emission_p95_last_third: Over those of the last third.
    """

    minutes: float
    report: Report
    memory: Memory | None
    memory_samples: list[tuple[float, float]]
    emission_p95_by_minute: list[float | None]
    emission_p95_first_third: float | None
    emission_p95_last_third: float | None


def summarise_memory(samples: Sequence[tuple[float, float]]) -> Memory | None:
    """Summarise samples of a resident set: (seconds since the start, MiB), in their order."""
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
    """Return the 95th percentile of emission latencies by minute.

    Args:
        words: Per word its spoken end, in seconds since the start, and its latency.
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


def run_soak(options: Options, minutes: float, *, progress: Callable[[str], None] | None = None) -> Soak:
    """Run ``options.streams`` concurrent streams for a number of minutes.

    Args:
        options: What to measure.
        minutes: Length of the run.
        progress: Called with a line of progress.

    Raises:
        ConfigurationError: The options or the recordings are not valid.
        RealtimeError: Every session failed.
    """
    sessions = trial_sessions(
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
        memory=summarise_memory(samples),
        memory_samples=samples,
        emission_p95_by_minute=latency_by_minute(words),
        emission_p95_first_third=percentile(first, 95) if first else None,
        emission_p95_last_third=percentile(last, 95) if last else None,
    )


def _text(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def table(result: Soak) -> Iterator[tuple[str, ...]]:
    """Yield a heading, then a row per figure."""
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
