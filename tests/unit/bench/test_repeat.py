"""Several runs summarised, and one long run divided into minutes."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.bench_reports import MACHINE, report
from vivavoce.bench.environment import cpu_model, describe
from vivavoce.bench.records import Clip, Placed, RefWord, Script, ShownWord, Trace, TurnMessage
from vivavoce.bench.repeat import FIGURES, Summary, lookup, merge, summarise, table
from vivavoce.bench.resources import machine_busy_s
from vivavoce.bench.soak import SETTLED_S, latency_by_minute, summarise_memory
from vivavoce.bench.timing import emissions, typical_final_s

RUNS = [report(cpu=0.05), report(cpu=0.07), report(cpu=0.06)]


class TestRuns:
    def test_summary(self):
        assert summarise([3.0, None, 1.0, 2.0]) == Summary(2.0, 1.0, 3.0)
        assert summarise([None]) is None

    def test_text(self):
        assert Summary(0.31, 0.304, 0.33).text(2) == "0.31 (0.30 to 0.33)"
        assert Summary(0.31, 0.311, 0.312).text(2) == "0.31"

    def test_merged_keeps_the_shape(self):
        merged = merge(RUNS)
        assert merged["runs"] == len(merged["reports"]) == 3
        costs = [merged[which]["cost"]["cpu_per_stream"] for which in ("min", "median", "max")]
        assert costs == [0.05, 0.06, 0.07]
        assert merged["median"]["overall"]["emission_s"]["p95"] == 0.8
        assert merged["median"]["overall"]["upwr"] is None
        assert merged["median"]["system"] == "vivavoce"

    def test_table_leaves_out_what_was_not_measured(self):
        heading, *rows = table(RUNS)
        assert heading == ("3 runs", "median", "min", "max")
        assert ("CPU per stream, cores", "0.060", "0.050", "0.070") in rows
        assert not [row for row in rows if row[0] == "UPWR"]

    def test_every_figure_of_a_table_is_in_a_report(self):
        fields = merge(RUNS[:1])["median"]
        fields["offline_wer_percent"]["overall"] = 4.0
        for item in FIGURES:
            *parents, name = item.path.split(".")
            found = fields
            for parent in parents:
                found = found[parent]
                if found is None:
                    break  # a figure that these reports lack as a whole
            else:
                assert name in found, item.path

    def test_lookup(self):
        assert lookup({"a": {"b": 1}}, "a.b") == 1.0
        assert lookup({"a": {"b": None}}, "a.b") is None
        assert lookup({"a": None}, "a.b") is None


class TestSoak:
    def test_memory(self):
        samples = [(0.0, 100.0), (100.0, 180.0), (SETTLED_S, 150.0), (600.0, 160.0)]
        summary = summarise_memory(samples)
        assert (summary.start, summary.settled, summary.end, summary.most) == (100.0, 150.0, 160.0, 180.0)
        assert summary.growth == 10.0

    def test_memory_is_the_median_of_a_minute(self):
        restless = [(at, 100.0 + 50 * (at % 20 == 0)) for at in range(0, 1_200, 5)]
        summary = summarise_memory(restless)
        assert (summary.settled, summary.end, summary.growth, summary.most) == (100.0, 100.0, 0.0, 150.0)

    def test_a_short_run_has_no_growth(self):
        summary = summarise_memory([(0.0, 100.0), (60.0, 120.0)])
        assert (summary.settled, summary.growth, summary.end) == (None, None, 120.0)
        assert summarise_memory([]) is None

    def test_latency_by_minute(self):
        assert latency_by_minute([(1.0, 0.2), (59.9, 0.2), (130.0, 0.5)]) == [0.2, None, 0.5]
        assert latency_by_minute([]) == []


def test_emissions_know_when_the_word_was_spoken():
    words = (RefWord("the", 0.5, 0.7), RefWord("cat", 0.7, 1.1))
    clip = Clip("a", "read", Path("a"), "the cat", 2.0, 16_000, words)
    script = Script((Placed(clip, 10.0),), 16_000, 12.0)
    final = (ShownWord("The", is_final=True), ShownWord("cat.", is_final=True))
    trace = Trace(
        (
            TurnMessage(11.0, 0, (ShownWord("the"),)),
            TurnMessage(12.0, 0, final, ended=True),
        )
    )
    found = emissions(script, trace)
    assert [at for at, _ in found] == pytest.approx([10.7, 11.1])
    assert [latency for _, latency in found] == pytest.approx([0.3, 0.9])
    assert typical_final_s([(script, trace), (script, Trace())]) == pytest.approx(0.9)
    assert typical_final_s([]) is None


class TestMachine:
    def test_facts(self):
        facts = describe()
        assert facts.cores >= 1
        assert facts.cpu
        assert facts.packages["vivavoce"]

    def test_cpu_model(self):
        assert cpu_model("processor : 0\nmodel name\t: Some  CPU @ 2 GHz\nflags: a") == "Some CPU @ 2 GHz"
        assert cpu_model("") is None

    @pytest.mark.skipif(not Path("/proc/stat").exists(), reason="needs Linux")
    def test_busy(self):
        assert 0 < machine_busy_s() <= machine_busy_s()

    def test_reports_name_no_host(self):
        assert MACHINE.system == "Linux x86_64"
        assert set(describe().system.split()) <= {"Linux", "Darwin", "Windows", "x86_64", "aarch64", "arm64"}
