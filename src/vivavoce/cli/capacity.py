"""``vivavoce capacity``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from vivavoce.cli.destinations import check_writable
from vivavoce.cli.guarded import say
from vivavoce.cli.missing_extras import bench_extra
from vivavoce.cli.model_options import DeviceOption, find_models, with_folders
from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.bench.report import Report
    from vivavoce.model_files import ChosenModel

__all__ = ["capacity"]

_Load: TypeAlias = Literal["short", "continuous"]
_SHORT_TRIAL_S = 12.0
_NO_LIMIT = 1_000_000  # of sessions, whatever the environment says
_CONTINUOUS_TRIAL_S = 24.0  # long enough for most streams to be in the middle of speech

_LoadOption = Annotated[
    _Load,
    typer.Option(
        metavar="short|continuous",
        help="Stream short sessions, such as commands and calls, or continuous ones, such as talks.",
    ),
]
_ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME|FOLDER",
        show_default=False,
        help="Measure with this model, which must know English (default: the one of the installation).",
    ),
]
_FinalModelOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|FOLDER",
        show_default=False,
        help="Let this model hear finished turns again, as vivavoce serve does (default: no second model).",
    ),
]
_LimitOption = Annotated[int, typer.Option(metavar="N", min=1, help="Try up to this many streams.")]
_SecondsOption = Annotated[
    float | None,
    typer.Option(
        metavar="S",
        min=5.0,
        show_default=False,
        help="Stream at least this much audio in each trial (default: 12, or 24 of a continuous load).",
    ),
]
_JsonOption = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Write all figures as JSON to this file."),
]
_QuietOption = Annotated[bool, typer.Option("--quiet", help="Show no progress on standard error.")]


def capacity(
    *,
    load: _LoadOption = "short",
    model: _ModelOption = None,
    final_model: _FinalModelOption = None,
    device: DeviceOption = "cpu",
    limit: _LimitOption = 128,
    seconds: _SecondsOption = None,
    json: _JsonOption = None,
    quiet: _QuietOption = False,
) -> None:
    """Measure how many streams this machine holds, in about two minutes.

    \b
    Examples:
      vivavoce capacity
      vivavoce capacity --load continuous     for talks: about four minutes
      vivavoce capacity --model whisper-base
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

    from vivavoce.cli.capacity_file import Measured, figures_name, keep
    from vivavoce.cli.demo_recording import demo_recording_path, demo_reference
    from vivavoce.cores import usable_cores

    for module in REQUIRED:
        require(module)
    if json is not None:
        check_writable(json)
    models, arguments = _models(model, final_model, device)
    words = [(word.text, word.start_s, word.end_s) for word in demo_reference()]
    with tempfile.TemporaryDirectory(prefix="vivavoce-capacity-") as folder:
        streams, reports = find_capacity(
            Options(protocol="v3", load=load, server_arguments=arguments),
            limit,
            clips=sample_clips(demo_recording_path(), words, Path(folder)),
            seconds=seconds or (_SHORT_TRIAL_S if load == "short" else _CONTINUOUS_TRIAL_S),
            progress=None if quiet else _show_verdict,
        )
    print_table(_rows(reports))
    cores = usable_cores()
    if json is not None:
        trials, names = [as_fields(report) for report in reports], [model.name for model in models]
        fields = {"streams": streams, "load": load, "cores": cores, "models": names, "trials": trials}
        json.write_bytes(msgspec.json.format(msgspec.json.encode(fields), indent=2) + b"\n")
    keep(Measured(streams, cores), *map(figures_name, models), device=device)
    print(_result(streams, limit, load, cores))


def _result(streams: int, limit: int, load: _Load, cores: int) -> str:
    if not streams:
        return "This machine does not hold a single stream: text comes too late."
    more = " or more" if streams == limit else ""
    kind = "streams" if load == "short" else "streams of continuous talk"
    return f"This machine holds {streams}{more} {kind}, {streams / cores:.1f} a core."


def _models(
    model: str | None, final_model: str | None, device: str
) -> tuple[tuple[ChosenModel, ...], tuple[str, ...]]:
    """Return the models, the second one last, and the options of a server that uses these and no others.

    All that the environment or the configuration file may set otherwise is among the options.

    Raises:
        ConfigurationError: The recording that is streamed is not in their languages.
        ModelError: There is no such model, or it can't be used, or it can't be downloaded.
    """
    from vivavoce.server import ServerOptions, check_start

    found = find_models([model] if model else None)
    finals = find_models([final_model]) if final_model else ()
    for each in (*found, *finals):
        if "en" not in each.languages:
            raise ConfigurationError(f"capacity is measured with English speech, and {each.name} knows none")
    options = ServerOptions(port=0, models=found, final_model=finals[0] if finals else None, device=device)
    check_start(options)
    chosen = with_folders([*found, *finals], offline=False, check=lambda: None)
    arguments = ("--model", found[0].given, "--final-model", finals[0].given if finals else "")
    return chosen, (*arguments, "--device", device, "--max-sessions", str(_NO_LIMIT))


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
