"""A measurement from beginning to end."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from vivavoce.bench import corpus
from vivavoce.bench.dialects import Silence
from vivavoce.bench.loads import scripts
from vivavoce.bench.metrics import Figures, figures
from vivavoce.bench.offline import offline_errors, offline_hypotheses
from vivavoce.bench.player import PlayOptions, play_all
from vivavoce.bench.process import cores_of, usage
from vivavoce.bench.report import Cost, Report
from vivavoce.bench.serving import start_server
from vivavoce.errors import ConfigurationError, RealtimeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from vivavoce.bench.dialects import ProtocolName
    from vivavoce.bench.loads import Load
    from vivavoce.bench.model import Clip, Script, Trace

__all__ = ["Options", "Outcome", "chosen_clips", "measure", "run_benchmark", "serving", "stream"]

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
        server_cores: Numbers of the cores that our own server may run on; empty: all.
    """

    folder: Path
    kinds: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    limit: int | None = None
    derived: bool = False
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


@dataclass(frozen=True, slots=True)
class Outcome:
    """A report and what it was made from."""

    report: Report
    sessions: list[tuple[Script, Trace]]


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
    with serving(options) as served:
        outcome = stream(served, scripts(clips, options.load, options.streams), progress)
    if not options.offline:
        return outcome
    if progress:
        progress("offline")
    wer = _offline([clip for clip in clips if clip.text])
    return Outcome(replace(outcome.report, offline_wer_percent=wer), outcome.sessions)


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


@contextlib.contextmanager
def serving(options: Options) -> Iterator[Options]:
    """The options with an address and, if it can be known, a process."""
    if options.url is not None:
        yield options
        return
    with start_server(options.server_arguments, cores=options.server_cores) as running:
        yield replace(options, url=running.url, pid=running.pid)


def stream(options: Options, sessions: list[Script], progress: Callable[[str], None] | None) -> Outcome:
    """Stream sessions to the server at ``options.url`` and measure them.

    Raises:
        RealtimeError: Every one of them failed.
    """
    play = PlayOptions(
        url=options.url or "",
        protocol=options.protocol,
        key=options.key,
        speed=options.speed,
        format_turns=options.format_turns,
        silence=options.silence,
    )
    spoken = play.dialect()
    rule = spoken.rule()
    ended = 0

    def done(script: Script, trace: Trace) -> None:
        nonlocal ended
        ended += 1
        if progress:
            progress(f"{ended}/{len(sessions)} {script.clips[0].clip.id}: {trace.error or 'ok'}")

    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    began_s = time.monotonic()
    traces, cost = asyncio.run(_observed(sessions, options, play, done))
    wall_s = time.monotonic() - began_s
    pairs = list(zip(sessions, traces, strict=True))
    failures = sorted({trace.error for trace in traces if trace.error})
    if failures and all(trace.error for trace in traces):
        raise RealtimeError(f"every session failed: {'; '.join(failures)}")
    report = Report(
        version=importlib.metadata.version("vivavoce"),
        server=options.url or "",
        protocol=options.protocol,
        load=options.load,
        streams=options.streams,
        mean_streams=sum(trace.closed_s for trace in traces) / wall_s,
        cores=cores_of(options.pid),
        speed=options.speed,
        chunk_ms=spoken.chunk_ms,
        min_silence_ms=rule.min_ms,
        max_silence_ms=rule.max_ms,
        end_of_turn_threshold=rule.threshold,
        started_at=started_at,
        wall_s=wall_s,
        overall=figures(pairs, rule),
        kinds=_by_kind(pairs, lambda part: figures(part, rule)),
        cost=cost,
        failures=failures,
    )
    return Outcome(report, pairs)


def _by_kind(
    pairs: Sequence[tuple[Script, Trace]], measured: Callable[[Sequence[tuple[Script, Trace]]], Figures]
) -> dict[str, Figures]:
    kinds = sorted({script.clips[0].clip.kind for script, _ in pairs})
    return {kind: measured([pair for pair in pairs if pair[0].clips[0].clip.kind == kind]) for kind in kinds}


async def _observed(
    sessions: list[Script],
    options: Options,
    play: PlayOptions,
    done: Callable[[Script, Trace], None],
) -> tuple[list[Trace], Cost | None]:
    """Stream, and look at the server's process before, meanwhile and after."""
    pid = options.pid
    before = usage(pid) if pid is not None else None
    seen_mib: list[float] = []

    async def watch() -> None:
        while pid is not None:
            if now := usage(pid):
                seen_mib.append(now.rss_mib)
            await asyncio.sleep(_SAMPLE_S)

    watcher = asyncio.create_task(watch())
    try:
        traces = await play_all(sessions, options.streams, play, done=done)
    finally:
        watcher.cancel()
    after = usage(pid) if pid is not None else None
    audio_s = sum(trace.sent_s for trace in traces)
    if before is None or after is None or not audio_s:
        return traces, None
    cpu_s = after.cpu_s - before.cpu_s
    most_mib = max(before.rss_mib, after.rss_mib, *seen_mib)
    return traces, Cost(cpu_s / audio_s, cpu_s, before.rss_mib, most_mib, after.rss_mib)


def _offline(clips: Sequence[Clip]) -> dict[str, float | None]:
    from vivavoce.engines import load_recogniser  # noqa: PLC0415 - loads ONNX Runtime

    texts = offline_hypotheses(load_recogniser(), clips)
    kinds = sorted({clip.kind for clip in clips})
    return {
        "overall": offline_errors(clips, texts).percent,
        **{
            kind: offline_errors([clip for clip in clips if clip.kind == kind], texts).percent
            for kind in kinds
        },
    }
