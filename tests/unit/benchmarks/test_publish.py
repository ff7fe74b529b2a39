"""Results joined, put into tables and pages, and drawn."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest
from benchmarks.plot import PANELS, Axis, curves, draw
from benchmarks.plot import main as plot
from benchmarks.publish import BEGIN, END, insert, page
from benchmarks.publish import main as publish
from benchmarks.results import Results, load_results, save_results

from support.bench_reports import entry, report
from vivavoce.bench.report import as_fields
from vivavoce.errors import ConfigurationError

LIBRARY = "moonshine-voice"
SVG = "{http://www.w3.org/2000/svg}"


def searched(system, number, held, cpu):
    reports = [
        report(streams=streams, system=system, cpu=cpu, emission=(0.1 * streams, 0.2 * streams))
        for streams in (1, 2, 4)
    ]
    return entry("held-short", number, system=system, held=held, reports=reports)


RESULTS = Results(
    entries=[
        entry("one-stream", 1, cpu=0.04),
        entry("one-stream", 1, system=LIBRARY, cpu=0.4),
        entry("one-stream", 2, cpu=0.08),
        entry("one-stream", 2, system=LIBRARY, cpu=0.4),
        entry("accuracy", 1, wer=5.5),
        entry("accuracy", 1, system=LIBRARY, wer=7.0),
        entry("sixteen-streams", 1, streams=16),
        entry("sixteen-streams", 1, system=LIBRARY, error="fell behind"),
        searched("vivavoce", 1, 40, 0.04),
        searched(LIBRARY, 1, 3, 0.4),
        entry("non-speech", 1),
    ],
    offline_wer_percent={"overall": 5.0, "read": 5.25},
)


class TestResults:
    def test_a_figure_over_rounds(self):
        found = RESULTS.figure("one-stream", "vivavoce", "cost.cpu_per_stream")
        assert (found.median, found.min, found.max) == pytest.approx((0.06, 0.04, 0.08))
        assert RESULTS.figure("one-stream", "unknown", "cost.cpu_per_stream") is None

    def test_ratios_pair_rounds(self):
        found = RESULTS.ratio("one-stream", LIBRARY, "vivavoce", "cost.cpu_per_stream")
        assert (found.min, found.max) == pytest.approx((5.0, 10.0))

    def test_files_are_joined_and_their_rounds_counted_on(self, tmp_path):
        first, second = tmp_path / "results" / "1.json", tmp_path / "results" / "2.json"
        save_results(Results(entries=[entry("one-stream", 1), entry("one-stream", 2)]), first)
        save_results(Results(entries=[entry("one-stream", 1)], quick=True), second)
        joined = load_results([first, second])
        assert [item.round for item in joined.entries] == [1, 2, 3]
        assert joined.quick
        assert sorted(path.name for path in first.parent.iterdir()) == ["1.json", "2.json"]

    def test_faults(self, tmp_path):
        with pytest.raises(ConfigurationError, match="No such file"):
            load_results([tmp_path / "none.json"])
        (tmp_path / "bad.json").write_text('{"entries": 3}')
        with pytest.raises(ConfigurationError, match="not a results file"):
            load_results([tmp_path / "bad.json"])


class TestPage:
    PAGE = page(RESULTS)

    def test_medians_and_extremes(self):
        assert "| CPU per stream, cores | 0.060 (0.040 to 0.080) | 0.400 |" in self.PAGE

    def test_ratio(self):
        assert "| CPU per stream, relative to ours in the same round | 1.0 | 7.5 (5.0 to 10.0) |" in self.PAGE

    def test_gap(self):
        assert "| both | 5.50 | 7.00 | 5.00 | 0.50 |" in self.PAGE
        assert "| read | 5.50 | 7.00 | 5.25 | 0.25 |" in self.PAGE

    def test_rounds(self):
        assert "### One stream\n\n2 rounds.\n" in self.PAGE
        assert "### Word error rates\n\nOne round.\n" in self.PAGE

    def test_a_failed_round_is_counted(self):
        assert "### 16 streams at once" in self.PAGE
        assert "| rounds that failed | 0 | 1 |" in self.PAGE

    def test_streams_held(self):
        assert "| short load | 40 | 3 |" in self.PAGE
        assert "| short load, per core | 20.0 | 1.5 |" in self.PAGE
        assert "| 4 | 0.40 / 0.80; 0.10; 0.040 | 0.40 / 0.80; 0.10; 0.400 |" in self.PAGE

    def test_where_it_was_measured(self):
        assert "- Abacus 2, 2 cores, Linux x86_64, Python 3.13.1" in self.PAGE
        assert "- vivavoce 0.1.0, onnxruntime 1.20" in self.PAGE
        assert "- measured 2026-01-02\n" in self.PAGE

    def test_the_table_of_a_system_alone(self):
        alone = page(Results(entries=[entry("one-stream", system=LIBRARY)]))
        assert "| | moonshine-voice, as documented |" in alone.replace("|  |", "| |")
        assert "Vivavoce" not in alone
        assert "relative to ours" not in alone

    def test_soak(self):
        result = {
            "report": as_fields(report(streams=8)),
            "minutes": 30.0,
            "memory": {"start": 100.0, "settled": 120.0, "end": 125.0, "growth": 5.0},
            "emission_p95_first_third": 0.5,
            "emission_p95_last_third": None,
        }
        text = page(Results(soak=result))
        assert "### 8 streams for 30 minutes" in text
        assert "| growth after minute 5, MiB | 5.0 |" in text
        assert "| word emission p95, last third, s | - |" in text


class TestIntoAPage:
    def test_only_what_is_between_the_comments_changes(self):
        text = f"before\n{BEGIN}\nold\n{END}\nafter\n"
        once = insert(text, "new\n")
        assert once == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
        assert insert(once, "new\n") == once

    def test_a_page_without_a_place(self):
        with pytest.raises(ConfigurationError, match="bench:begin"):
            insert("nothing", "new")

    def test_command(self, tmp_path, capsys):
        results, target = tmp_path / "r.json", tmp_path / "p.md"
        save_results(RESULTS, results)
        target.write_text(f"{BEGIN}\n{END}\n")
        assert publish([str(results), "--into", str(target)]) == 0
        assert "| short load | 40 | 3 |" in target.read_text()
        assert "![" not in target.read_text()
        target.with_suffix(".svg").touch()
        assert publish([str(results), "--into", str(target)]) == 0
        assert "](p.svg)" in target.read_text()
        assert publish([str(results)]) == 0
        assert "## Results" in capsys.readouterr().out

    def test_quick_results_are_not_published(self, tmp_path, capsys):
        results = tmp_path / "r.json"
        save_results(Results(quick=True), results)
        assert publish([str(results), "--into", str(tmp_path / "p.md")]) == 2
        assert "quick" in capsys.readouterr().err

    def test_no_such_page(self, tmp_path, capsys):
        results = tmp_path / "r.json"
        save_results(RESULTS, results)
        assert publish([str(results), "--into", str(tmp_path / "none.md")]) == 1
        assert "none.md" in capsys.readouterr().err


class TestPlot:
    def test_curves(self):
        latency, overhead, cpu = PANELS
        p50, p95, *_ = curves(RESULTS, "short", latency)
        assert p50.points == ((1, 0.1), (2, 0.2), (4, 0.4))
        assert p95.points == ((1, 0.2), (2, 0.4), (4, 0.8))
        assert [curve.system for curve in curves(RESULTS, "short", overhead)] == ["vivavoce", LIBRARY]
        # CPU is for all streams together.
        assert [value for _, value in curves(RESULTS, "short", cpu)[0].points] == pytest.approx([
            0.04, 0.08, 0.16,
        ])  # fmt: skip
        assert curves(RESULTS, "continuous", latency) == []

    def test_axes(self):
        decimal = Axis(0.1, 10.0, 200, 10)
        assert [decimal.at(value) for value in (0.1, 1.0, 10.0, 99.0, 0.0)] == pytest.approx([
            0, 100, 200, 200, 0,
        ])  # fmt: skip
        assert decimal.ticks() == pytest.approx([0.1, 0.2, 0.5, 1, 2, 5, 10])
        assert Axis(1.0, 8.0, 300, 2).ticks() == [1, 2, 4, 8]
        assert Axis(0.0, 5.0, 10).ticks() == [0, 1, 2, 3, 4, 5]

    def test_drawing_is_svg_with_a_curve_per_system_and_figure(self):
        root = ET.fromstring(draw(RESULTS))
        assert root.tag == f"{SVG}svg"
        assert len(root.findall(f".//{SVG}polyline")) == 2 * (2 + 1 + 1)
        texts = [text.text for text in root.iter(f"{SVG}text")]
        assert "Vivavoce" in texts
        assert "moonshine-voice, as documented" in texts

    def test_drawing_stays_inside(self):
        root = ET.fromstring(draw(RESULTS))
        _, _, width, height = map(float, root.get("viewBox").split())
        for spot in root.iter(f"{SVG}circle"):
            assert 0 <= float(spot.get("cx")) <= width
            assert 0 <= float(spot.get("cy")) <= height

    def test_command(self, tmp_path, capsys):
        results, picture = tmp_path / "r.json", tmp_path / "p.svg"
        save_results(RESULTS, results)
        assert plot([str(results), "-o", str(picture)]) == 0
        assert picture.read_text().startswith("<svg")
        save_results(Results(), results)
        assert plot([str(results), "-o", str(picture)]) == 2
        assert "nothing to draw" in capsys.readouterr().err


def test_results_are_plain_json(tmp_path):
    path = tmp_path / "r.json"
    save_results(RESULTS, path)
    read = json.loads(path.read_text())
    assert read["entries"][0]["reports"][0]["machine"]["cpu"] == "Abacus 2"
