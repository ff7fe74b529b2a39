"""Options of ``vivavoce bench``, and the script that runs all measurements."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
import typer.main

from vivavoce.bench.options import SYSTEMS, Flag, Options
from vivavoce.cli.app import app, run

ROOT = Path(__file__).parents[3]


def command():
    group = typer.main.get_command(app)
    return group.get_command(typer.Context(group), "bench")


def test_every_field_of_the_options_is_a_parameter_with_its_default():
    parameters = {parameter.name: parameter for parameter in command().params}
    assert list(parameters) == [field.name for field in fields(Options)]
    for field in fields(Options):
        default = parameters[field.name].default
        default = getattr(default, "value", default)
        assert (default or None) == (field.default or None), field.name


def test_every_option_has_a_sentence_of_help():
    for annotation in get_type_hints(Options, include_extras=True).values():
        _, flag = get_args(annotation)
        assert isinstance(flag, Flag)
        assert flag.help.endswith(".")


def test_values_of_every_type_reach_the_measurement(tmp_path, monkeypatch):
    from vivavoce.bench import command as module

    seen = []
    monkeypatch.setattr(module, "execute", lambda options: seen.append(options) or 0)
    line = (
        "--kind read --kind digits --limit 3 --system vivavoce --protocol v2 --load continuous --speed 2.5 "
        "--min-silence 100 --no-format-turns --server-arg=--debug --server-cores 0,1 --json - --derived"
    )
    assert run(["bench", str(tmp_path), *line.split()]) == 0
    assert run(["bench"]) == 0
    assert seen == [
        Options(
            folder=tmp_path,
            kinds=("read", "digits"),
            limit=3,
            protocol="v2",
            load="continuous",
            speed=2.5,
            min_silence_ms=100,
            unformatted=True,
            server_arguments=("--debug",),
            server_cores=(0, 1),
            json=Path("-"),
            derived=True,
        ),
        Options(),
    ]
    assert type(seen[0].protocol) is str


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_system_can_be_chosen(system, tmp_path, monkeypatch):
    from vivavoce.bench import command as module

    monkeypatch.setattr(module, "execute", lambda options: 0 if options.system == system else 1)
    assert run(["bench", str(tmp_path), "--system", system]) == 0


def test_help_starts_with_examples_and_imports_nothing_heavy():
    program = (
        "import sys; from vivavoce.cli.app import run; code = run(['bench', '--help']);"
        "assert not {'numpy', 'onnxruntime', 'vivavoce.bench.command'} & set(sys.modules); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.index("Examples:") < done.stdout.index("Options:")


@pytest.mark.parametrize("option", ["--json", "--traces"])
def test_figures_never_overwrite_a_recording(tmp_path, capsys, option):
    recording = tmp_path / "a.wav"
    recording.write_bytes(b"RIFF\0\0\0\0WAVE")
    assert run(["bench", str(tmp_path), option, str(recording)]) == 2
    assert recording.read_bytes() == b"RIFF\0\0\0\0WAVE"
    assert "may be a recording" in capsys.readouterr().err


def test_a_missing_extra_prints_what_to_install(tmp_path):
    program = (
        "import sys; sys.modules['numpy'] = None; from vivavoce.cli.app import run;"
        f"sys.exit(run(['bench', {str(tmp_path)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        'vivavoce: the measurements are not installed; run: pip install "vivavoce[bench,server,cli]"\n'
    )


def test_a_package_that_is_needed_at_the_end_is_checked_at_the_start(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "jiwer", None)
    assert run(["bench", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert "jiwer is not installed" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--soak", "1", "--repeat", "2"], "--soak runs once"),
        (["--server-cores", "one"], "--server-cores must be numbers"),
        (["--system", "moonshine-voice", "--url", "ws://h"], "no address"),
    ],
)
def test_wrong_usage_prints_one_line(arguments, message, tmp_path, capsys):
    assert run(["bench", str(tmp_path), *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_script_is_bash():
    script = ROOT / "scripts" / "bench"
    assert os.access(script, os.X_OK)
    assert subprocess.run([shutil.which("bash"), "-n", script], check=False).returncode == 0


def test_results_are_not_tracked():
    assert "bench-results/" in (ROOT / ".gitignore").read_text().splitlines()
