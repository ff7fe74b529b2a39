"""What ``vivavoce bench`` does with its options: measure, print, write files."""

from __future__ import annotations

import sys
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING, Any

import msgspec

from vivavoce.bench.capacity import find_capacity
from vivavoce.bench.measure import measure
from vivavoce.bench.repeat import merge
from vivavoce.bench.repeat import table as repeat_table
from vivavoce.bench.report import as_fields, print_report, print_table, to_json
from vivavoce.bench.requirements import REQUIRED, require
from vivavoce.bench.soak import run_soak
from vivavoce.bench.soak import table as soak_table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vivavoce.bench.measure import Outcome
    from vivavoce.bench.options import Options
    from vivavoce.bench.records import Script, Trace
    from vivavoce.bench.report import Report

__all__ = ["execute"]


def execute(options: Options) -> int:
    """Measure and print.

    Returns:
        The exit code: 0, or 1 if a session was dropped.

    Raises:
        VivavoceError: The measurement cannot be done.
    """
    for module in REQUIRED:  # now, not after an hour of streaming
        require(module)
    if options.find_streams is not None:
        return _find(options, options.find_streams)
    if options.soak_min is not None:
        return _soak(options, options.soak_min)
    return _measure(options)


def _progress(options: Options) -> Callable[[str], None] | None:
    return None if options.quiet else lambda line: print(line, file=sys.stderr)  # noqa: T201 - a command's


def _prints_tables(options: Options) -> bool:
    return str(options.json) != "-"


def _measure(options: Options) -> int:
    outcomes: list[Outcome] = []
    for number in range(options.repeat):
        # The recordings are the same in every run, so they are decoded in one pass only once.
        once = replace(options, offline=options.offline and number == 0)
        outcomes.append(measure(once, progress=_progress(options)))
    offline = outcomes[0].report.offline_wer_percent
    reports = [replace(outcome.report, offline_wer_percent=offline) for outcome in outcomes]
    if _prints_tables(options):
        for report in reports:
            print_report(report)
        if options.repeat > 1:
            print_table(list(repeat_table(reports)))
    if options.json:
        _write(options.json, to_json(reports[0]) if options.repeat == 1 else _pretty(merge(reports)))
    if options.traces:
        sessions = [session for outcome in outcomes for session in outcome.sessions]
        options.traces.write_bytes(b"".join(_trace_line(script, trace) for script, trace in sessions))
    return 1 if any(report.overall.dropped for report in reports) else 0


def _find(options: Options, limit: int) -> int:
    searches: list[tuple[int, list[Report]]] = []
    for _ in range(options.repeat):
        held, reports = find_capacity(options, limit, progress=_progress(options))
        searches.append((held, reports))
        if _prints_tables(options):
            for report in reports:
                print_report(report)
    cores = searches[-1][1][-1].cores
    all_held = [held for held, _ in searches]
    middle = median(all_held)
    if _prints_tables(options):
        spread = f" (runs: {', '.join(map(str, all_held))})" if options.repeat > 1 else ""
        print(f"{middle:g} streams held{spread}, {middle / cores:.1f} per core")  # noqa: T201
    if options.json:
        trials = [as_fields(report) for _, reports in searches for report in reports]
        _write(options.json, _pretty({"held": middle, "runs": all_held, "cores": cores, "trials": trials}))
    return 0


def _soak(options: Options, minutes: float) -> int:
    result = run_soak(replace(options, load="continuous"), minutes, progress=_progress(options))
    if _prints_tables(options):
        print_report(result.report)
        print_table(list(soak_table(result)))
    if options.json:
        _write(options.json, _pretty({**msgspec.to_builtins(result), "report": as_fields(result.report)}))
    return 1 if result.report.overall.dropped else 0


def _pretty(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2)


def _trace_line(script: Script, trace: Trace) -> bytes:
    clips = [{"id": placed.clip.id, "offset_s": placed.offset_s} for placed in script.clips]
    return msgspec.json.encode({"clips": clips, **msgspec.to_builtins(trace)}) + b"\n"


def _write(path: Path, content: bytes) -> None:
    if str(path) == "-":
        sys.stdout.write(content.decode() + "\n")
    else:
        path.write_bytes(content + b"\n")
