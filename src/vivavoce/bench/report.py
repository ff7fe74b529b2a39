"""The report of a measurement: as a table and as JSON."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vivavoce.bench.environment import Machine
    from vivavoce.bench.figures import Figures, Spread

__all__ = ["Cost", "Report", "as_fields", "print_report", "print_table", "rows", "to_json"]

_PIPE_COLUMNS = 240


@dataclass(frozen=True, slots=True)
class Cost:
    """The resources that the server used during a run.

    Attributes:
        cpu_per_stream: Its CPU seconds per second of streamed audio, in cores.
        cpu_s: User and system time.
        rss_start_mib: Resident set before the first session.
        rss_max_mib: The largest during the run, sampled every second.
        rss_end_mib: After the last session.
    """

    cpu_per_stream: float
    cpu_s: float
    rss_start_mib: float
    rss_max_mib: float
    rss_end_mib: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A run: its settings and its figures.

    Attributes:
        version: Of this package.
        system: What was measured.
        server: Its address, or how it ran.
        protocol: ``v2`` or ``v3``; ``library`` for a system that is not a server.
        load: ``short`` or ``continuous``.
        streams: Number of concurrent streams.
        mean_streams: The average: fewer run while the last ones end.
        cores: Number of cores that the server may use.
        speed: How many times faster than speech; latencies are reported at 1 only.
        chunk_ms: Audio per message.
        min_silence_ms: Silence that ends a complete turn.
        max_silence_ms: Silence that ends any turn.
        end_of_turn_threshold: Confidence from which a turn counts as complete.
        silence_measured: Whether the silences are not settings but the median final latency, usually with
            one stream: the stand-in for a system without such a setting.
        machine: The machine of the run.
        elsewhere_cores: Average number of cores that neither the system nor the client kept busy; None if
            unknown. The larger it is, the less the latencies mean.
        started_at: UTC, ISO 8601.
        wall_s: Duration of the run.
        overall: Figures over all sessions.
        kinds: Figures by kind of recording.
        cost: None if the server's process is not known.
        offline_wer_percent: By kind and ``overall``, over the same recordings; empty if not measured.
        failures: Errors of failed sessions, each text once.
    """

    version: str
    system: str
    server: str
    protocol: str
    load: str
    streams: int
    mean_streams: float
    cores: int
    speed: float
    chunk_ms: int
    min_silence_ms: int
    max_silence_ms: int
    end_of_turn_threshold: float
    silence_measured: bool
    machine: Machine
    elsewhere_cores: float | None
    started_at: str
    wall_s: float
    overall: Figures
    kinds: dict[str, Figures]
    cost: Cost | None = None
    offline_wer_percent: dict[str, float | None] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def streaming_gap(self, kind: str = "overall") -> float | None:
        """Return streamed minus offline word error rate, in points; None if either is missing."""
        streamed = (self.overall if kind == "overall" else self.kinds[kind]).wer_percent
        offline = self.offline_wer_percent.get(kind)
        return None if streamed is None or offline is None else streamed - offline


def as_fields(report: Report) -> dict[str, Any]:
    """Return all figures as plain objects."""
    fields: dict[str, Any] = msgspec.to_builtins(report)
    fields["streaming_gap_points"] = {kind: report.streaming_gap(kind) for kind in ("overall", *report.kinds)}
    return fields


def to_json(report: Report) -> bytes:
    """Return all figures as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(as_fields(report)), indent=2)


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _spread(value: Spread | None) -> str:
    return "-" if value is None else f"{value.p50:.2f} / {value.p95:.2f}"


def rows(report: Report) -> Iterator[tuple[str, ...]]:
    """Yield the table: a heading, then a row per figure with a column per kind."""
    columns = {"overall": report.overall, **(report.kinds if len(report.kinds) > 1 else {})}
    yield ("", *columns)
    figures = list(columns.values())
    yield ("sessions (dropped)", *(f"{item.sessions} ({item.dropped})" for item in figures))
    yield ("audio sent, min", *(_number(item.audio_s / 60, 1) for item in figures))
    yield ("WER, %", *(_number(item.wer_percent, 2) for item in figures))
    if report.offline_wer_percent:
        yield ("offline WER, %", *(_number(report.offline_wer_percent.get(name), 2) for name in columns))
        yield ("streaming gap, points", *(_number(report.streaming_gap(name), 2) for name in columns))
    yield ("word emission, s p50 / p95", *(_spread(item.emission_s) for item in figures))
    yield ("first word, s p50 / p95", *(_spread(item.first_word_s) for item in figures))
    yield ("final, s p50 / p95", *(_spread(item.final_s) for item in figures))
    yield ("overhead at the end, s p50 / p95", *(_spread(item.overhead_s) for item in figures))
    yield ("UPWR", *(_number(item.upwr, 3) for item in figures))
    yield ("changed finals: words", *(str(item.changed_finals) for item in figures))
    yield ("changed finals: spellings", *(str(item.changed_spellings) for item in figures))
    yield ("word start error, s p50 / p95", *(_spread(item.word_start_error_s) for item in figures))
    yield ("false cuts per minute", *(_number(item.false_cuts_per_minute, 2) for item in figures))
    yield ("words on non-speech, per h", *(_number(item.non_speech_words_per_hour, 1) for item in figures))
    yield ("utterances without an end", *(str(item.unfinished) for item in figures))
    yield ("ended only by terminate", *(str(item.after_terminate) for item in figures))
    yield ("sender late by at most, s", *(_number(item.lag_s, 2) for item in figures))


def _headline(report: Report) -> Iterator[str]:
    yield (
        f"{report.system}, {report.server}, {report.protocol}, {report.load} load, "
        f"{report.streams} stream(s) ({report.mean_streams:.1f} on average), {report.cores} core(s), "
        f"{report.chunk_ms} ms chunks at {report.speed:g}x"
    )
    if report.silence_measured:
        silence = f"silence {report.max_silence_ms} ms (median final latency)"
    else:
        silence = (
            f"silence {report.min_silence_ms} ms if confident (from {report.end_of_turn_threshold:g}), "
            f"{report.max_silence_ms} ms at most"
        )
    yield f"{silence}; {report.wall_s:.0f} s, {report.started_at}"
    yield f"vivavoce {report.version}; {report.machine.cpu}; {_elsewhere(report)}"
    if report.cost:
        cost = report.cost
        yield (
            f"cost: {cost.cpu_per_stream:.3f} cores per stream ({cost.cpu_s:.1f} s CPU); resident "
            f"{cost.rss_start_mib:.0f} MiB at start, {cost.rss_max_mib:.0f} at most, "
            f"{cost.rss_end_mib:.0f} at the end"
        )
    for failure in report.failures:
        yield f"failed: {failure}"


def _elsewhere(report: Report) -> str:
    if report.elsewhere_cores is None:
        return "load of other processes unknown"
    return f"{report.elsewhere_cores:.2f} core(s) busy with other processes"


def print_report(report: Report, stream: IO[str] | None = None) -> None:
    """Print the figures as a table; with rich if it is installed."""
    out = stream or sys.stdout
    for line in _headline(report):
        out.write(line + "\n")
    print_table(list(rows(report)), out)


def print_table(lines: Sequence[tuple[str, ...]], stream: IO[str] | None = None) -> None:
    """Print a heading and rows; with rich if it is installed."""
    out = stream or sys.stdout
    heading, *body = lines
    try:
        from rich.console import Console  # noqa: PLC0415 - an extra
        from rich.table import Table  # noqa: PLC0415
    except ImportError:
        widths = [max(map(len, column)) for column in zip(heading, *body, strict=True)]
        for row in (heading, *body):
            cells = (text.ljust(width) for text, width in zip(row, widths, strict=True))
            out.write("  ".join(cells).rstrip() + "\n")
        return
    table = Table()
    for number, name in enumerate(heading):
        table.add_column(name, justify="right" if number else "left")
    for row in body:
        table.add_row(*row)
    console = Console(file=out)
    if not console.is_terminal:
        console = Console(file=out, width=_PIPE_COLUMNS)  # the default of 80 would truncate columns
    console.print(table)
