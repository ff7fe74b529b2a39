"""Everything that is published, measured in one go: ``scripts/bench``, ``python -m benchmarks.suite``.

The systems take turns (A B A B) at each measurement, so that what else the machine does meets all of them
alike, and whatever is compared was measured within minutes. Results are written after every step.
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
from vivavoce.bench.capacity import capacity, portion
from vivavoce.bench.command import folder_or_default
from vivavoce.bench.loads import scripts
from vivavoce.bench.metrics import holds
from vivavoce.bench.model import need
from vivavoce.bench.report import as_fields
from vivavoce.bench.run import Options, chosen_clips, offline_wer, stream
from vivavoce.bench.soak import soak
from vivavoce.bench.systems import SYSTEMS, running
from vivavoce.errors import ConfigurationError, RealtimeError, ServerError, VivavoceError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vivavoce.bench.loads import Load
    from vivavoce.bench.model import Script, SilenceRule
    from vivavoce.bench.systems import SystemName

__all__ = ["ITEMS", "Item", "Plan", "main", "quick", "run_suite"]

_SPEECH = ("read", "telephone-prompt")
_FOLDER = Path("bench-results")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One measurement of the suite.

    Attributes:
        name: In results.
        kinds: Recordings.
        limit: At most so many of each kind.
        streams: How many at once, or for a search at most.
        load: How recordings are laid into sessions.
        seconds: So much audio for each stream; None: each recording once.
        once: Whether one round is enough, as for word error rates.
    """

    name: str
    kinds: tuple[str, ...] = _SPEECH
    limit: int | None = None
    streams: int = 1
    load: Load = "short"
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
    """A few recordings of each, without searches: whether everything works, in a few minutes."""
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
        items: Measurements.
        systems: In turn.
        rounds: How often.
        quick: Whether ``items`` is a small subset.
        soak_min: Also streams for so many minutes; None: not.
        soak_streams: How many of them.
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
            raise ConfigurationError(f"--rounds: expected 1 or more, got {self.rounds}")

    def options(self, item: Item, system: SystemName) -> Options:
        """How to measure one item on one system."""
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
    return once if item.seconds is None else portion(once, item.streams, item.seconds)


def _entry(
    plan: Plan,
    item: Item,
    system: SystemName,
    number: int,
    rules: dict[str, SilenceRule],
    told: Callable[[str], None],
) -> Entry:
    options = plan.options(item, system)
    entry = Entry(item=item.name, system=system, round=number)
    try:
        if item.searches:
            held, reports = capacity(options, item.streams, progress=_searching(told))
            entry.held = held
        else:
            with running(options) as started:
                if item.streams > 1:  # many at once are held against what one alone showed in this round
                    started.rule = started.rule or rules.get(system)
                outcome = stream(started, options, _sessions(options, item), None)
            reports = [outcome.report]
            if item.streams == 1:
                rules[system] = outcome.rule
    except (RealtimeError, ServerError) as error:
        entry.error = str(error)
        told(f"  failed: {error}")
        return entry
    entry.reports = [as_fields(report) for report in reports]
    if entry.held is not None:
        told(f"  {entry.held} streams held")
    elif reports[0].overall.emission_s and not holds(reports[0].overall):
        told("  not held")
    return entry


def _searching(told: Callable[[str], None]) -> Callable[[str], None]:
    """Passes on what a search says of whole trials, not of every session."""
    return lambda line: told(f"  {line}") if line.endswith("held") else None


def run_suite(plan: Plan, path: Path, *, told: Callable[[str], None]) -> Results:
    """Measure, and write results to a file after every step.

    Args:
        plan: What to measure.
        path: The file.
        told: Told of what happens, a line at a time.

    Raises:
        VivavoceError: The recordings can't be used, or something that all of it needs is missing.
    """
    results = Results(quick=plan.quick)
    steps = [
        (number, item, system)
        for number in range(1, plan.rounds + 1)
        for item in plan.items
        if number == 1 or not item.once
        for system in plan.systems
    ]
    rules: dict[str, SilenceRule] = {}
    began_s = time.monotonic()
    for place, (number, item, system) in enumerate(steps, 1):
        told(
            f"{place}/{len(steps)} round {number}, {item.name}: {system} ({time.monotonic() - began_s:.0f} s)"
        )
        results.entries.append(_entry(plan, item, system, number, rules, told))
        save_results(results, path)
    accuracy = next((item for item in plan.items if item.name == "accuracy"), None)
    if accuracy is not None:
        told("the same recordings in one pass each")
        results.offline_wer_percent = offline_wer(chosen_clips(plan.options(accuracy, "vivavoce")))
        save_results(results, path)
    if plan.soak_min is not None:
        told(f"{plan.soak_streams} streams for {plan.soak_min:g} min")
        long = Item(name="soak", streams=plan.soak_streams, load="continuous")
        result = soak(plan.options(long, "vivavoce"), plan.soak_min)
        results.soak = {**msgspec.to_builtins(result), "report": as_fields(result.report)}
        save_results(results, path)
    return results


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measure everything that docs/performance.md publishes: hours, or minutes with --quick.",
    )
    add = parser.add_argument
    add("folder", type=Path, nargs="?", help="recordings with manifest.jsonl (default: the evaluation set)")
    add("--quick", action="store_true", help="a small subset, under 5 minutes; not to be published")
    add("--rounds", type=int, help="how often, for medians (default: 3, with --quick 1)")
    add("--item", action="append", choices=[item.name for item in ITEMS], help="only this; may be repeated")
    add("--system", action="append", choices=SYSTEMS, help="only this; may be repeated")
    add("--soak", type=float, metavar="MINUTES", help="also 8 streams of our own server for so long")
    add("--server-arg", action="append", default=[], help="argument for our own server; may be repeated")
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


def main(argv: Sequence[str] | None = None) -> int:
    """Run; returns the exit code."""
    arguments = _parser().parse_args(argv)
    name = datetime.now(UTC).strftime("%Y%m%d-%H%M%S") + ("-quick" if arguments.quick else "")
    path = arguments.output or _FOLDER / f"{name}.json"

    def told(line: str) -> None:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()

    try:
        for module in ("jiwer", "soundfile", "whisper_normalizer.english"):
            need(module)
        results = run_suite(_plan(arguments), path, told=told)
    except VivavoceError as error:
        told(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        told(f"interrupted; what was measured is in {path}")
        return 130
    sys.stdout.write(page(results))
    told(f"\nResults: {path}")
    if not arguments.quick:
        told(
            "To publish them:\n"
            f"  python -m benchmarks.plot {path} -o docs/performance.svg\n"
            f"  python -m benchmarks.publish {path} --into docs/performance.md"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
