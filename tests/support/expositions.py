"""Expositions read by the rules of `promtool check metrics`.

https://prometheus.io/docs/instrumenting/exposition_formats/ and https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
_SAMPLE = re.compile(rf"({_NAME})(?:\{{({_LABEL}(?:,{_LABEL})*)\}})? (?P<value>\S+)")
_PARTS = ("_bucket", "_sum", "_count")
_UNITS = re.compile(
    r"(?:^|_)(milli|micro|nano|kilo|mega|giga)?(ms|us|ns|milliseconds|minutes|hours|days|kb|mb|gb|percent|"
    r"kilobytes|megabytes|milliseconds_total)(?:_|$)"
)


@dataclass
class Family:
    """A metric: its kind, its text, and its samples as (name, labels, value)."""

    kind: str
    text: str
    samples: list = field(default_factory=list)


def families(text):
    """Return the metrics of an exposition by name; anything that Prometheus would refuse is an error."""
    assert text.endswith("\n")
    found = {}
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name, _, explanation = line[7:].partition(" ")
            assert name not in found, f"{name} stands twice"
            found[name] = Family("", explanation)
        elif line.startswith("# TYPE "):
            name, kind = line[7:].split(" ")
            assert name in found
            assert not found[name].samples
            found[name].kind = kind
        else:
            match = _SAMPLE.fullmatch(line)
            assert match, f"not a sample: {line}"
            name, labels = match[1], dict(re.findall(_LABEL, match[2] or ""))
            base = name if name in found else re.sub(f"({'|'.join(_PARTS)})$", "", name)
            assert base in found, f"{name} has no HELP"
            found[base].samples.append((name, labels, float(match["value"])))
    return found


def problems(text):
    """Return what `promtool check metrics` would say, and what breaks a histogram or repeats a sample."""
    found = []
    for name, family in families(text).items():
        found += [f"{name}: {problem}" for problem in _of_family(name, family)]
    return found


def _of_family(name, family):
    if not family.text:
        yield "no help text"
    if family.kind not in {"counter", "gauge", "histogram"}:
        yield f"kind {family.kind!r}"
    if (family.kind == "counter") != name.endswith("_total"):
        yield "counters end in _total, and nothing else does"
    if re.search(r"_(counter|gauge|histogram|summary)(_|$)", name):
        yield "names its kind"
    if family.kind != "histogram" and name.endswith(_PARTS):
        yield "has a suffix of histograms"
    if _UNITS.search(name):
        yield "not a base unit"
    if re.search("[a-z][A-Z]", name) or name != name.lower():
        yield "camel case"
    series = [(sample, tuple(sorted(labels.items()))) for sample, labels, _ in family.samples]
    if len(set(series)) < len(series):
        yield "a sample stands twice"
    if family.kind == "histogram":
        yield from _of_histogram(name, family)
    elif any("le" in labels or "quantile" in labels for _, labels, _ in family.samples):
        yield "has a label of histograms"


def _of_histogram(name, family):
    series = {}
    for sample, labels, value in family.samples:
        by = tuple(sorted((key, text) for key, text in labels.items() if key != "le"))
        series.setdefault(by, {}).setdefault(sample.removeprefix(name), []).append((labels.get("le"), value))
    for by, parts in series.items():
        bounds = [float(bound) for bound, _ in parts["_bucket"]]
        counts = [count for _, count in parts["_bucket"]]
        if bounds != sorted(set(bounds)) or bounds[-1] != float("inf"):
            yield f"{by}: bounds {bounds}"
        if counts != sorted(counts) or counts[-1] != parts["_count"][0][1]:
            yield f"{by}: counts {counts}"
        if len(parts["_sum"]) != 1 or len(parts["_count"]) != 1:
            yield f"{by}: sums"


def value_of(text, sample):
    """Return the value of a sample, by its name and labels as they are in the exposition; None: not there."""
    found = re.search(rf"^{re.escape(sample)} (\S+)$", text, re.MULTILINE)
    return None if found is None else float(found[1])
