"""Prometheus' text exposition format.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vivavoce.asr.engine import Histogram

__all__ = ["CONTENT_TYPE", "escaped", "histograms", "labelled", "number", "plain"]

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


def escaped(value: str) -> str:
    """Return the value of a label as the format wants it: the name of a model may be that of any folder."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def labelled(label: str, values: Mapping[str, float]) -> dict[str, float]:
    """Return values by their labels, sorted, for `plain`."""
    return {f'{label}="{escaped(name)}"': value for name, value in sorted(values.items())}


def plain(kind: str, name: str, text: str, values: Mapping[str, float] | float) -> Iterator[str]:
    """Yield the lines of a counter or a gauge.

    Args:
        kind: ``counter`` or ``gauge``.
        name: The whole name.
        text: What it means.
        values: Values by their labels, such as ``model="x"``; a number has no label.
    """
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"
    for labels, value in ({"": values} if isinstance(values, float | int) else values).items():
        braces = f"{{{labels}}}" if labels else ""
        yield f"{name}{braces} {number(value)}"


def histograms(name: str, text: str, values: Mapping[str, Histogram]) -> Iterator[str]:
    """Yield the lines of a histogram.

    Args:
        name: The whole name.
        text: What it means.
        values: Histograms by their labels; the label may be empty.
    """
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} histogram"
    for labels, histogram in values.items():
        before, braces = (f"{labels},", f"{{{labels}}}") if labels else ("", "")
        counts = list(accumulate(histogram.counts))
        for bound, count in zip((*histogram.bounds, "+Inf"), counts, strict=True):
            yield f'{name}_bucket{{{before}le="{bound}"}} {count}'
        yield f"{name}_sum{braces} {number(histogram.total)}"
        yield f"{name}_count{braces} {counts[-1]}"


def number(value: float) -> str:
    """Return a value as the format wants it: in whole units, or with up to six decimals."""
    return f"{value:.6f}".rstrip("0").rstrip(".")
