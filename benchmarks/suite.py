"""Everything that is published, measured in one run: ``scripts/bench``, ``python -m benchmarks.suite``.

The systems take turns (A B A B) at each measurement, so that the load of other processes affects all of them
alike and compared figures are minutes apart. Results are written after every step.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from benchmarks.publish import page
from benchmarks.results import CAPACITY, Entry, Results, save_results
from benchmarks.script import exit_code_of
from vivavoce.bench.capacity import find_capacity, trial_sessions
from vivavoce.bench.corpus import folder_or_default
from vivavoce.bench.figures import is_held
from vivavoce.bench.loads import scripts
from vivavoce.bench.measure import chosen_clips, stream
from vivavoce.bench.offline import offline_wer
from vivavoce.bench.options import SYSTEMS, Options
from vivavoce.bench.report import as_fields
from vivavoce.bench.requirements import REQUIRED, require
from vivavoce.bench.soak import run_soak
from vivavoce.bench.systems import running
from vivavoce.errors import ConfigurationError, RealtimeError, ServerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vivavoce.bench.options import LoadName, SystemName
    from vivavoce.bench.records import Script, SilenceRule
    from vivavoce.bench.report import Report

__all__ = ["ITEMS", "Item", "Plan", "main", "quick", "run_suite"]

_SPEECH = ("read", "telephone-prompt")
_FOLDER = Path("bench-results")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One measurement of the suite.

    Attributes:
        name: Its name in the results.
        kinds: Kinds of recordings.
        limit: Largest number of recordings of each kind; None: all.
        streams: Number of concurrent streams; for a search the largest.
        load: How recordings are laid into sessions.
        seconds: Least audio per stream; None: each recording once.
        once: Whether one round is enough, as for word error rates.
    """

    name: str
    kinds: tuple[str, ...] = _SPEECH
    limit: int | None = None
    streams: int = 1
    load: LoadName = "short"
    seconds: float | None = None
    once: bool = False

    @property
    def searches(self) -> bool:
        """Whether it searches for the number of streams held."""
        return self.name in CAPACITY.values()


ITEMS = (
    Item(name="one-stream", limit=10),
    Item(name="accuracy", streams=4, once=True),
    Item(name="sixteen-streams", streams=16, seconds=60),
    Item(name="held-short", streams=64),
    Item(name="held-continuous", streams=64, load="continuous"),
    Item(name="non-speech", kinds=("non-speech",), streams=2),
)


def quick(items: Sequence[Item]) -> list[Item]:
    """Return a small version of the items, without searches: checks in minutes that everything works."""
    small: list[Item] = []
    for item in items:
        if item.name == "accuracy" or item.searches:
            continue
        streams = min(item.streams, 4)
        seconds = None if item.seconds is None else 15.0
        small.append(replace(item, limit=None if seconds else 2, streams=streams, seconds=seconds))
    return small


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run of the suite measures.

    Attributes:
        folder: Recordings with their manifest.
        items: The measurements.
        systems: The systems, which take turns.
        rounds: Number of rounds.
        quick: Whether ``items`` is a small subset.
        soak_min: Length of an additional long run in minutes; None: no such run.
        soak_streams: Number of its streams.
        server_arguments: More of the command line of our own server.
    """

    folder: Path
    items: tuple[Item, ...] = ITEMS
    systems: tuple[SystemName, ...] = SYSTEMS
    rounds: int = 3
    quick: bool = False
    soak_min: float | None = None
    soak_streams: int = 8
    server_arguments: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.rounds < 1:
            raise ConfigurationError(f"--rounds must be 1 or more, got {self.rounds}")

    def options(self, item: Item, system: SystemName) -> Options:
        """Return the options that measure one item on one system."""
        return Options(
            folder=self.folder,
            kinds=item.kinds,
            limit=item.limit,
            system=system,
            streams=item.streams,
            load=item.load,
            server_arguments=self.server_arguments,
        )


def _sessions(options: Options, item: Item) -> list[Script]:
    once = scripts(chosen_clips(options), item.load, item.streams)
    return once if item.seconds is None else trial_sessions(once, item.streams, item.seconds)


class _Run:
    """A run of the suite in progress.

    Attributes:
        results: So far.
    """

    def __init__(self, plan: Plan, path: Path, log: Callable[[str], None]) -> None:
        self.results = Results(quick=plan.quick)
        self._plan = plan
        self._path = path
        self._log = log
        # By system: the silences that one stream showed. They apply to the later items with many streams.
        self._rules: dict[str, SilenceRule] = {}

    def measure(self, item: Item, system: SystemName, number: int) -> None:
        """Measure one item on one system in a round of this number."""
        entry = Entry(item=item.name, system=system, round=number)
        try:
            reports = self._search(item, system, entry) if item.searches else [self._stream(item, system)]
        except (RealtimeError, ServerError) as error:
            entry.error = str(error)
            self._log(f"  failed: {error}")
        else:
            entry.reports = [as_fields(report) for report in reports]
            if entry.held is not None:
                self._log(f"  {entry.held} streams held")
            elif reports[0].overall.emission_s and not is_held(reports[0].overall):
                self._log("  not held")
        self.results.entries.append(entry)
        save_results(self.results, self._path)

    def _search(self, item: Item, system: SystemName, entry: Entry) -> list[Report]:
        def progress(line: str) -> None:
            if line.endswith("held"):  # of whole trials, not of every session
                self._log(f"  {line}")

        options = self._plan.options(item, system)
        entry.held, reports = find_capacity(options, item.streams, progress=progress)
        return reports

    def _stream(self, item: Item, system: SystemName) -> Report:
        options = self._plan.options(item, system)
        with running(options) as started:
            if item.streams > 1:
                started.rule = started.rule or self._rules.get(system)
            outcome = stream(started, options, _sessions(options, item), None)
        if item.streams == 1:
            self._rules[system] = outcome.rule
        return outcome.report

    def decode_offline(self, item: Item) -> None:
        """Decode the recordings of an item in one pass each."""
        self._log("the same recordings in one pass each")
        self.results.offline_wer_percent = offline_wer(chosen_clips(self._plan.options(item, "vivavoce")))
        save_results(self.results, self._path)

    def soak(self, minutes: float) -> None:
        """Make the long run."""
        streams = self._plan.soak_streams
        self._log(f"{streams} streams for {minutes:g} min")
        item = Item(name="soak", streams=streams, load="continuous")
        result = run_soak(self._plan.options(item, "vivavoce"), minutes)
        self.results.soak = {**msgspec.to_builtins(result), "report": as_fields(result.report)}
        save_results(self.results, self._path)


def run_suite(plan: Plan, path: Path, *, log: Callable[[str], None]) -> Results:
    """Measure, and write results to a file after every step.

    Args:
        plan: What to measure.
        path: The file.
        log: Called with a line of progress.

    Raises:
        VivavoceError: The recordings cannot be used, or a package that every step needs is missing.
    """
    run = _Run(plan, path, log)
    steps = [
        (number, item, system)
        for number in range(1, plan.rounds + 1)
        for item in plan.items
        if number == 1 or not item.once
        for system in plan.systems
    ]
    began_s = time.monotonic()
    for place, (number, item, system) in enumerate(steps, 1):
        elapsed_s = time.monotonic() - began_s
        log(f"{place}/{len(steps)} round {number}, {item.name}: {system} ({elapsed_s:.0f} s)")
        run.measure(item, system, number)
    accuracy = next((item for item in plan.items if item.name == "accuracy"), None)
    if accuracy is not None:
        run.decode_offline(accuracy)
    if plan.soak_min is not None:
        run.soak(plan.soak_min)
    return run.results


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measure everything that docs/performance.md publishes: hours, or minutes with --quick.",
    )
    add = parser.add_argument
    add("folder", type=Path, nargs="?", help="recordings with manifest.jsonl (default: the evaluation set)")
    add("--quick", action="store_true", help="a small subset, under 5 minutes; not for publication")
    add("--rounds", type=int, help="number of rounds, for medians (default: 3, with --quick 1)")
    add("--item", action="append", choices=[item.name for item in ITEMS], help="only this; repeatable")
    add("--system", action="append", choices=SYSTEMS, help="only this; repeatable")
    add("--soak", type=float, metavar="MINUTES", help="also run 8 streams of our own server for MINUTES")
    add("--server-arg", action="append", default=[], help="argument for our own server; repeatable")
    add("-o", "--output", type=Path, metavar="FILE", help="results (default: bench-results/, by date)")
    return parser


def _plan(arguments: argparse.Namespace) -> Plan:
    items = [item for item in ITEMS if not arguments.item or item.name in arguments.item]
    return Plan(
        folder=folder_or_default(arguments.folder),
        items=tuple(quick(items) if arguments.quick else items),
        systems=tuple(system for system in SYSTEMS if not arguments.system or system in arguments.system),
        rounds=arguments.rounds or (1 if arguments.quick else 3),
        quick=arguments.quick,
        soak_min=arguments.soak,
        server_arguments=tuple(arguments.server_arg),
    )


def _log(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _measure(arguments: argparse.Namespace, path: Path) -> int:
    for module in REQUIRED:  # now, not after an hour of streaming
        require(module)
    try:
        results = run_suite(_plan(arguments), path, log=_log)
    except KeyboardInterrupt:
        _log(f"interrupted; the results so far are in {path}")
        return 130
    sys.stdout.write(page(results))
    _log(f"\nResults: {path}")
    if not arguments.quick:
        _log(
            "To publish them:\n"
            f"  python -m benchmarks.plot {path} -o docs/performance.svg\n"
            f"  python -m benchmarks.publish {path} --into docs/performance.md"
        )
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run; returns the exit code."""
    arguments = _parser().parse_args(argv)
    name = datetime.now(UTC).strftime("%Y%m%d-%H%M%S") + ("-quick" if arguments.quick else "")
    path = arguments.output or _FOLDER / f"{name}.json"
    return exit_code_of(lambda: _measure(arguments, path))


if __name__ == "__main__":
    sys.exit(main())
