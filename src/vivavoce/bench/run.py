"""A measurement from beginning to end."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from vivavoce.bench import corpus
from vivavoce.bench.dialects import Silence
from vivavoce.bench.loads import scripts
from vivavoce.bench.machine import describe
from vivavoce.bench.metrics import Figures, figures
from vivavoce.bench.model import SilenceRule
from vivavoce.bench.offline import offline_errors, offline_hypotheses
from vivavoce.bench.player import PlayOptions
from vivavoce.bench.process import cores_of, machine_busy_s, usage
from vivavoce.bench.report import Cost, Report
from vivavoce.bench.systems import SYSTEMS, running
from vivavoce.bench.timing import typical_final_s
from vivavoce.errors import ConfigurationError, RealtimeError
from vivavoce.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from vivavoce.bench.dialects import ProtocolName
    from vivavoce.bench.loads import Load
    from vivavoce.bench.model import Clip, Script, Trace
    from vivavoce.bench.systems import System, SystemName

__all__ = ["Options", "Outcome", "chosen_clips", "measure", "offline_wer", "run_benchmark", "stream"]

_SAMPLE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to measure.

    Attributes:
        folder: Recordings with their manifest.
        kinds: Those kinds only; empty: all.
        ids: Those recordings only; empty: all.
        limit: At most so many of each kind.
        derived: Whether recordings made from others are taken.
        system: What to measure: a server, or the library that the model comes with.
        url: Of the server; None: our own is started for the run.
        protocol: ``v2`` or ``v3``.
        key: For the server.
        pid: Process of a server that was not started here, for its cost.
        streams: How many at once.
        load: ``short``: a session per recording. ``continuous``: sessions of a minute or more.
        speed: How many times faster than speech; for word error rates only.
        silence: Asked of the server about the ends of turns.
        format_turns: Asked of v3.
        offline: Whether to decode the recordings in one pass each, too, with our own engine.
        server_arguments: More of the command line of our own server.
        server_cores: Numbers of the cores that what is started here may run on; empty: all.
    """

    folder: Path
    kinds: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    limit: int | None = None
    derived: bool = False
    system: SystemName = "vivavoce"
    url: str | None = None
    protocol: ProtocolName = "v3"
    key: str | None = None
    pid: int | None = None
    streams: int = 1
    load: Load = "short"
    speed: float = 1.0
    silence: Silence = field(default_factory=Silence)
    format_turns: bool = True
    offline: bool = False
    server_arguments: tuple[str, ...] = ()
    server_cores: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.streams < 1:
            raise ConfigurationError(f"streams: expected 1 or more, got {self.streams}")
        if self.speed < 1:
            raise ConfigurationError(f"speed: expected 1 or more, got {self.speed}")
        if self.system not in SYSTEMS:
            raise ConfigurationError(f"system: expected one of {', '.join(SYSTEMS)}, got {self.system!r}")
        if self.system != "vivavoce" and (self.url is not None or self.speed != 1):
            raise ConfigurationError(f"{self.system} has no address, and takes sound at the speed of speech")

    def play(self, url: str) -> PlayOptions:
        """How sessions are streamed to a server there."""
        return PlayOptions(
            url=url,
            protocol=self.protocol,
            key=self.key,
            speed=self.speed,
            format_turns=self.format_turns,
            silence=self.silence,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """A report and what it was made from.

    Attributes:
        report: The figures.
        sessions: What was sent and what came back.
        rule: The silences that latencies were measured against.
        memory: Resident set of the system in MiB, with the time of the look on the monotonic clock.
    """

    report: Report
    sessions: list[tuple[Script, Trace]]
    rule: SilenceRule
    memory: list[tuple[float, float]] = field(default_factory=list)


def run_benchmark(options: Options, *, progress: Callable[[str], None] | None = None) -> Report:
    """Measure, with a server of our own if no address is given.

    Args:
        options: What to measure.
        progress: Told of what happens, a line at a time.

    Raises:
        ConfigurationError: The options or the recordings can't be used.
        ServerError: Our own server does not start.
        RealtimeError: Every session failed.
    """
    return measure(options, progress=progress).report


def measure(options: Options, *, progress: Callable[[str], None] | None = None) -> Outcome:
    """The same, with all that was sent and received."""
    clips = chosen_clips(options)
    with running(options) as system:
        outcome = stream(system, options, scripts(clips, options.load, options.streams), progress)
    if not options.offline:
        return outcome
    if progress:
        progress("offline")
    return replace(outcome, report=replace(outcome.report, offline_wer_percent=offline_wer(clips)))


def chosen_clips(options: Options) -> list[Clip]:
    """The recordings that are asked for.

    Raises:
        ConfigurationError: There are none, or none that suits the load.
    """
    clips = corpus.select(
        corpus.read_manifest(options.folder),
        kinds=options.kinds,
        ids=options.ids,
        limit=options.limit,
        derived=options.derived,
    )
    if not scripts(clips, options.load, 1):
        raise ConfigurationError("nothing to stream: no recording was chosen that suits the load")
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
        system: It runs.
        options: ``streams``, ``load`` and ``speed`` are looked at.
        sessions: What to stream.
        progress: Told of what happens, a line at a time.
        sample_s: Between looks at the system's memory.

    Raises:
        RealtimeError: Every one of them failed.
    """
    ended = 0

    def done(script: Script, trace: Trace) -> None:
        nonlocal ended
        ended += 1
        if progress:
            progress(f"{ended}/{len(sessions)} {script.clips[0].clip.id}: {trace.error or 'ok'}")

    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    began_s = time.monotonic()
    busy_s = machine_busy_s()
    own_s = time.process_time()
    traces, cost, memory = asyncio.run(_observed(system, sessions, options.streams, done, sample_s))
    wall_s = time.monotonic() - began_s
    elsewhere = _elsewhere(busy_s, cost, time.process_time() - own_s, wall_s)
    pairs = list(zip(sessions, traces, strict=True))
    failures = sorted({trace.error for trace in traces if trace.error})
    if failures and all(trace.error for trace in traces):
        raise RealtimeError(f"every session failed: {'; '.join(failures)}")
    rule = system.rule or _measured_rule(pairs)
    report = Report(
        version=__version__,
        system=system.name,
        server=system.address,
        protocol=system.protocol,
        load=options.load,
        streams=options.streams,
        mean_streams=sum(trace.closed_s for trace in traces) / wall_s,
        cores=cores_of(system.pid),
        speed=options.speed,
        chunk_ms=system.chunk_ms,
        min_silence_ms=rule.min_ms,
        max_silence_ms=rule.max_ms,
        end_of_turn_threshold=rule.threshold,
        silence_measured=not system.nominal,
        machine=describe(),
        elsewhere_cores=elsewhere,
        started_at=started_at,
        wall_s=wall_s,
        overall=figures(pairs, rule),
        kinds=_by_kind(pairs, lambda part: figures(part, rule)),
        cost=cost,
        failures=failures,
    )
    return Outcome(report, pairs, rule, memory)


def _measured_rule(pairs: Sequence[tuple[Script, Trace]]) -> SilenceRule:
    """What stands for the silence threshold of a system that has none."""
    typical_s = typical_final_s((script, trace) for script, trace in pairs if trace.error is None)
    silence_ms = round(1000 * (typical_s or 0.0))
    return SilenceRule(silence_ms, silence_ms)


def _elsewhere(before_s: float | None, cost: Cost | None, own_s: float, wall_s: float) -> float | None:
    """Cores kept busy, over that time, by neither the system nor this process."""
    now_s = machine_busy_s()
    if before_s is None or now_s is None or cost is None:
        return None
    return max(0.0, (now_s - before_s - cost.cpu_s - own_s) / wall_s)


def _by_kind(
    pairs: Sequence[tuple[Script, Trace]], measured: Callable[[Sequence[tuple[Script, Trace]]], Figures]
) -> dict[str, Figures]:
    kinds = sorted({script.clips[0].clip.kind for script, _ in pairs})
    return {kind: measured([pair for pair in pairs if pair[0].clips[0].clip.kind == kind]) for kind in kinds}


async def _observed(
    system: System,
    sessions: list[Script],
    streams: int,
    done: Callable[[Script, Trace], None],
    sample_s: float,
) -> tuple[list[Trace], Cost | None, list[tuple[float, float]]]:
    """Stream, and look at the system's process before, meanwhile and after."""
    pid = system.pid
    before = usage(pid) if pid is not None else None
    seen: list[tuple[float, float]] = []

    async def watch() -> None:
        while pid is not None:
            if now := usage(pid):
                seen.append((time.monotonic(), now.rss_mib))
            await asyncio.sleep(sample_s)

    watcher = asyncio.create_task(watch())
    try:
        traces = await system.play_all(sessions, streams, done)
    finally:
        watcher.cancel()
    after = usage(pid) if pid is not None else None
    audio_s = sum(trace.sent_s for trace in traces)
    if before is None or after is None or not audio_s:
        return traces, None, seen
    cpu_s = after.cpu_s - before.cpu_s
    most_mib = max(before.rss_mib, after.rss_mib, *(mib for _, mib in seen))
    return traces, Cost(cpu_s / audio_s, cpu_s, before.rss_mib, most_mib, after.rss_mib), seen


def offline_wer(clips: Sequence[Clip]) -> dict[str, float | None]:
    """Word error rates in % of whole recordings decoded in one pass each: by kind, and ``overall``."""
    from vivavoce.asr.models import load_recogniser  # noqa: PLC0415 - loads ONNX Runtime

    clips = [clip for clip in clips if clip.text]
    texts = offline_hypotheses(load_recogniser(), clips)
    kinds = sorted({clip.kind for clip in clips})
    return {
        "overall": offline_errors(clips, texts).percent,
        **{
            kind: offline_errors([clip for clip in clips if clip.kind == kind], texts).percent
            for kind in kinds
        },
    }
