"""The number of streams that a server holds."""

from __future__ import annotations

from dataclasses import replace
from math import gcd
from typing import TYPE_CHECKING

from vivavoce.bench.figures import is_held
from vivavoce.bench.loads import MIN_SESSION_S, scripts
from vivavoce.bench.measure import chosen_clips, stream
from vivavoce.bench.systems import running
from vivavoce.errors import RealtimeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vivavoce.bench.options import Options
    from vivavoce.bench.records import Clip, Script
    from vivavoce.bench.report import Report

__all__ = ["find_capacity", "largest_held", "trial_sessions"]

_GOLDEN = 0.618
_FIRST_TRIAL_STREAMS = 8


def largest_held(held: Callable[[int], bool], limit: int, first: int = 1) -> int:
    """Return the largest number from 1 to ``limit`` that is held, 0 if not even 1 is.

    Doubles until a number is not held, then bisects.

    Args:
        held: Whether this number is held.
        limit: Largest number to try.
        first: First number to try. With few streams a minute contains few recordings, and a single hard one
            decides the trial.
    """
    good, bad = 0, min(first, limit)
    while bad <= limit and held(bad):
        good, bad = bad, bad * 2
    bad = min(bad, limit + 1)
    while bad - good > 1:
        middle = (good + bad) // 2
        if held(middle):
            good = middle
        else:
            bad = middle
    return good


def trial_sessions(sessions: Sequence[Script], streams: int, seconds: float = MIN_SESSION_S) -> list[Script]:
    """Choose the sessions of a trial, repeated if there are too few.

    They come from all over the set, so that trials with few streams and with many have the same mixture.

    Args:
        sessions: The sessions to choose from.
        streams: Number of concurrent streams; each has at least one session.
        seconds: Least audio per stream.
    """
    stride = _stride(len(sessions))
    chosen: list[Script] = []
    length_s = 0.0
    while len(chosen) < streams or length_s < streams * seconds:
        script = sessions[len(chosen) * stride % len(sessions)]
        chosen.append(script)
        length_s += script.duration_s
    return chosen


def _stride(count: int) -> int:
    """Return a step that visits each of ``count`` places once, spread out: near the golden ratio."""
    return next(
        step for step in range(max(1, round(count * _GOLDEN)), 2 * count + 1) if gcd(step, count) == 1
    )


def find_capacity(
    options: Options,
    limit: int,
    *,
    clips: Sequence[Clip] | None = None,
    seconds: float = MIN_SESSION_S,
    progress: Callable[[str], None] | None = None,
) -> tuple[int, list[Report]]:
    """Find how many streams the server holds, as defined by `figures.is_held`.

    Args:
        options: What to measure; ``streams`` is ignored, and ``speed`` must be 1.
        limit: Largest number of streams to try.
        clips: The recordings; None: those that the options choose.
        seconds: Least audio of each stream in a trial.
        progress: Called with a line of progress.

    Returns:
        The largest number held (0: not even one), and a report per trial in which a session succeeded.

    Raises:
        RealtimeError: Every session failed, even with one stream.
    """
    chosen = chosen_clips(options) if clips is None else clips
    reports: list[Report] = []
    with running(options) as system:

        def held(streams: int) -> bool:
            sessions = trial_sessions(scripts(chosen, options.load, streams, seconds), streams, seconds)
            try:
                outcome = stream(system, replace(options, streams=streams), sessions, progress)
            except RealtimeError:
                if streams == 1:
                    raise
                return False
            reports.append(outcome.report)
            if system.rule is None:  # of the first trial: with one stream
                system.rule = outcome.rule
            verdict = is_held(outcome.report.overall)
            if progress:
                progress(f"{streams} streams: {'held' if verdict else 'not held'}")
            return verdict

        first = 1 if system.rule is None else _FIRST_TRIAL_STREAMS
        return largest_held(held, limit, first), reports
