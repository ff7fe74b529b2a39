"""Measures servers on one and two cores, and replicas on Ray Serve, at rising numbers of streams.

    python -m benchmarks.scaling_curves results.jsonl --streams 8,12,16 --systems plain-2,ray-2 [--round 2]

A result is a line of JSON and is added to the file. Clients run on the same machine. ``plain-1`` is the
server alone on one core, ``plain-2`` on two; ``ray-1`` and ``ray-2`` are replicas of one core each, with all
that Ray runs beside them. Ray must be installed: ``pip install "vivavoce[ray]"``.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import msgspec

from benchmarks.script import exit_code_of
from vivavoce.bench.capacity import trial_sessions
from vivavoce.bench.figures import is_held
from vivavoce.bench.loads import scripts
from vivavoce.bench.measure import stream
from vivavoce.bench.options import Options
from vivavoce.bench.sample import sample_clips
from vivavoce.bench.systems import running
from vivavoce.cli.demo_recording import demo_recording_path, demo_reference
from vivavoce.errors import ConfigurationError, RealtimeError, ServerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vivavoce.bench.records import Clip
    from vivavoce.bench.report import Report

__all__ = ["SYSTEMS", "Point", "cpu_s_of", "family_of", "main"]

_START_S: Final = 120.0
_STOP_S: Final = 90.0
_NO_LIMIT: Final = 1_000
SYSTEMS: Final = ("plain-1", "plain-2", "ray-1", "ray-2")


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One run.

    Attributes:
        system: One of `SYSTEMS`.
        round: Which repetition it belongs to.
        streams: Streams at the same time.
        held: Whether the text came in time.
        word_p50_s: Median of the time from a word to its text, in seconds.
        word_p95_s: Its 95th percentile.
        final_p50_s: Median of the time from the end of speech to the finished turn.
        final_p95_s: Its 95th percentile.
        overhead_p95_s: As that, without the silence that ends a turn.
        dropped: Sessions that failed.
        cores: Cores that the server kept busy, with all its processes.
    """

    system: str
    round: int
    streams: int
    held: bool
    word_p50_s: float | None
    word_p95_s: float | None
    final_p50_s: float | None
    final_p95_s: float | None
    overhead_p95_s: float | None
    dropped: int
    cores: float


def family_of(pid: int, root: Path = Path("/proc")) -> list[int]:
    """Return a process and all processes below it.

    Args:
        pid: Of the process.
        root: Where the processes of Linux are described.
    """
    parents: dict[int, int] = {}
    for stat in root.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found = [pid]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found


def cpu_s_of(pids: Sequence[int], root: Path = Path("/proc")) -> float:
    """Return the CPU time that processes have used, in seconds; those that have ended count nothing."""
    ticks = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = (root / str(pid) / "stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _command(system: str, port: int) -> list[str]:
    kind, _, cores = system.partition("-")
    if kind == "plain":
        given = ["serve", "--no-auth", "--no-limit-bursts", "--host", "127.0.0.1", "--port", str(port)]
        return [sys.executable, "-m", "vivavoce", *given]
    given = [f"min_replicas={cores}", f"max_replicas={cores}", f"sessions_per_replica={_NO_LIMIT}"]
    given += ["no_auth=true", "drain_s=1", "limit_bursts=false"]
    return [sys.executable, "-m", "vivavoce.deploy.ray", "--port", str(port), *given]


@contextlib.contextmanager
def _serving(system: str) -> Iterator[tuple[str, int]]:
    """Run a system until the block ends; returns its address and its process."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(_command(system, port), stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: S603 - our own
        try:
            if system == "plain-1":  # before it has counted its cores
                os.sched_setaffinity(process.pid, {min(os.sched_getaffinity(0))})
            _wait_ready(system, process, port, log)
            yield f"ws://127.0.0.1:{port}", process.pid
        finally:
            process.terminate()
            process.wait(_STOP_S)


def _wait_ready(system: str, process: subprocess.Popen[bytes], port: int, log: IO[str]) -> None:
    deadline = time.monotonic() + _START_S
    n_replicas = int(system.rpartition("-")[2]) if system.startswith("ray") else 0
    while True:
        log.seek(0)
        text = log.read()
        is_whole = len(re.findall(r"replica ready", text)) >= n_replicas and "listening on" in text
        if is_whole:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz"):
                break
        if process.poll() is not None or time.monotonic() > deadline:
            raise ServerError(f"{system} did not start: {text[-2000:]}")
        time.sleep(0.2)
    time.sleep(3.0)  # the proxy checks a new replica twice before it sends sessions there


def _run(
    system: str, url: str, pid: int, clips: Sequence[Clip], streams: int, seconds: float, number: int
) -> Point:
    options = Options(url=url, streams=streams)
    sessions = trial_sessions(scripts(clips, options.load, streams, seconds), streams, seconds)
    report: Report | None = None
    began, before = time.monotonic(), cpu_s_of(family_of(pid))
    with running(options) as measured, contextlib.suppress(RealtimeError):
        report = stream(measured, options, sessions, None).report
    cores = (cpu_s_of(family_of(pid)) - before) / (time.monotonic() - began)
    if report is None:
        raise ServerError(f"{system}: every session failed with {streams} streams")
    figures = report.overall
    word, final, overhead = figures.emission_s, figures.final_s, figures.overhead_s
    return Point(
        system=system,
        round=number,
        streams=streams,
        held=is_held(figures),
        word_p50_s=None if word is None else word.p50,
        word_p95_s=None if word is None else word.p95,
        final_p50_s=None if final is None else final.p50,
        final_p95_s=None if final is None else final.p95,
        overhead_p95_s=None if overhead is None else overhead.p95,
        dropped=figures.dropped,
        cores=cores,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; returns the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks.scaling_curves", description=__doc__)
    parser.add_argument("into", type=Path, help="file of results, to which lines are added")
    parser.add_argument("--streams", default="8,12,16,20", help="numbers of streams (default: %(default)s)")
    parser.add_argument("--systems", default=",".join(SYSTEMS), help="which ones (default: all)")
    parser.add_argument("--seconds", type=float, default=30.0, help="least audio of a stream (default: 30)")
    parser.add_argument("--round", type=int, default=1, help="number of the repetition (default: 1)")
    given = parser.parse_args(arguments)
    systems = given.systems.split(",")
    if unknown := set(systems) - set(SYSTEMS):
        raise ConfigurationError(f"--systems must be of {', '.join(SYSTEMS)}, got {', '.join(unknown)}")
    words = [(word.text, word.start_s, word.end_s) for word in demo_reference()]
    with tempfile.TemporaryDirectory() as folder:
        clips = sample_clips(demo_recording_path(), words, Path(folder))
        _measure(given, systems, clips)
    return 0


def _measure(given: argparse.Namespace, systems: Sequence[str], clips: Sequence[Clip]) -> None:
    for system in systems:
        with _serving(system) as (url, pid), given.into.open("ab") as out:
            for streams in map(int, given.streams.split(",")):
                point = _run(system, url, pid, clips, streams, given.seconds, given.round)
                out.write(msgspec.json.encode(point) + b"\n")
                out.flush()
                print(point, file=sys.stderr)  # noqa: T201 - progress


if __name__ == "__main__":
    sys.exit(exit_code_of(main))
