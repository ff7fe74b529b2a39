"""A measurement from beginning to end: stream, observe the system's process, compute the figures."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from vivavoce.bench import corpus
from vivavoce.bench.environment import describe
from vivavoce.bench.figures import Figures, figures
from vivavoce.bench.loads import scripts
from vivavoce.bench.offline import offline_wer
from vivavoce.bench.records import SilenceRule
from vivavoce.bench.report import Cost, Report
from vivavoce.bench.resources import cores_of, machine_busy_s, usage
from vivavoce.bench.systems import running
from vivavoce.bench.timing import typical_final_s
from vivavoce.errors import ConfigurationError, RealtimeError
from vivavoce.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vivavoce.bench.options import Options
    from vivavoce.bench.records import Clip, Script, Trace
    from vivavoce.bench.systems import System

__all__ = ["Outcome", "chosen_clips", "measure", "stream"]

_SAMPLE_S = 1.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """A report and its raw data.

    Attributes:
        report: The figures.
        sessions: What was sent and what came back.
        rule: The silences behind the overhead at the end.
        memory: Resident set of the system in MiB, with the time of each sample on the monotonic clock.
    """

    report: Report
    sessions: list[tuple[Script, Trace]]
    rule: SilenceRule
    memory: list[tuple[float, float]] = field(default_factory=list)


def measure(options: Options, *, progress: Callable[[str], None] | None = None) -> Outcome:
    """Measure, with a server of our own if the options name none.

    Args:
        options: What to measure.
        progress: Called with a line of progress.

    Raises:
        ConfigurationError: The options or the recordings are not valid.
        ServerError: Our own server does not start.
        RealtimeError: Every session failed.
    """
    clips = chosen_clips(options)
    with running(options) as system:
        outcome = stream(system, options, scripts(clips, options.load, options.streams), progress)
    if not options.offline:
        return outcome
    if progress:
        progress("offline")
    return replace(outcome, report=replace(outcome.report, offline_wer_percent=offline_wer(clips)))


def chosen_clips(options: Options) -> list[Clip]:
    """Return the recordings to stream.

    Raises:
        ConfigurationError: There are none, or none that suits the load.
    """
    clips = corpus.select(
        corpus.read_manifest(corpus.folder_or_default(options.folder)),
        kinds=options.kinds,
        ids=options.ids,
        limit=options.limit,
        derived=options.derived,
    )
    if not scripts(clips, options.load, 1):
        raise ConfigurationError(f"nothing to stream: no chosen recording suits the {options.load} load")
    return clips


def stream(
    system: System,
    options: Options,
    sessions: list[Script],
    progress: Callable[[str], None] | None,
    *,
    sample_s: float = _SAMPLE_S,
) -> Outcome:
    """Stream sessions to a system and measure them.

    Args:
        system: A running system.
        options: ``streams``, ``load`` and ``speed`` apply.
        sessions: What to stream.
        progress: Called with a line of progress.
        sample_s: Interval between samples of the system's memory.

    Raises:
        RealtimeError: Every session failed.
    """
    done = 0

    def on_done(script: Script, trace: Trace) -> None:
        nonlocal done
        done += 1
        if progress:
            progress(f"{done}/{len(sessions)} {script.clips[0].clip.id}: {trace.error or 'ok'}")

    observed = asyncio.run(_observe(system, sessions, options.streams, on_done, sample_s))
    pairs = list(zip(sessions, observed.traces, strict=True))
    failures = {trace.error for trace in observed.traces if trace.error}
    if failures and all(trace.error for trace in observed.traces):
        raise RealtimeError(f"every session failed: {'; '.join(sorted(failures))}")
    rule = system.rule or _measured_rule(pairs)
    return Outcome(_report(system, options, rule, observed, pairs), pairs, rule, observed.memory)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Observed:
    """What was recorded while sessions were streamed.

    Attributes:
        traces: One per session.
        cost: None if the system's process is unknown.
        memory: As in `Outcome`.
        started_at: UTC, ISO 8601.
        wall_s: Duration.
        elsewhere_cores: As in `Report`.
    """

    traces: list[Trace]
    cost: Cost | None
    memory: list[tuple[float, float]]
    started_at: str
    wall_s: float
    elsewhere_cores: float | None


def _report(
    system: System,
    options: Options,
    rule: SilenceRule,
    observed: _Observed,
    pairs: Sequence[tuple[Script, Trace]],
) -> Report:
    return Report(
        version=__version__,
        system=system.name,
        server=system.address,
        protocol=system.protocol,
        load=options.load,
        streams=options.streams,
        mean_streams=sum(trace.closed_s for trace in observed.traces) / observed.wall_s,
        cores=cores_of(system.pid),
        speed=options.speed,
        chunk_ms=system.chunk_ms,
        min_silence_ms=rule.min_ms,
        max_silence_ms=rule.max_ms,
        end_of_turn_threshold=rule.threshold,
        silence_measured=not system.nominal,
        machine=describe(),
        elsewhere_cores=observed.elsewhere_cores,
        started_at=observed.started_at,
        wall_s=observed.wall_s,
        overall=figures(pairs, rule),
        kinds=_by_kind(pairs, lambda part: figures(part, rule)),
        cost=observed.cost,
        failures=sorted({trace.error for trace in observed.traces if trace.error}),
    )


def _measured_rule(pairs: Sequence[tuple[Script, Trace]]) -> SilenceRule:
    """Return the stand-in for the silence threshold of a system that has none."""
    typical_s = typical_final_s((script, trace) for script, trace in pairs if trace.error is None)
    silence_ms = round(1000 * (typical_s or 0.0))
    return SilenceRule(silence_ms, silence_ms)


def _by_kind(
    pairs: Sequence[tuple[Script, Trace]], measured: Callable[[Sequence[tuple[Script, Trace]]], Figures]
) -> dict[str, Figures]:
    kinds = sorted({script.clips[0].clip.kind for script, _ in pairs})
    return {kind: measured([pair for pair in pairs if pair[0].clips[0].clip.kind == kind]) for kind in kinds}


async def _observe(
    system: System,
    sessions: list[Script],
    streams: int,
    on_done: Callable[[Script, Trace], None],
    sample_s: float,
) -> _Observed:
    """Stream sessions, and sample the system's process before, meanwhile and after."""
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    began_s = time.monotonic()
    busy_s = machine_busy_s()
    own_s = time.process_time()
    pid = system.pid
    before = usage(pid) if pid is not None else None
    memory: list[tuple[float, float]] = []

    async def watch() -> None:
        while pid is not None:
            if now := usage(pid):
                memory.append((time.monotonic(), now.rss_mib))
            await asyncio.sleep(sample_s)

    watcher = asyncio.create_task(watch())
    try:
        traces = await system.play_all(sessions, streams, on_done)
    finally:
        watcher.cancel()
    after = usage(pid) if pid is not None else None
    audio_s = sum(trace.sent_s for trace in traces)
    cost: Cost | None = None
    if before is not None and after is not None and audio_s:
        cpu_s = after.cpu_s - before.cpu_s
        largest_mib = max(before.rss_mib, after.rss_mib, *(mib for _, mib in memory))
        cost = Cost(cpu_s / audio_s, cpu_s, before.rss_mib, largest_mib, after.rss_mib)
    wall_s = time.monotonic() - began_s
    return _Observed(
        traces=traces,
        cost=cost,
        memory=memory,
        started_at=started_at,
        wall_s=wall_s,
        elsewhere_cores=_elsewhere(busy_s, cost, time.process_time() - own_s, wall_s),
    )


def _elsewhere(before_s: float | None, cost: Cost | None, own_s: float, wall_s: float) -> float | None:
    """Return the number of cores that neither the system nor this process kept busy in that time."""
    now_s = machine_busy_s()
    if before_s is None or now_s is None or cost is None:
        return None
    return max(0.0, (now_s - before_s - cost.cpu_s - own_s) / wall_s)
