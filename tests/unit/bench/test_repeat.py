"""Several runs summarised."""

from support.bench_reports import report
from vivavoce.bench.repeat import FIGURES, Summary, lookup, merge, summarise, table

RUNS = [report(cpu=0.05), report(cpu=0.07), report(cpu=0.06)]


def test_summary():
    assert summarise([3.0, None, 1.0, 2.0]) == Summary(2.0, 1.0, 3.0)
    assert summarise([None]) is None


def test_text():
    assert Summary(0.31, 0.304, 0.33).text(2) == "0.31 (0.30 to 0.33)"
    assert Summary(0.31, 0.311, 0.312).text(2) == "0.31"


def test_merged_keeps_the_shape():
    merged = merge(RUNS)
    assert merged["runs"] == len(merged["reports"]) == 3
    costs = [merged[which]["cost"]["cpu_per_stream"] for which in ("min", "median", "max")]
    assert costs == [0.05, 0.06, 0.07]
    assert merged["median"]["overall"]["emission_s"]["p95"] == 0.8
    assert merged["median"]["overall"]["upwr"] is None
    assert merged["median"]["system"] == "vivavoce"


def test_table_leaves_out_what_was_not_measured():
    heading, *rows = table(RUNS)
    assert heading == ("3 runs", "median", "min", "max")
    assert ("CPU per stream, cores", "0.060", "0.050", "0.070") in rows
    assert not [row for row in rows if row[0] == "UPWR"]


def test_every_figure_of_a_table_is_in_a_report():
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


def test_lookup():
    assert lookup({"a": {"b": 1}}, "a.b") == 1.0
    assert lookup({"a": {"b": None}}, "a.b") is None
    assert lookup({"a": None}, "a.b") is None
