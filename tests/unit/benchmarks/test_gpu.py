"""The comparison of CPU and GPU: the search within its time, the shares of the time, and the table."""

from dataclasses import replace

import msgspec
import pytest
from benchmarks import gpu
from benchmarks.gpu import Measured, main, measure_all, rows, search

from support.bench_reports import report
from vivavoce.bench.figures import Spread
from vivavoce.errors import RealtimeError


def trial_report(streams, final_s=(0.5, 0.6), cpu=0.05):
    made = report(streams=streams, cpu=cpu)
    return replace(made, overall=replace(made.overall, final_s=Spread(*final_s, 40)))


class Machine:
    """Holds so many streams; more than twice as many all fail."""

    def __init__(self, capacity):
        self.capacity = capacity
        self.tried = []

    def trial(self, streams):
        self.tried.append(streams)
        if streams > 2 * self.capacity:
            raise RealtimeError("every session failed")
        return trial_report(streams, final_s=(0.5, 0.6 if streams <= self.capacity else 9.0))


@pytest.mark.parametrize(("capacity", "limit", "held"), [(0, 64, 0), (5, 64, 5), (21, 64, 21), (100, 64, 64)])
def test_the_search_finds_what_is_held(capacity, limit, held):
    assert search(Machine(capacity).trial, limit, is_over=lambda: False) == (held, held < limit)


def test_a_search_that_runs_out_of_time_says_what_it_knows():
    machine = Machine(100)
    assert search(machine.trial, 256, is_over=lambda: len(machine.tried) == 3) == (32, False)
    assert machine.tried == [8, 16, 32]
    assert search(machine.trial, 256, is_over=lambda: True) == (0, False)


def test_each_measurement_has_an_equal_part_of_the_time_that_is_left():
    clock = [100.0]
    deadlines = []

    def measure(model, device, until):
        deadlines.append((model, device, until - clock[0]))
        clock[0] += 30.0 if device == "cpu" else 10.0
        return Measured(model, device)

    found = measure_all(["a", "b"], ["cpu", "cuda"], measure, seconds=90.0, now=lambda: clock[0])
    assert deadlines == [("a", "cpu", 22.5), ("a", "cuda", 20.0), ("b", "cpu", 25.0), ("b", "cuda", 20.0)]
    assert [each.device for each in found] == ["cpu", "cuda"] * 2
    assert measure_all(["a"], ["cpu"], measure, seconds=-5.0, now=lambda: clock[0])
    assert deadlines[-1] == ("a", "cpu", 0.0)


def test_the_table():
    whole = Measured("m", "cpu", 4, is_final=True, alone=trial_report(1, cpu=0.07))
    whole.trials = [trial_report(8), trial_report(4, cpu=0.06)]
    short = Measured("m", "cuda", 32, gpu_mib=900, alone=trial_report(1))
    broken = Measured("m", "cuda", error="no GPU")
    heading, *lines = rows([whole, short, broken])
    assert lines == [
        ("m", "cpu", "0.30 / 0.80", "0.50 / 0.60", "5.0", "0.070", "4", "0.060", "-"),
        ("m", "cuda", "0.30 / 0.80", "0.50 / 0.60", "5.0", "0.050", "32 or more", "-", "900"),
        ("m", "cuda", "failed", *["-"] * 6),
    ]
    assert {len(line) for line in lines} == {len(heading)}


@pytest.mark.parametrize(
    ("script", "mib"),
    [("echo 900; echo 100", 1_000), ("echo '[N/A]'", None), ("exit 9", None), (None, None)],
)
def test_memory_of_the_gpu(tmp_path, monkeypatch, script, mib):
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    if script is not None:
        program = tmp_path / "nvidia-smi"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    assert gpu._gpu_memory_mib() == mib


def test_all_figures_are_written_and_a_failure_is_the_exit_code(tmp_path, monkeypatch, capsys):
    def measure(model, device, until, *, clips, limit, trial_s):
        assert (limit, trial_s, len(clips) > 1) == (2, 5.0, True)
        found = Measured(model, device, alone=trial_report(1))
        if device == "cuda":
            found.error = "no GPU"
        return found

    monkeypatch.setattr(gpu, "_measure", measure)
    path = tmp_path / "figures.json"
    assert main(["--limit", "2", "--seconds", "5", "--json", str(path)]) == 1
    written = msgspec.json.decode(path.read_bytes())
    assert [(each["device"], each["error"]) for each in written["measured"]] == [
        ("cpu", None),
        ("cuda", "no GPU"),
    ]
    assert written["measured"][0]["alone"]["streams"] == 1
    assert "moonshine-tiny-en" in capsys.readouterr().out
    assert main(["--device", "cpu", "--limit", "2", "--seconds", "5"]) == 0
