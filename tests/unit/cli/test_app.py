"""Exit codes, error messages, help and the entry point."""

import io
import subprocess
import sys
import textwrap

import pytest

from support.cli_fakes import FakeSession, FakeTranscriber
from vivavoce.cli.app import run
from vivavoce.errors import (
    AudioError,
    ConfigurationError,
    ConnectError,
    ExtrasNotInstalledError,
    RefusedError,
)

pytest_plugins = ["support.cli_fixtures"]
pytestmark = pytest.mark.usefixtures("parts")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConnectError("no server at ws://127.0.0.1:1"), 3),
        (RefusedError("not authorized", 4001), 4),
        (AudioError("bad\nsound"), 1),
        (ConfigurationError("bad setting"), 2),
        (ExtrasNotInstalledError("pip install it"), 1),
        (ZeroDivisionError("a bug"), 1),
    ],
)
def test_an_error_prints_one_line_and_sets_its_exit_code(recording, capsys, error, code):
    FakeTranscriber.failure = error
    assert run(["stream", recording]) == code
    lines = capsys.readouterr().err.splitlines()[1:]
    assert len(lines) == 1
    assert lines[0].startswith("vivavoce: ")
    assert " ".join(str(error).split()) in lines[0]


@pytest.mark.parametrize("where", [0, 2])
def test_debug_raises_the_error(recording, where):
    FakeTranscriber.failure = ConnectError("no server")
    arguments = ["stream", recording]
    arguments.insert(where, "--debug")
    with pytest.raises(ConnectError):
        run(arguments)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--help"], 0),
        (["stream", "--help"], 0),
        (["--version"], 0),
        ([], 2),
        (["no-such-command"], 2),
        (["stream"], 2),
        (["stream", "a.wav", "--no-such-option"], 2),
        (["stream", "missing.wav"], 1),
        (["stream", "a.wav", "--partials"], 2),
        (["stream", "-", "--sample-rate", "0"], 2),
        (["stream", "-", "--encoding", "opus"], 2),
        (["mic", "--seconds", "0"], 2),
        (["serve", "--port", "70000"], 2),
    ],
)
def test_exit_codes(arguments, code):
    assert run(arguments) == code


def test_a_closed_pipe_is_not_an_error(recording):
    program = textwrap.dedent(f"""
        import queue, sys, vivavoce
        from vivavoce.cli.app import run
        from vivavoce.client.events import TurnEvent

        class Session:
            began = None

            def __init__(self, **_):
                self.turns = queue.SimpleQueue()

            def send(self, data):
                for _ in data:
                    self.turns.put(TurnEvent(turn_order=0, end_of_turn=True, transcript="x" * 9000))

            def close(self):
                self.turns.put(None)

            def events(self):
                return iter(self.turns.get, None)

        vivavoce.connect = Session
        sys.exit(run(["stream", {recording!r}, "--url", "ws://x"]))
    """)
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    child.stdout.close()
    err = child.stderr.read()
    child.stderr.close()
    assert child.wait(20) == 0
    assert err == b"2 channels are mixed into one.\n"


def test_characters_that_the_terminal_lacks_are_replaced(recording, monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding="ascii"))
    monkeypatch.setattr(FakeSession, "_ms", lambda self: "\N{GREEK SMALL LETTER PI}")
    assert run(["stream", recording]) == 0
    assert raw.getvalue() == b"? milliseconds.\n"


def test_help_imports_nothing_heavy():
    program = (
        "import sys\nfrom vivavoce.cli.app import run\nrun(['--help'])\n"
        "heavy = {'numpy', 'onnxruntime', 'starlette', 'uvicorn', 'websockets', 'av', 'rich'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert done.stderr == ""
    assert "vivavoce demo" in done.stdout


def test_every_help_starts_with_examples(capsys):
    for command in ("demo", "mic", "stream", "serve", "doctor"):
        assert run([command, "--help"]) == 0
        text = capsys.readouterr().out
        assert 0 < text.index("Examples:") < text.index("Options:")


def test_a_missing_extra_prints_what_to_install():
    program = "import sys; sys.modules['typer'] = None; from vivavoce.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == 'vivavoce: the command line is not installed; run: pip install "vivavoce[cli]"\n'


@pytest.mark.parametrize("command", [["--help"], ["mic", "--list-devices"], ["doctor"]])
def test_ctrl_c_while_a_command_loads_is_quiet(command):
    program = (
        "import os, signal, sys\n"
        "from vivavoce.cli import main\n"
        "class Finder:\n"
        "    @staticmethod\n"
        "    def find_spec(name, path=None, target=None):\n"
        "        if name == 'vivavoce.cli.app':\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder)\n"
        f"sys.argv[1:] = {command!r}\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_the_package_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "vivavoce", "--version"], check=False, capture_output=True, text=True
    )
    assert done.stdout.startswith("vivavoce ")
