"""Writes the measured and the simulated figures into docs/scaling.md, between its comments.

    python -m benchmarks.scaling_tables results.jsonl --sessions 10 --price 0.05 --into docs/scaling.md

The results are those of `benchmarks.scaling_curves`. The simulation takes a few minutes: its largest cluster
has 100,000 streams. It is the same each time.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from benchmarks.scaling_curves import SYSTEMS, Point
from benchmarks.scaling_simulation import Assumptions, Outage, Result, simulate
from benchmarks.script import exit_code_of
from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["SECTIONS", "curves", "insert", "main", "simulated"]

_NAMES: Final = {
    "plain-1": "server, 1 core",
    "plain-2": "server, 2 cores",
    "ray-1": "Ray, 1 replica of 1 core",
    "ray-2": "Ray, 2 replicas of 1 core",
}
SECTIONS: Final = ("measured", "sizes", "variants")
_MOST: Final = 100_000
_SIZES: Final = (100, 1_000, 10_000, _MOST)
_STUDIED: Final = 10_000  # streams of the variants


def _comments(section: str) -> tuple[str, str]:
    begin = f"<!-- scaling:{section}:begin: written by python -m benchmarks.scaling_tables -->"
    return begin, f"<!-- scaling:{section}:end -->"


def insert(text: str, section: str, table: str) -> str:
    """Return a page with a table between the comments of its section.

    Raises:
        ConfigurationError: The page has no such comments.
    """
    begin, end = _comments(section)
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ConfigurationError(f"the page needs a line {begin!r} and, after it, {end!r}")
    return f"{before}{begin}\n\n{table}\n{end}{after}"


def _table(rows: Iterable[Sequence[str]]) -> str:
    heading, *body = rows
    lines = ["| " + " | ".join(heading) + " |", "|---|" + "---:|" * (len(heading) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in body)]) + "\n"


# --- measured ------------------------------------------------------------------------------------


def _median(values: Iterable[float | None]) -> str:
    known = [each for each in values if each is not None]
    return f"{statistics.median(known):.2f}" if known else "-"


def _pair(runs: Iterable[tuple[float | None, float | None]]) -> str:
    middles, tails = zip(*runs, strict=True)
    return f"{_median(middles)} / {_median(tails)}"


def curves(points: Sequence[Point]) -> str:
    """Return the table of the measured points: medians over the rounds, and how many rounds were held."""
    rows: list[Sequence[str]] = [
        ("system", "streams", "rounds held", "word p50 / p95, s", "final p50 / p95, s", "cores busy")
    ]
    for system in SYSTEMS:
        for streams in sorted({point.streams for point in points if point.system == system}):
            runs = [point for point in points if (point.system, point.streams) == (system, streams)]
            held = sum(run.held for run in runs)
            rows.append(
                (
                    _NAMES[system],
                    str(streams),
                    f"{held} of {len(runs)}",
                    _pair((run.word_p50_s, run.word_p95_s) for run in runs),
                    _pair((run.final_p50_s, run.final_p95_s) for run in runs),
                    _median(run.cores for run in runs),
                )
            )
    return _table(rows)


# --- simulated -----------------------------------------------------------------------------------


def _cells(given: Assumptions, result: Result, price: float) -> tuple[str, ...]:
    """Return what is shown of a day."""
    step_s = given.step_s
    core_hours, stream_hours = result.replica_s / 3600, result.stream_s / 3600
    return (
        f"{result.peak_streams:,}",
        f"{result.peak_replicas:,}",
        f"{result.utilisation:.1f}",
        f"{100 * result.refused_first / result.arrived:.3f}",
        f"{result.wait_quantile_steps(0.9999) * step_s:.0f}",
        f"{result.gave_up + result.returned_gave_up:,}",
        f"{result.lost:,}",
        f"{result.moved:,}",
        f"{result.wait_quantile_steps(0.99, returned=True) * step_s:.0f}",
        f"{price * core_hours / stream_hours:.4f}",
    )


_HEADING: Final = (
    "streams at most",
    "replicas at most",
    "streams a replica, mean",
    "refused at first, %",
    "wait p99.99, s",
    "gave up",
    "lost a replica",
    "moved",
    "back after p99, s",
    "$ per stream-hour",
)


def simulated(cases: Mapping[str, Assumptions], price: float, first: str) -> str:
    """Return a table with a row for each case.

    Args:
        cases: What is simulated, by the name of the row.
        price: Of a core for an hour.
        first: Heading of the names.
    """
    rows: list[Sequence[str]] = [(first, *_HEADING)]
    for name, given in cases.items():
        print(name, file=sys.stderr, flush=True)  # noqa: T201 - progress
        rows.append((name, *_cells(given, simulate(given), price)))
    return _table(rows)


def _sizes(sessions: int) -> dict[str, Assumptions]:
    return {f"{n:,}": Assumptions(streams=n, sessions_per_replica=sessions) for n in _SIZES}


def _variants(sessions: int) -> Iterator[tuple[str, Assumptions]]:
    usual = Assumptions(streams=_STUDIED, sessions_per_replica=sessions)
    yield "as above", usual
    for target in (0.5, 0.8, 0.9, 1.0):
        yield f"target {target:g}", dataclasses.replace(usual, target=target)
    for machine_s in (0.0, 300.0):
        yield f"machines start in {machine_s:g} s", dataclasses.replace(usual, machine_s=machine_s)
    for burst in (1.0, 5.0, 10.0):
        yield f"bursts of {burst:g} times", dataclasses.replace(usual, burst=burst)
    yield "bursts of 10 times, target 0.4", dataclasses.replace(usual, burst=10.0, target=0.4)
    yield "drain of 30 s", dataclasses.replace(usual, drain_s=30.0)
    yield "removed after 60 s", dataclasses.replace(usual, downscale_delay_s=60.0)
    yield "machines live a day", dataclasses.replace(usual, machine_life_s=86_400.0)
    for part in (0.1, 1 / 3):
        outage = Outage(14 * 3600.0 + 1_800, part)
        yield f"{part:.0%} of all replicas fail at the peak", dataclasses.replace(usual, outage=outage)


def _read(path: Path) -> list[Point]:
    try:
        return [msgspec.json.decode(line, type=Point) for line in path.read_bytes().splitlines()]
    except msgspec.DecodeError as error:
        raise ConfigurationError(f"{path}: not results of benchmarks.scaling_curves: {error}") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the tables; returns the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks.scaling_tables", description=__doc__)
    parser.add_argument("results", type=Path, nargs="?", help="results of benchmarks.scaling_curves")
    parser.add_argument("--sessions", type=int, help="streams of a replica of one core; simulates with it")
    parser.add_argument("--price", type=float, default=0.05, help="$ for an hour of a core (default: 0.05)")
    parser.add_argument("--into", type=Path, required=True, help="the page")
    given = parser.parse_args(arguments)
    tables: dict[str, str] = {}
    if given.results is not None:
        tables["measured"] = curves(_read(given.results))
    if given.sessions is not None:
        tables["sizes"] = simulated(_sizes(given.sessions), given.price, "streams")
        tables["variants"] = simulated(dict(_variants(given.sessions)), given.price, "10,000 streams")
    text = given.into.read_text(encoding="utf-8")
    for section, table in tables.items():
        text = insert(text, section, table)
    given.into.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(exit_code_of(main))
