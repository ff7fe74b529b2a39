"""What ``vivavoce bench`` and ``python -m vivavoce.bench`` do, once their options are read."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Any

import msgspec

from vivavoce.bench.capacity import capacity
from vivavoce.bench.corpus import find_eval
from vivavoce.bench.model import need
from vivavoce.bench.repeat import merge
from vivavoce.bench.repeat import table as repeat_table
from vivavoce.bench.report import as_fields, print_report, print_table, to_json
from vivavoce.bench.run import measure
from vivavoce.bench.soak import soak
from vivavoce.bench.soak import table as soak_table
from vivavoce.errors import ConfigurationError, VivavoceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vivavoce.bench.model import Script, Trace
    from vivavoce.bench.report import Report
    from vivavoce.bench.run import Options, Outcome

__all__ = ["Request", "execute", "exit_code_of", "folder_or_default", "numbers"]

_NEEDED = ("jiwer", "numpy", "soundfile", "whisper_normalizer.english")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call of the command.

    Attributes:
        options: What to measure.
        find_streams: Search for the number of streams held, up to this; None: don't.
        soak_min: Run that many minutes; None: each recording once.
        repeat: How many times.
        json: Where all figures go; ``-`` is standard output.
        traces: Where every message goes.
        quiet: Without progress on standard error.
    """

    options: Options
    find_streams: int | None = None
    soak_min: float | None = None
    repeat: int = 1
    json: Path | None = None
    traces: Path | None = None
    quiet: bool = False

    def __post_init__(self) -> None:
        if self.repeat < 1:
            raise ConfigurationError(f"--repeat: expected 1 or more, got {self.repeat}")
        if self.find_streams is not None and self.find_streams < 1:
            raise ConfigurationError(f"--find-streams: expected 1 or more, got {self.find_streams}")
        if self.find_streams is not None and self.soak_min is not None:
            raise ConfigurationError("--find-streams and --soak are different measurements: choose one")
        if (self.find_streams is not None or self.soak_min is not None) and self.options.speed != 1:
            raise ConfigurationError("--find-streams and --soak need real times: leave --speed out")
        if self.soak_min is not None and self.repeat > 1:
            raise ConfigurationError("--soak runs once: leave --repeat out")


def exit_code_of(work: Callable[[], int | None]) -> int:
    """Run a command; returns its exit code, or that of the error it ends in, said on standard error.

    Args:
        work: The command; None means 0.
    """
    try:
        return work() or 0
    except VivavoceError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


def folder_or_default(folder: Path | None) -> Path:
    """That folder, or the evaluation set.

    Raises:
        ConfigurationError: Neither is there.
    """
    found = folder or find_eval()
    if found is None:
        raise ConfigurationError("no folder given, and the evaluation set is not here (VIVAVOCE_EVAL)")
    return found


def numbers(text: str) -> tuple[int, ...]:
    """Core numbers such as ``0,1``.

    Raises:
        ConfigurationError: Those are none.
    """
    try:
        return tuple(int(core) for core in text.split(",") if core)
    except ValueError:
        raise ConfigurationError(f"--server-cores: expected numbers, got {text!r}") from None


def execute(request: Request) -> int:
    """Measure and print.

    Returns:
        The exit code: 0, or 1 if a session was dropped.

    Raises:
        VivavoceError: The measurement can't be done.
    """
    for module in _NEEDED:  # now, not after an hour of streaming
        need(module)
    if request.find_streams is not None:
        return _find(request, request.find_streams)
    if request.soak_min is not None:
        return _soak(request, request.soak_min)
    return _measure(request)


def _progress(request: Request) -> Callable[[str], None] | None:
    return None if request.quiet else lambda line: print(line, file=sys.stderr)  # noqa: T201 - a command's


def _shown(request: Request) -> bool:
    return str(request.json) != "-"


def _measure(request: Request) -> int:
    outcomes: list[Outcome] = []
    for number in range(request.repeat):
        options = replace(request.options, offline=request.options.offline and number == 0)
        outcomes.append(measure(options, progress=_progress(request)))
    # The recordings don't change, so one decoding in one pass serves all runs.
    offline = outcomes[0].report.offline_wer_percent
    reports = [replace(outcome.report, offline_wer_percent=offline) for outcome in outcomes]
    if _shown(request):
        for report in reports:
            print_report(report)
        if request.repeat > 1:
            print_table(list(repeat_table(reports)))
    if request.json:
        encoded = to_json(reports[0]) if request.repeat == 1 else _pretty(merge(reports))
        _write(request.json, encoded)
    if request.traces:
        sessions = [session for outcome in outcomes for session in outcome.sessions]
        request.traces.write_bytes(b"".join(_trace_line(script, trace) for script, trace in sessions))
    return 1 if any(report.overall.dropped for report in reports) else 0


def _find(request: Request, most: int) -> int:
    searches: list[tuple[int, list[Report]]] = []
    for _ in range(request.repeat):
        held, reports = capacity(request.options, most, progress=_progress(request))
        searches.append((held, reports))
        if _shown(request):
            for report in reports:
                print_report(report)
    cores = searches[-1][1][-1].cores
    all_held = [held for held, _ in searches]
    middle = median(all_held)
    if _shown(request):
        spread = f" (runs: {', '.join(map(str, all_held))})" if request.repeat > 1 else ""
        print(f"{middle:g} streams held{spread}, {middle / cores:.1f} per core")  # noqa: T201
    if request.json:
        trials = [as_fields(report) for _, reports in searches for report in reports]
        _write(request.json, _pretty({"held": middle, "runs": all_held, "cores": cores, "trials": trials}))
    return 0


def _soak(request: Request, minutes: float) -> int:
    result = soak(replace(request.options, load="continuous"), minutes, progress=_progress(request))
    if _shown(request):
        print_report(result.report)
        print_table(list(soak_table(result)))
    if request.json:
        _write(request.json, _pretty({**msgspec.to_builtins(result), "report": as_fields(result.report)}))
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
