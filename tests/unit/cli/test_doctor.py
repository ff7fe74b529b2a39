"""Findings as text, and the exit code of ``vivavoce doctor``."""

import pytest

from vivavoce.cli.app import run
from vivavoce.cli.doctor import format_finding
from vivavoce.cli.doctor_checks import Finding, Status

pytest_plugins = ["support.cli_fixtures"]
pytestmark = pytest.mark.usefixtures("parts")


def test_only_a_broken_part_sets_the_exit_code(monkeypatch, capsys):
    findings = [
        Finding(Status.OK, "Python", "3.13"),
        Finding(Status.NOTE, "microphone", "none", "plug one in"),
    ]
    monkeypatch.setattr("vivavoce.cli.doctor_checks.run_checks", lambda checks: findings)
    assert run(["doctor"]) == 0
    assert capsys.readouterr().out == (
        "ok      Python: 3.13\nnote    microphone: none\n        -> plug one in\n"
    )
    findings.append(Finding(Status.BROKEN, "model", "gone", "install it"))
    assert run(["doctor"]) == 1


def test_findings_fit_the_terminal():
    finding = Finding(Status.PROBLEM, "port 8765", "used by another program", "stop that program")
    assert format_finding(finding, width=30) == (
        "problem port 8765: used by\n        another program\n        -> stop that program"
    )
    assert "\x1b[33mproblem\x1b[0m" in format_finding(finding, colour=True)
