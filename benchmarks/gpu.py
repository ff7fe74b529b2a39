"""What a GPU brings: latency, errors, CPU and streams held of the same models on the CPU and on the GPU.

Run ``python -m benchmarks.gpu`` on a machine with an NVIDIA GPU: ten minutes, for the default model. More
models (``--model NAME``, repeatable) share the ten minutes, and their searches end earlier. The recording is
the sample in the package of the default model, so nothing else is needed. ``--device cpu`` needs no GPU.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

import msgspec

from benchmarks.script import exit_code_of
from vivavoce.bench.capacity import largest_held, trial_sessions
from vivavoce.bench.environment import describe
from vivavoce.bench.figures import is_held
from vivavoce.bench.loads import scripts
from vivavoce.bench.measure import stream
from vivavoce.bench.options import Options
from vivavoce.bench.report import as_fields, print_table
from vivavoce.bench.requirements import REQUIRED, require
from vivavoce.bench.sample import sample_clips
from vivavoce.bench.systems import running
from vivavoce.cli.demo_recording import demo_recording_path, demo_reference
from vivavoce.cli.model_options import Device
from vivavoce.errors import RealtimeError, ServerError
from vivavoce.model_files import DEFAULT_MODEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vivavoce.bench.figures import Spread
    from vivavoce.bench.records import Clip
    from vivavoce.bench.report import Report

__all__ = ["Measured", "main", "measure_all", "rows", "search"]

_FIRST_STREAMS: Final = 8
_ALONE: Final = 3  # as much audio for one stream as so many trials have for each
_HEADING: Final = (
    "model", "device", "word, s p50 / p95", "final, s p50 / p95", "WER, %", "cores a stream", "held",
    "cores a stream then", "GPU, MiB",
)  # fmt: skip


@dataclass(slots=True)
class Measured:
    """A model on a device.

    Attributes:
        model: Name or folder.
        device: ``cpu`` or ``cuda``.
        held: The largest number of streams that was held.
        is_final: Whether the search showed that no more are held, before its limit and the end of the time.
        gpu_mib: Memory in use on the GPU afterwards, of all programs; None: unknown.
        alone: One stream; None if it failed.
        trials: The trials of the search.
        error: Why there is no more; None: nothing failed.
    """

    model: str
    device: str
    held: int = 0
    is_final: bool = False
    gpu_mib: int | None = None
    alone: Report | None = None
    trials: list[Report] = field(default_factory=list)
    error: str | None = None


class _OutOfTimeError(Exception):
    """No trial begins any more."""


def search(trial: Callable[[int], Report], limit: int, *, is_over: Callable[[], bool]) -> tuple[int, bool]:
    """Find how many streams are held, as far as the time suffices.

    Args:
        trial: Streams so many streams; raises `RealtimeError` if none succeeds.
        limit: Largest number to try.
        is_over: Whether the time is over; no trial begins then.

    Returns:
        The largest number held, and whether it is certain that no larger one is.
    """
    best = 0

    def held(streams: int) -> bool:
        nonlocal best
        if is_over():
            raise _OutOfTimeError
        try:
            verdict = is_held(trial(streams).overall)
        except RealtimeError:
            verdict = False
        best = max(best, streams) if verdict else best
        return verdict

    try:
        best = largest_held(held, limit, _FIRST_STREAMS)
    except _OutOfTimeError:
        return best, False
    return best, best < limit


def measure_all(
    models: Sequence[str],
    devices: Sequence[str],
    measure: Callable[[str, str, float], Measured],
    *,
    seconds: float,
    now: Callable[[], float] = time.monotonic,
) -> list[Measured]:
    """Measure each model on each device; each has an equal part of the time that is left.

    Args:
        models: Names or folders.
        devices: ``cpu`` and ``cuda``, which take turns, so that the figures of a model are minutes apart.
        measure: Measures a model on a device until a time of ``now``.
        seconds: Time for all.
        now: The clock, in seconds.
    """
    end = now() + seconds
    steps = [(model, device) for model in models for device in devices]
    found = []
    for place, (model, device) in enumerate(steps):
        begun = now()
        share = max(0.0, end - begun) / (len(steps) - place)
        found.append(measure(model, device, begun + share))
    return found


def _measure(
    model: str, device: str, until: float, *, clips: Sequence[Clip], limit: int, trial_s: float
) -> Measured:
    """Start a server, and measure one stream and then more and more of them."""
    found = Measured(model, device)
    options = Options(
        protocol="v3", server_arguments=("--model", model, "--device", device, "--turn-model", "none")
    )
    try:
        with running(options) as system:

            def streamed(streams: int, least_s: float) -> Report:
                sessions = trial_sessions(scripts(clips, "short", streams, least_s), streams, least_s)
                _log(f"{model} on {device}: {streams} streams")
                return stream(system, replace(options, streams=streams), sessions, None).report

            def trial(streams: int) -> Report:
                found.trials.append(streamed(streams, trial_s))
                return found.trials[-1]

            found.alone = streamed(1, _ALONE * trial_s)
            found.held, found.is_final = search(trial, limit, is_over=lambda: time.monotonic() >= until)
            found.gpu_mib = _gpu_memory_mib()
    except (RealtimeError, ServerError) as error:
        found.error = str(error).splitlines()[-1]
        _log(f"{model} on {device}: {found.error}")
    return found


def rows(measured: Sequence[Measured]) -> Iterator[tuple[str, ...]]:
    """Yield a heading and a row for each measurement."""
    yield _HEADING
    for each in measured:
        if each.alone is None:
            yield (each.model, each.device, "failed", *["-"] * (len(_HEADING) - 3))
            continue
        figures = each.alone.overall
        fullest = [report for report in each.trials if report.streams == each.held]
        yield (
            each.model,
            each.device,
            _spread(figures.emission_s),
            _spread(figures.final_s),
            "-" if figures.wer_percent is None else f"{figures.wer_percent:.1f}",
            _cost(each.alone),
            f"{each.held}" if each.is_final else f"{each.held} or more",
            _cost(fullest[-1]) if fullest else "-",
            "-" if each.gpu_mib is None else str(each.gpu_mib),
        )


def _spread(spread: Spread | None) -> str:
    return "-" if spread is None else f"{spread.p50:.2f} / {spread.p95:.2f}"


def _cost(report: Report) -> str:
    return "-" if report.cost is None else f"{report.cost.cpu_per_stream:.3f}"


def _nvidia_smi(query: str) -> list[str]:
    """What the driver says of each GPU; nothing where there is none."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    command = [program, f"--query-gpu={query}", "--format=csv,noheader,nounits"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603 - fixed
    return done.stdout.splitlines() if done.returncode == 0 else []


def _gpu_memory_mib() -> int | None:
    used = [line.strip() for line in _nvidia_smi("memory.used")]
    return sum(map(int, used)) if used and all(map(str.isdecimal, used)) else None


def _log(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu", description=(__doc__ or "").partition("\n")[0]
    )
    add = parser.add_argument
    devices = [device for device in get_args(Device) if device != "auto"]
    add("--model", action="append", help=f"name or folder; repeatable (default: {DEFAULT_MODEL})")
    add("--device", action="append", choices=devices, help="only this one; repeatable (default: both)")
    add("--limit", type=int, default=256, help="most streams to try (default: 256)")
    add("--seconds", type=float, default=12.0, help="audio of each stream in a trial (default: 12)")
    add("--minutes", type=float, default=10.0, help="time for all; trials that run end (default: 10)")
    add("--json", type=Path, metavar="FILE", help="write all figures to this file")
    return parser


def _run(arguments: argparse.Namespace) -> int:
    for module in REQUIRED:  # now, not in the middle
        require(module)
    devices = arguments.device or ["cpu", "cuda"]
    words = [(word.text, word.start_s, word.end_s) for word in demo_reference()]
    with tempfile.TemporaryDirectory(prefix="vivavoce-gpu-") as folder:
        clips = sample_clips(demo_recording_path(), words, Path(folder))

        def measure(model: str, device: str, until: float) -> Measured:
            return _measure(
                model, device, until, clips=clips, limit=arguments.limit, trial_s=arguments.seconds
            )

        found = measure_all(
            arguments.model or [DEFAULT_MODEL], devices, measure, seconds=60 * arguments.minutes
        )
    machine, gpus = describe(), _nvidia_smi("name,driver_version,memory.total")
    print_table(list(rows(found)))
    _log(f"{machine.cpu}, {machine.cores} cores; GPU: {'; '.join(gpus) or 'none'}")
    if arguments.json is not None:
        fields: dict[str, Any] = {"machine": machine, "gpus": gpus, "measured": list(map(_fields, found))}
        arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(fields), indent=2) + b"\n")
    return 1 if any(each.error for each in found) else 0


def _fields(measured: Measured) -> dict[str, Any]:
    alone = None if measured.alone is None else as_fields(measured.alone)
    return {
        **{
            name: getattr(measured, name)
            for name in ("model", "device", "held", "is_final", "gpu_mib", "error")
        },
        "alone": alone,
        "trials": list(map(as_fields, measured.trials)),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run; returns the exit code."""
    arguments = _parser().parse_args(argv)
    return exit_code_of(lambda: _run(arguments))


if __name__ == "__main__":
    sys.exit(main())
