"""The same measurement several times: medians and extremes over the runs. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from vivavoce.bench.report import as_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from vivavoce.bench.report import Report

__all__ = ["FIGURES", "Figure", "Summary", "figure", "lookup", "merge", "summarise", "table"]


@dataclass(frozen=True, slots=True)
class Summary:
    """A figure over several runs: its median and its extremes."""

    median: float
    min: float
    max: float

    def text(self, digits: int) -> str:
        """Return text such as ``0.31 (0.30 to 0.33)``; one number where the rounded values are equal."""
        centre, low, high = (f"{value:.{digits}f}" for value in (self.median, self.min, self.max))
        return centre if low == high else f"{centre} ({low} to {high})"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a report, as tables show it.

    Attributes:
        title: Name and unit.
        path: Place in the report's JSON.
        digits: Decimal places.
    """

    title: str
    path: str
    digits: int


FIGURES = (
    Figure("WER, %", "overall.wer_percent", 2),
    Figure("offline WER, %", "offline_wer_percent.overall", 2),
    Figure("streaming gap, points", "streaming_gap_points.overall", 2),
    Figure("word emission p50, s", "overall.emission_s.p50", 2),
    Figure("word emission p95, s", "overall.emission_s.p95", 2),
    Figure("first word p50, s", "overall.first_word_s.p50", 2),
    Figure("first word p95, s", "overall.first_word_s.p95", 2),
    Figure("final p50, s", "overall.final_s.p50", 2),
    Figure("final p95, s", "overall.final_s.p95", 2),
    Figure("overhead at the end p50, s", "overall.overhead_s.p50", 2),
    Figure("overhead at the end p95, s", "overall.overhead_s.p95", 2),
    Figure("UPWR", "overall.upwr", 3),
    Figure("words marked final that changed", "overall.changed_finals", 0),
    Figure("word time error p50, s", "overall.word_start_error_s.p50", 3),
    Figure("word time error p95, s", "overall.word_start_error_s.p95", 3),
    Figure("false cuts per minute", "overall.false_cuts_per_minute", 2),
    Figure("words on non-speech, per h", "overall.non_speech_words_per_hour", 1),
    Figure("CPU per stream, cores", "cost.cpu_per_stream", 3),
    Figure("memory at start, MiB", "cost.rss_start_mib", 0),
    Figure("memory at most, MiB", "cost.rss_max_mib", 0),
    Figure("sender late by at most, s", "overall.lag_s", 2),
    Figure("busy with other processes, cores", "elsewhere_cores", 2),
)
_BY_PATH = {item.path: item for item in FIGURES}


def figure(path: str) -> Figure:
    """Return a figure by its path.

    Raises:
        KeyError: There is no such figure.
    """
    return _BY_PATH[path]


def lookup(report: Mapping[str, Any], path: str) -> float | None:
    """Return a number of a report's JSON; None if it was not measured."""
    found: Any = report
    for name in path.split("."):
        if not isinstance(found, dict) or found.get(name) is None:
            return None
        found = found[name]
    return float(found)


def summarise(values: Iterable[float | None]) -> Summary | None:
    """Return median and extremes of the values that were measured; None if none was."""
    known = [value for value in values if value is not None]
    return Summary(median(known), min(known), max(known)) if known else None


def merge(reports: Sequence[Report]) -> dict[str, Any]:
    """Return median, minimum and maximum of every figure, each in the form of a report's JSON."""
    fields = [as_fields(report) for report in reports]
    return {
        "runs": len(fields),
        "median": _merged(fields, "median"),
        "min": _merged(fields, "min"),
        "max": _merged(fields, "max"),
        "reports": fields,
    }


def _merged(values: Sequence[Any], which: str) -> Any:
    known = [value for value in values if value is not None]
    if not known:
        return None
    if all(isinstance(value, dict) for value in known):
        names = dict.fromkeys(name for value in known for name in value)
        return {name: _merged([value.get(name) for value in known], which) for name in names}
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in known):
        found = summarise(known)
        return getattr(found, which)
    return known[0] if all(value == known[0] for value in known) else known


def table(reports: Sequence[Report]) -> Iterator[tuple[str, ...]]:
    """Yield a heading, then a row per measured figure, over all recordings of a run."""
    fields = [as_fields(report) for report in reports]
    yield (f"{len(fields)} runs", "median", "min", "max")
    for item in FIGURES:
        found = summarise(lookup(report, item.path) for report in fields)
        if found:
            numbers = (found.median, found.min, found.max)
            yield (item.title, *(f"{number:.{item.digits}f}" for number in numbers))
