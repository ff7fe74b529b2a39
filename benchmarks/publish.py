"""Results as Markdown, and into a page: ``python -m benchmarks.publish RESULTS --into PAGE``.

The tables go between two comments of the page, so that no figure is copied by hand. A plot with the page's
name (``performance.svg`` beside ``performance.md``) is shown among them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.results import CAPACITY, load_results
from benchmarks.script import exit_code_of
from vivavoce.bench.repeat import Summary, figure, lookup, summarise
from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.results import Results

__all__ = ["BEGIN", "END", "NAMES", "insert", "main", "page"]

BEGIN = "<!-- bench:begin: written by python -m benchmarks.publish; changes here are lost -->"
END = "<!-- bench:end -->"

OURS = "vivavoce"
NAMES = {
    OURS: "Vivavoce",
    "moonshine-voice": "moonshine-voice, as documented",
    "moonshine-voice-tuned": "moonshine-voice, tuned",
}
_ONE_STREAM = (
    "overall.emission_s.p50",
    "overall.emission_s.p95",
    "overall.first_word_s.p50",
    "overall.first_word_s.p95",
    "overall.final_s.p50",
    "overall.final_s.p95",
    "overall.overhead_s.p95",
    "overall.upwr",
    "overall.changed_finals",
    "overall.word_start_error_s.p50",
    "overall.word_start_error_s.p95",
    "overall.false_cuts_per_minute",
    "cost.cpu_per_stream",
    "cost.rss_start_mib",
    "cost.rss_max_mib",
)
_MANY = (
    "overall.emission_s.p50",
    "overall.emission_s.p95",
    "overall.overhead_s.p50",
    "overall.overhead_s.p95",
    "overall.upwr",
    "overall.dropped",
    "cost.cpu_per_stream",
    "cost.rss_max_mib",
    "overall.lag_s",
)
_CPU = "cost.cpu_per_stream"
_NONE = "-"


def _title(path: str) -> tuple[str, int]:
    if path == "overall.dropped":
        return "sessions dropped", 0
    found = figure(path)
    return found.title, found.digits


def _cell(value: Summary | None, digits: int) -> str:
    return _NONE if value is None else value.text(digits)


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    heading, *body = rows
    yield "| " + " | ".join(heading) + " |"
    yield "|---|" + "---:|" * (len(heading) - 1)
    for row in body:
        yield "| " + " | ".join(row) + " |"
    yield ""


def _shown(results: Results, items: Sequence[str]) -> list[str]:
    return [
        name
        for name in [*NAMES, *sorted(set(results.systems()) - set(NAMES))]
        if any(results.of(item, name) for item in items)
    ]


def _heading(systems: Sequence[str], first: str = "") -> list[str]:
    return [first, *(NAMES.get(name, name) for name in systems)]


def _opening(results: Results, title: str, *items: str) -> Iterator[str]:
    numbers = {entry.round for entry in results.entries if entry.item in items}
    yield f"### {title}"
    yield ""
    yield "One round." if len(numbers) == 1 else f"{len(numbers)} rounds."
    yield ""


def _figures(results: Results, item: str, paths: Sequence[str]) -> Iterator[str]:
    systems = _shown(results, [item])
    rows = [_heading(systems)]
    for path in paths:
        title, digits = _title(path)
        found = [results.figure(item, name, path) for name in systems]
        if any(found):
            rows.append([title, *(_cell(value, digits) for value in found)])
    if OURS in systems and len(systems) > 1:
        ratios = [results.ratio(item, name, OURS, _CPU) for name in systems]
        rows.append(
            ["CPU per stream, relative to ours in the same round", *(_cell(value, 1) for value in ratios)]
        )
    failures = [[entry.error for entry in results.of(item, name) if entry.error] for name in systems]
    if any(failures):
        rows.append(["rounds that failed", *(str(len(texts)) for texts in failures)])
    yield from _table(rows)


def _one_stream(results: Results) -> Iterator[str]:
    yield from _opening(results, "One stream", "one-stream")
    yield from _figures(results, "one-stream", _ONE_STREAM)
    for name in _shown(results, ["one-stream"]):
        yield f"- {NAMES.get(name, name)}: {_silence(results, name)}"
    yield ""


def _silence(results: Results, system: str) -> str:
    reports = [report for entry in results.of("one-stream", system) for report in entry.reports]
    if not reports:
        return "every round failed."
    low, high = (summarise(report[key] for report in reports) for key in ("min_silence_ms", "max_silence_ms"))
    if reports[0]["silence_measured"]:
        return f"no silence threshold; its median final latency stands in for it: {_cell(high, 0)} ms."
    return f"silence {_cell(low, 0)} ms after a complete turn, {_cell(high, 0)} ms otherwise."


def _accuracy(results: Results) -> Iterator[str]:
    systems = _shown(results, ["accuracy"])
    reports = [
        report for name in systems for entry in results.of("accuracy", name) for report in entry.reports
    ]
    kinds = sorted({kind for report in reports for kind in report["kinds"]})
    rows = [[*_heading(systems, "WER, %"), "in one pass", "our streaming gap, points"]]
    for label, path, kind in [
        ("both", "overall.wer_percent", "overall"),
        *((kind, f"kinds.{kind}.wer_percent", kind) for kind in kinds),
    ]:
        found = [results.figure("accuracy", name, path) for name in systems]
        offline = results.offline_wer_percent.get(kind)
        ours = results.figure("accuracy", OURS, path)
        gap = _NONE if ours is None or offline is None else f"{ours.median - offline:.2f}"
        in_one_pass = _NONE if offline is None else f"{offline:.2f}"
        rows.append([label, *(_cell(value, 2) for value in found), in_one_pass, gap])
    streams = int(reports[0]["streams"]) if reports else 0
    yield from _opening(results, "Word error rates", "accuracy")
    yield f"All recordings of these kinds, {streams} streams at once."
    yield ""
    yield from _table(rows)


def _many(results: Results) -> Iterator[str]:
    entries = [entry for entry in results.entries if entry.item == "sixteen-streams" and entry.reports]
    streams = int(entries[0].reports[0]["streams"]) if entries else 16
    yield from _opening(results, f"{streams} streams at once", "sixteen-streams")
    yield from _figures(results, "sixteen-streams", _MANY)


def _held(results: Results) -> Iterator[str]:
    systems = _shown(results, list(CAPACITY.values()))
    cores = max((int(report["cores"]) for report in results.reports()), default=0)
    yield from _opening(results, "Streams held", *CAPACITY.values())
    rows = [_heading(systems, f"on {cores} cores")]
    for load, item in CAPACITY.items():
        found = [summarise(entry.held for entry in results.of(item, name)) for name in systems]
        if any(found):
            rows.append([f"{load} load", *(_cell(value, 0) for value in found)])
            per_core = [None if value is None else f"{value.median / cores:.1f}" for value in found]
            rows.append([f"{load} load, per core", *(text or _NONE for text in per_core)])
    yield from _table(rows)
    for load in CAPACITY:
        yield from _by_streams(results, load, systems)


def _by_streams(results: Results, load: str, systems: Sequence[str]) -> Iterator[str]:
    trials = {name: results.trials(load, name) for name in systems}
    numbers = sorted({number for found in trials.values() for number in found})
    if not numbers:
        return
    yield (
        f"By number of streams, {load} load: word emission p50 / p95 in s, overhead at the end p95 in s, "
        "cores per stream."
    )
    yield ""
    rows = [_heading(systems, "streams")]
    rows += [[str(number), *(_trial(trials[name].get(number, [])) for name in systems)] for number in numbers]
    yield from _table(rows)


def _trial(reports: Sequence[dict[str, Any]]) -> str:
    paths = ("overall.emission_s.p50", "overall.emission_s.p95", "overall.overhead_s.p95", _CPU)
    found = [summarise(lookup(report, path) for report in reports) for path in paths]
    if not reports:
        return _NONE
    p50, p95, overhead, cpu = (
        _NONE if value is None else f"{value.median:.{digits}f}"
        for value, digits in zip(found, (2, 2, 2, 3), strict=True)
    )
    return f"{p50} / {p95}; {overhead}; {cpu}"


def _non_speech(results: Results) -> Iterator[str]:
    systems = _shown(results, ["non-speech"])
    rows = [_heading(systems, "per hour of music, noise and animals")]
    for title, path in (
        ("words shown, if only briefly", "overall.non_speech_words_per_hour"),
        ("final words", "overall.non_speech_final_words_per_hour"),
    ):
        rows.append([title, *(_cell(results.figure("non-speech", name, path), 0) for name in systems)])
    yield from _opening(results, "Words without speech", "non-speech")
    yield from _table(rows)


def _soak(result: dict[str, Any]) -> Iterator[str]:
    def number(value: float | None, digits: int) -> str:
        return _NONE if value is None else f"{value:.{digits}f}"

    memory = result["memory"] or {}
    yield f"### {result['report']['streams']} streams for {result['minutes']:g} minutes"
    yield ""
    yield from _table(
        [
            ["", "Vivavoce"],
            ["memory at start, MiB", number(memory.get("start"), 0)],
            ["memory after 5 minutes, MiB", number(memory.get("settled"), 0)],
            ["memory at the end, MiB", number(memory.get("end"), 0)],
            ["growth after minute 5, MiB", number(memory.get("growth"), 1)],
            ["word emission p95, first third, s", number(result["emission_p95_first_third"], 2)],
            ["word emission p95, last third, s", number(result["emission_p95_last_third"], 2)],
        ]
    )


def _circumstances(results: Results) -> Iterator[str]:
    reports = list(results.reports())
    if not reports:
        return
    machines: list[dict[str, Any]] = []
    for report in reports:
        if report["machine"] not in machines:
            machines.append(report["machine"])
    for machine in machines:
        packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
        yield f"- {machine['cpu']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']}"
        yield f"- {packages}"
    days = sorted({str(report["started_at"])[:10] for report in reports})
    yield f"- measured {days[0]}" + (f" to {days[-1]}" if len(days) > 1 else "")
    elsewhere = summarise(report["elsewhere_cores"] for report in reports)
    if elsewhere is not None:
        yield f"- busy with other processes meanwhile: {elsewhere.text(2)} cores"
    yield "- medians of the rounds, with minimum and maximum in brackets where they differ"
    yield ""


def page(results: Results, *, plot: str | None = None) -> str:
    """Return all tables as Markdown.

    Args:
        results: The results of the suite.
        plot: Address of a plot of the same results, shown with the streams held; None: there is none.
    """
    parts = {
        "one-stream": _one_stream,
        "accuracy": _accuracy,
        "sixteen-streams": _many,
        "held-short": _held,
        "held-continuous": _held,
        "non-speech": _non_speech,
    }
    measured = {entry.item for entry in results.entries}
    lines = ["## Results", "", *_circumstances(results)]
    for part in dict.fromkeys(parts[item] for item in parts if item in measured):
        lines.extend(part(results))
        if part is _held and plot is not None:
            lines += [f"![Latency and CPU against the number of streams]({plot})", ""]
    if results.soak is not None:
        lines.extend(_soak(results.soak))
    return "\n".join(lines).rstrip() + "\n"


def insert(text: str, tables: str) -> str:
    """Return a page with those tables between its comments.

    Raises:
        ConfigurationError: The page has no such comments.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ConfigurationError(f"the page needs a line {BEGIN!r} and, after it, {END!r}")
    return f"{before}{BEGIN}\n\n{tables}\n{END}{after}"


def _publish(arguments: argparse.Namespace) -> None:
    results = load_results(arguments.results)
    if arguments.into is None:
        sys.stdout.write(page(results))
        return
    if results.quick:
        raise ConfigurationError("these are results of --quick: too few to publish")
    text = arguments.into.read_text(encoding="utf-8")
    plot = arguments.into.with_suffix(".svg")
    tables = page(results, plot=plot.name if plot.exists() else None)
    arguments.into.write_text(insert(text, tables), encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Run; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.publish", description="Tables of results.")
    parser.add_argument("results", type=Path, nargs="+", help="files of scripts/bench; several are joined")
    parser.add_argument("--into", type=Path, metavar="PAGE", help="insert them into this page")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: _publish(arguments))


if __name__ == "__main__":
    sys.exit(main())
