"""Made-up reports with the figures that a test needs."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.results import Entry

from vivavoce.bench.environment import Machine
from vivavoce.bench.figures import Spread, figures
from vivavoce.bench.records import SilenceRule
from vivavoce.bench.report import Cost, Report, as_fields

MACHINE = Machine("Abacus 2", 2, "Linux x86_64", "3.13.1", {"vivavoce": "0.1.0", "onnxruntime": "1.20"})


def report(*, emission=(0.3, 0.8), overhead=(0.05, 0.1), cpu=0.05, wer=5.0, streams=1, system="vivavoce"):
    overall = replace(
        figures([], SilenceRule(400, 1280)),
        sessions=4,
        emission_s=Spread(*emission, 40),
        overhead_s=Spread(*overhead, 4),
        wer_percent=wer,
    )
    return Report(
        version="0.1.0",
        system=system,
        server="somewhere",
        protocol="v3",
        load="short",
        streams=streams,
        mean_streams=float(streams),
        cores=2,
        speed=1.0,
        chunk_ms=50,
        min_silence_ms=400,
        max_silence_ms=1280,
        end_of_turn_threshold=0.4,
        silence_measured=system != "vivavoce",
        machine=MACHINE,
        elsewhere_cores=0.1,
        started_at="2026-01-02T03:04:05+00:00",
        wall_s=60.0,
        overall=overall,
        kinds={"read": overall},
        cost=Cost(cpu, cpu * streams * 60, 100.0, 120.0, 110.0),
    )


def entry(item, number=1, *, system="vivavoce", held=None, error=None, reports=None, **figures_):
    if reports is None:
        reports = [] if error else [report(system=system, **figures_)]
    return Entry(
        item=item,
        system=system,
        round=number,
        held=held,
        error=error,
        reports=[as_fields(item) for item in reports],
    )
