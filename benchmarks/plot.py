"""Latency and CPU against the number of streams: ``python -m benchmarks.plot RESULTS -o FILE.svg``.

Small multiples: a column per load, a row per figure, a colour per system. The SVG is written as text, so that
a plot needs no further package.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from math import ceil, floor, log2, log10
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from benchmarks.publish import NAMES
from benchmarks.results import CAPACITY, load_results
from benchmarks.script import exit_code_of
from vivavoce.bench.repeat import lookup, summarise
from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.results import Results

__all__ = ["Axis", "Curve", "Panel", "curves", "draw", "main"]

_COLOURS = {"vivavoce": "#0b6e4f", "moonshine-voice": "#c8553d", "moonshine-voice-tuned": "#3b5ba5"}
_OTHER_COLOUR = "#666666"
_TITLE = "Latency and CPU against the number of streams"
_WIDTH, _HEIGHT = 400, 210  # of a panel, in pixels
_LEFT, _TOP, _GAP_X, _GAP_Y, _BOTTOM = 70, 84, 60, 62, 52
_FINE = 3.0  # a linear scale up to this value has grid lines at halves
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#222}.title{font-size:16px;font-weight:600}"
    ".head{font-weight:600}.grid{stroke:#e3e3e3}.frame{fill:none;stroke:#999}"
)


@dataclass(frozen=True, slots=True)
class Axis:
    """A scale from a figure's values to pixels.

    Attributes:
        low: Value at pixel 0.
        high: Value at the last pixel.
        length: Pixels.
        base: Of the logarithm, 2 or 10; None: linear.
    """

    low: float
    high: float
    length: float
    base: int | None = None

    def _scaled(self, value: float) -> float:
        if self.base is None:
            return value
        return log2(value) if self.base == 2 else log10(value)  # noqa: PLR2004 - binary

    def at(self, value: float) -> float:
        """Return pixels from the low end; values outside are drawn at the nearest end."""
        kept = min(max(value, self.low), self.high)
        low, high = self._scaled(self.low), self._scaled(self.high)
        return self.length * (self._scaled(kept) - low) / (high - low)

    def ticks(self) -> list[float]:
        """Return the values of the grid lines: powers (decimal ones also times 2 and 5), or even steps."""
        if self.base is None:
            step = 0.5 if self.high - self.low <= _FINE else 1.0
            return [self.low + step * i for i in range(int((self.high - self.low) / step) + 1)]
        first, last = floor(self._scaled(self.low)), ceil(self._scaled(self.high))
        steps = (1,) if self.base == 2 else (1, 2, 5)  # noqa: PLR2004 - binary
        found = [step * float(self.base) ** power for power in range(first, last + 1) for step in steps]
        margin = 1e-9
        return [value for value in found if self.low * (1 - margin) <= value <= self.high * (1 + margin)]


@dataclass(frozen=True, slots=True)
class Panel:
    """A row of the plot.

    Attributes:
        title: Figure and unit.
        paths: Figures of a report, at most two: a solid line and a dashed one.
        decimal: Whether the scale is logarithmic.
    """

    title: str
    paths: tuple[str, ...]
    decimal: bool = False


PANELS = (
    Panel(
        "word emission latency, s: p50 solid, p95 dashed",
        ("overall.emission_s.p50", "overall.emission_s.p95"),
        decimal=True,
    ),
    Panel("overhead at the end, p95, s", ("overall.overhead_s.p95",), decimal=True),
    Panel("CPU of all streams together, cores", ("cost.cpu_s",)),
)
_CPU_S = "cost.cpu_s"


@dataclass(frozen=True, slots=True)
class Curve:
    """Medians by number of streams."""

    system: str
    path: str
    points: tuple[tuple[int, float], ...]


def curves(results: Results, load: str, panel: Panel) -> list[Curve]:
    """Return the curves of a panel for one load, at least one point each.

    CPU is that of all streams together, as the average number of busy cores.
    """
    found: list[Curve] = []
    for system in results.systems():
        for path in panel.paths:
            points: list[tuple[int, float]] = []
            for streams, reports in results.trials(load, system).items():
                values = [
                    value / (report["wall_s"] if path == _CPU_S else 1)
                    for report in reports
                    if (value := lookup(report, path)) is not None
                ]
                centre = summarise(values)
                if centre is not None:
                    points.append((streams, centre.median))
            if points:
                found.append(Curve(system, path, tuple(points)))
    return found


def _axis(panel: Panel, values: Sequence[float]) -> Axis:
    if panel.decimal:
        return Axis(0.02, 10.0, _HEIGHT, 10)
    return Axis(0.0, max(1.0, float(ceil(max(values)))), _HEIGHT)


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start", kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _panel(x: float, y: float, title: str, shown: Sequence[Curve], across: Axis, up: Axis) -> Iterator[str]:
    yield f'<g transform="translate({x:.1f} {y:.1f})">'
    yield _text(0, -10, title, kind="head")
    for tick in up.ticks():
        at = _HEIGHT - up.at(tick)
        yield _line(0, at, _WIDTH, at, "grid")
        yield _text(-8, at + 4, _number(tick), anchor="end")
    for tick in across.ticks():
        at = across.at(tick)
        yield _line(at, 0, at, _HEIGHT, "grid")
        yield _text(at, _HEIGHT + 17, _number(tick), anchor="middle")
    yield f'<rect class="frame" width="{_WIDTH}" height="{_HEIGHT}"/>'
    solid = shown[0].path if shown else ""
    for curve in shown:
        colour = _COLOURS.get(curve.system, _OTHER_COLOUR)
        dashes = "" if curve.path == solid else ' stroke-dasharray="6 4"'
        spots = [(across.at(streams), _HEIGHT - up.at(value)) for streams, value in curve.points]
        path = " ".join(f"{at_x:.1f},{at_y:.1f}" for at_x, at_y in spots)
        yield f'<polyline fill="none" stroke="{colour}" stroke-width="2"{dashes} points="{path}"/>'
        for (at_x, at_y), (streams, value) in zip(spots, curve.points, strict=True):
            label = f"{NAMES.get(curve.system, curve.system)}, {streams} streams: {_number(value)}"
            yield (
                f'<circle cx="{at_x:.1f}" cy="{at_y:.1f}" r="3" fill="{colour}">'
                f"<title>{escape(label)}</title></circle>"
            )
    yield "</g>"


def _legend(systems: Sequence[str]) -> Iterator[str]:
    at = float(_LEFT)
    for name in systems:
        label = NAMES.get(name, name)
        colour = _COLOURS.get(name, _OTHER_COLOUR)
        yield f'<rect x="{at:.1f}" y="38" width="18" height="4" fill="{colour}"/>'
        yield _text(at + 24, 45, label)
        at += 24 + 7.2 * len(label) + 20


def _panels(results: Results, loads: Sequence[str], across: Axis) -> Iterator[str]:
    for row, panel in enumerate(PANELS):
        y = _TOP + row * (_HEIGHT + _GAP_Y)
        by_load = [curves(results, load, panel) for load in loads]
        values = [value for shown in by_load for curve in shown for _, value in curve.points]
        up = _axis(panel, values or [1.0])
        for column, (load, shown) in enumerate(zip(loads, by_load, strict=True)):
            x = _LEFT + column * (_WIDTH + _GAP_X)
            yield from _panel(x, y, f"{panel.title} ({load})", shown, across, up)


def draw(results: Results) -> str:
    """Return the plot as SVG.

    Raises:
        ConfigurationError: The results contain no search for the number of streams held.
    """
    systems = results.systems()
    loads = [load for load in CAPACITY if any(results.trials(load, name) for name in systems)]
    if not loads:
        missing = ", ".join(CAPACITY.values())
        raise ConfigurationError(f"nothing to draw: the results contain none of {missing}")
    most = max(streams for load in loads for name in systems for streams in results.trials(load, name))
    across = Axis(1.0, float(max(2, 2 ** ceil(log2(most)))), _WIDTH, 2)
    width = _LEFT + len(loads) * (_WIDTH + _GAP_X)
    height = _TOP + len(PANELS) * (_HEIGHT + _GAP_Y) - _GAP_Y + _BOTTOM
    labels = ", ".join(NAMES.get(name, name) for name in systems)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        f"<title>{_TITLE}</title>",
        f"<desc>Median of rounds, for up to {most} streams: {escape(labels)}.</desc>",
        f"<style>{_STYLE}</style>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        _text(_LEFT, 24, _TITLE, kind="title"),
        *_legend(systems),
        *_panels(results, loads, across),
    ]
    for column, load in enumerate(loads):
        x = _LEFT + column * (_WIDTH + _GAP_X) + _WIDTH / 2
        parts.append(_text(x, height - 14, f"streams at once, {load} load", anchor="middle"))
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Run; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plot", description="A plot of results.")
    parser.add_argument("results", type=Path, nargs="+", help="files of scripts/bench; several are joined")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the SVG")
    arguments = parser.parse_args(argv)

    def write() -> None:
        arguments.output.write_text(draw(load_results(arguments.results)), encoding="utf-8")

    return exit_code_of(write)


if __name__ == "__main__":
    sys.exit(main())
