"""The machine of a measurement, without its name."""

from support.bench_reports import MACHINE
from vivavoce.bench.environment import cpu_model, describe


def test_facts():
    facts = describe()
    assert facts.cores >= 1
    assert facts.cpu
    assert facts.packages["vivavoce"]


def test_cpu_model():
    assert cpu_model("processor : 0\nmodel name\t: Some  CPU @ 2 GHz\nflags: a") == "Some CPU @ 2 GHz"
    assert cpu_model("") is None


def test_reports_name_no_host():
    assert MACHINE.system == "Linux x86_64"
    assert set(describe().system.split()) <= {"Linux", "Darwin", "Windows", "x86_64", "aarch64", "arm64"}
