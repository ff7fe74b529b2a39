"""How many streams a server holds."""

from __future__ import annotations

from dataclasses import replace
from math import gcd
from typing import TYPE_CHECKING

from vivavoce.bench.loads import MIN_SESSION_S, scripts
from vivavoce.bench.metrics import holds
from vivavoce.bench.run import chosen_clips, stream
from vivavoce.bench.systems import running
from vivavoce.errors import RealtimeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vivavoce.bench.model import Script
    from vivavoce.bench.report import Report
    from vivavoce.bench.run import Options

__all__ = ["capacity", "largest", "portion"]

_GOLDEN = 0.618
_ENOUGH_STREAMS = 8


def largest(held: Callable[[int], bool], most: int, first: int = 1) -> int:
    """The largest number from 1 to ``most`` that is held, 0 if not even 1 is.

    Doubles until one is not held, then halves the distance.

    Args:
        held: Whether so many are.
        most: Stop here.
        first: Begin here: few streams hear few recordings in a minute, and a single hard one decides.
    """
    good, bad = 0, min(first, most)
    while bad <= most and held(bad):
        good, bad = bad, bad * 2
    bad = min(bad, most + 1)
    while bad - good > 1:
        middle = (good + bad) // 2
        if held(middle):
            good = middle
        else:
            bad = middle
    return good


def portion(sessions: Sequence[Script], streams: int, seconds: float = MIN_SESSION_S) -> list[Script]:
    """A trial's sessions: one per stream or more, so many seconds each; from the start again if too few.

    They are taken from all over the set, so that trials with few streams and with many hear the same mixture.
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
    """A step that visits each of so many places once and never stays in one region: near the golden ratio."""
    return next(
        step for step in range(max(1, round(count * _GOLDEN)), 2 * count + 1) if gcd(step, count) == 1
    )


def capacity(
    options: Options, most: int, *, progress: Callable[[str], None] | None = None
) -> tuple[int, list[Report]]:
    """Find how many streams the server holds, as ``metrics.holds`` defines it.

    Args:
        options: What to measure; ``streams`` is not looked at, and times must be real (``speed`` 1).
        most: Stop here.
        progress: Told of what happens, a line at a time.

    Returns:
        The largest number held (0: not even one), and a report per trial in which any session worked.

    Raises:
        RealtimeError: Not even one stream worked.
    """
    clips = chosen_clips(options)
    reports: list[Report] = []
    with running(options) as system:

        def held(streams: int) -> bool:
            sessions = portion(scripts(clips, options.load, streams), streams)
            try:
                outcome = stream(system, replace(options, streams=streams), sessions, progress)
            except RealtimeError:
                if streams == 1:
                    raise
                return False
            reports.append(outcome.report)
            if system.rule is None:  # of the first trial: with one stream
                system.rule = outcome.rule
            verdict = holds(outcome.report.overall)
            if progress:
                progress(f"{streams} streams: {'held' if verdict else 'not held'}")
            return verdict

        first = 1 if system.rule is None else _ENOUGH_STREAMS
        return largest(held, most, first), reports
