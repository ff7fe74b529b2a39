"""``vivavoce capacity``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vivavoce.cli.guarded import say
from vivavoce.cli.missing_extras import bench_extra

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.bench.report import Report

__all__ = ["capacity"]

_LimitOption = Annotated[int, typer.Option(metavar="N", min=1, help="Try up to this many streams.")]
_SecondsOption = Annotated[
    float, typer.Option(metavar="S", min=5.0, help="Stream at least this much audio in each trial.")
]
_JsonOption = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Write all figures as JSON to this file."),
]
_QuietOption = Annotated[bool, typer.Option("--quiet", help="Show no progress on standard error.")]


def capacity(
    *,
    limit: _LimitOption = 128,
    seconds: _SecondsOption = 12.0,
    json: _JsonOption = None,
    quiet: _QuietOption = False,
) -> None:
    """Measure how many streams this machine holds, in about two minutes.

    \b
    Examples:
      vivavoce capacity
      vivavoce serve --max-sessions measured

    Starts a server, lets more and more clients stream parts of the sample recording at the speed of speech,
    and finds the largest number of streams for which text still comes in time: at the 95th percentile within
    2 s of a word, and within 0.5 s of the silence that ends a turn. The clients run on the same machine.
    Close other programs first, and measure again after an update.
    """  # noqa: D301  - click keeps the lines after \b as they are
    with bench_extra():
        from vivavoce.bench.capacity import find_capacity
        from vivavoce.bench.options import Options
        from vivavoce.bench.report import as_fields, print_table
        from vivavoce.bench.requirements import REQUIRED, require
        from vivavoce.bench.sample import sample_clips
    import msgspec

    from vivavoce.asr.engine.cores import usable_cores
    from vivavoce.cli.capacity_file import Measured, keep
    from vivavoce.cli.demo_recording import demo_recording_path, demo_reference

    for module in REQUIRED:
        require(module)
    words = [(word.text, word.start_s, word.end_s) for word in demo_reference()]
    with tempfile.TemporaryDirectory(prefix="vivavoce-capacity-") as folder:
        streams, reports = find_capacity(
            Options(protocol="v3"),
            limit,
            clips=sample_clips(demo_recording_path(), words, Path(folder)),
            seconds=seconds,
            progress=None if quiet else _show_verdict,
        )
    print_table(_rows(reports))
    cores = usable_cores()
    if json is not None:
        fields = {"streams": streams, "cores": cores, "trials": [as_fields(report) for report in reports]}
        json.write_bytes(msgspec.json.format(msgspec.json.encode(fields), indent=2) + b"\n")
    keep(Measured(streams, cores))
    if not streams:
        print("This machine does not hold a single stream: text comes too late.")
        return
    more = " or more" if streams == limit else ""
    print(f"This machine holds {streams}{more} streams, {streams / cores:.1f} a core.")


def _show_verdict(line: str) -> None:
    """Show what became of a trial, and not what became of each session."""
    if "streams:" in line:
        say(line)


def _rows(reports: Sequence[Report]) -> list[tuple[str, ...]]:
    """Return a heading, and a row for each trial in the order of streams."""
    rows: list[tuple[str, ...]] = [
        ("streams", "word, s p50 / p95", "final, s p50 / p95", "cores a stream", "failed")
    ]
    for report in sorted(reports, key=lambda report: report.streams):
        figures = report.overall
        spreads = (
            "-" if each is None else f"{each.p50:.2f} / {each.p95:.2f}"
            for each in (figures.emission_s, figures.final_s)
        )
        cost = "-" if report.cost is None else f"{report.cost.cpu_per_stream:.3f}"
        rows.append((str(report.streams), *spreads, cost, str(figures.dropped)))
    return rows
