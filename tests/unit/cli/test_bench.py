"""The two command lines of the measurements are one, and the script that runs all of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
import typer.main

from vivavoce.bench.__main__ import parser
from vivavoce.bench.systems import SYSTEMS
from vivavoce.cli.app import app, run
from vivavoce.cli.bench import System

ROOT = Path(__file__).parents[3]


def command():
    group = typer.main.get_command(app)
    return group.get_command(click.Context(group), "bench")


def test_both_command_lines_have_the_same_options():
    ours = {option for parameter in command().params for option in parameter.opts if option[0] == "-"}
    theirs = {option for action in parser()._actions for option in action.option_strings}
    assert ours - {"--help", "-h"} == theirs - {"--help", "-h"}


def test_both_command_lines_have_the_same_defaults():
    theirs = {option: action.default for action in parser()._actions for option in action.option_strings}
    for parameter in command().params:
        if parameter.opts[0] in theirs:
            default, other = parameter.default, theirs[parameter.opts[0]]
            assert (default or None) == (other or None), parameter.name


def test_systems():
    assert [item.value for item in System] == list(SYSTEMS)


def test_help_begins_with_examples_and_loads_nothing_heavy():
    program = (
        "import sys; from vivavoce.cli.app import run; code = run(['bench', '--help']);"
        "assert not {'numpy', 'onnxruntime', 'vivavoce.bench'} & set(sys.modules); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.index("Examples:") < done.stdout.index("Options:")


def test_without_the_extra_one_line_says_what_to_install(tmp_path):
    program = (
        "import sys; sys.modules['numpy'] = None; from vivavoce.cli.app import run;"
        f"sys.exit(run(['bench', {str(tmp_path)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        'vivavoce: the measurements are not installed; run: pip install "vivavoce[bench,server,cli]"\n'
    )


def test_what_is_needed_at_the_end_is_looked_for_at_the_beginning(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "jiwer", None)
    assert run(["bench", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert "jiwer is missing" in told
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--soak", "1", "--repeat", "2"], "--soak runs once"),
        (["--server-cores", "one"], "expected numbers"),
        (["--system", "moonshine-voice", "--url", "ws://h"], "no address"),
    ],
)
def test_wrong_usage_is_one_line(arguments, told, tmp_path, capsys):
    assert run(["bench", str(tmp_path), *arguments]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_script_is_bash():
    script = ROOT / "scripts" / "bench"
    assert os.access(script, os.X_OK)
    assert subprocess.run([shutil.which("bash"), "-n", script], check=False).returncode == 0


def test_results_are_not_tracked():
    assert "bench-results/" in (ROOT / ".gitignore").read_text().splitlines()
