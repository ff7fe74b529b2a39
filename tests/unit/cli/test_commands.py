"""The commands as a person calls them, with an SDK, a server and a microphone that only act the part."""

import contextlib
import io
import json
import subprocess
import sys
import types
from pathlib import Path

import pytest

from support.cli_fakes import FakeTranscriber
from vivavoce.cli.app import run
from vivavoce.cli.demo import closing_line
from vivavoce.cli.demo_latency import LatencySummary
from vivavoce.cli.doctor import lines_of
from vivavoce.cli.doctor_checks import Finding, Status, check_port, check_settings, run_checks
from vivavoce.cli.mic import first_seconds
from vivavoce.cli.serve import read_keys
from vivavoce.errors import (
    AudioError,
    ConfigurationError,
    ConnectError,
    ExtrasNotInstalledError,
    RefusedError,
    ServerError,
)
from vivavoce.settings import settings

pytest_plugins = ["support.cli_fixtures"]
pytestmark = pytest.mark.usefixtures("parts")


# --- stream ----------------------------------------------------------------------------------


def test_a_file_becomes_a_line(recording, capsys):
    assert run(["stream", recording]) == 0
    out, err = capsys.readouterr()
    assert out == "250 milliseconds.\n"
    assert err == "2 channels are mixed into one.\n"
    assert FakeTranscriber.addresses == ["ws://127.0.0.1:4321"]


def test_json_with_partials(recording, capsys):
    assert run(["stream", recording, "--json", "--partials"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["type"] for event in events] == ["partial"] * 3 + ["final"]


def test_raw_standard_input(pipe_in, capsys):
    pipe_in(bytes(8001))
    assert run(["stream", "-", "--sample-rate", "8000", "--encoding", "pcm_mulaw"]) == 0
    assert capsys.readouterr().out == "1000 milliseconds.\n"


def test_wav_on_standard_input(pipe_in, recording, capsys):
    with open(recording, "rb") as file:  # noqa: PTH123
        pipe_in(file.read())
    assert run(["stream", "-"]) == 0
    assert capsys.readouterr().out == "250 milliseconds.\n"


def test_a_terminal_on_standard_input_is_a_mistake(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", types.SimpleNamespace(isatty=lambda: True))
    assert run(["stream", "-"]) == 2
    assert "standard input is a terminal" in capsys.readouterr().err


def test_a_named_server_is_used_and_none_started(recording, monkeypatch):
    monkeypatch.setitem(sys.modules, "vivavoce.server", None)
    assert run(["stream", recording, "--url", "ws://elsewhere:1", "--api-key", "k"]) == 0
    assert FakeTranscriber.addresses == ["ws://elsewhere:1"]
    assert settings.api_key == "k"


def test_a_configured_server_is_used(recording, monkeypatch):
    monkeypatch.setenv("ASSEMBLYAI_BASE_URL", "ws://configured:1")
    assert run(["stream", recording]) == 0
    assert FakeTranscriber.addresses == ["ws://configured:1"]


def test_without_the_server_extra_it_is_said_what_to_do(recording, monkeypatch, capsys):
    class Missing(types.ModuleType):
        def __getattr__(self, name):
            raise ModuleNotFoundError(f"No module named {name!r}", name="numpy")

    monkeypatch.setitem(sys.modules, "vivavoce.server", Missing("vivavoce.server"))
    assert run(["stream", recording]) == 1
    assert 'pip install "vivavoce[server]"' in capsys.readouterr().err


# --- exit codes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConnectError("no server at ws://127.0.0.1:1"), 3),
        (RefusedError("not authorized", 4001), 4),
        (AudioError("bad\nsound"), 1),
        (ConfigurationError("bad setting"), 2),
        (ExtrasNotInstalledError("pip install it"), 1),
        (ZeroDivisionError("a fault of ours"), 1),
    ],
)
def test_an_error_is_one_line_and_its_code(recording, capsys, error, code):
    FakeTranscriber.failure = error
    assert run(["stream", recording]) == code
    lines = capsys.readouterr().err.splitlines()[1:]
    assert len(lines) == 1
    assert lines[0].startswith("vivavoce: ")
    assert " ".join(str(error).split()) in lines[0]


@pytest.mark.parametrize("where", [0, 2])
def test_debug_shows_where(recording, where):
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


def test_a_reader_that_goes_away_is_no_error(recording):
    program = (
        "import sys, threading, types; import vivavoce.cli.live_session as live\n"
        "from vivavoce.cli.transcript_line import TranscriptLine\n"
        "class S:\n"
        "    def __init__(s, **k): s.show = k['on_transcript']\n"
        "    def connect(s, timeout): pass\n"
        "    def stream(s, data):\n"
        "        for n, _ in enumerate(data): s.show(TranscriptLine('x' * 9000, is_final=True))\n"
        "    def close(s): pass\n"
        "live.run_session.__kwdefaults__['factory'] = S\n"
        "from vivavoce.cli.app import run\n"
        f"sys.exit(run(['stream', {recording!r}, '--url', 'ws://x']))\n"
    )
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    child.stdout.close()
    err = child.stderr.read()
    child.stderr.close()
    assert child.wait(20) == 0
    assert err == b"2 channels are mixed into one.\n"


# --- mic -------------------------------------------------------------------------------------


def test_the_microphone_is_heard_and_closed(microphone, capsys):
    assert run(["mic", "--sample-rate", "8000", "--device", "3"]) == 0
    out, err = capsys.readouterr()
    assert out == "2000 milliseconds.\n"
    assert "Ctrl-C" in err
    assert microphone.opened == [(8000, 3)]
    assert microphone.closed == 1


def test_so_many_seconds_and_no_more(microphone, capsys):
    assert run(["mic", "--sample-rate", "8000", "--seconds", "0.55", "--device", "USB"]) == 0
    assert capsys.readouterr().out == "550 milliseconds.\n"
    assert microphone.opened == [(8000, "USB")]


def test_devices_are_data(microphone, capsys):
    assert run(["mic", "--list-devices"]) == 0
    assert capsys.readouterr().out == "0: Built-in (default)\n3: USB Audio\n"


def test_a_missing_device_is_one_line(microphone, capsys):
    assert run(["mic", "--device", "none"]) == 1
    assert capsys.readouterr().err.startswith("vivavoce: no microphone is called none")


def test_the_first_seconds_are_whole_samples():
    assert [len(c) for c in first_seconds([bytes(10)] * 4, 1.5, 17)] == [10, 10, 4]


# --- serve -----------------------------------------------------------------------------------


def test_options_reach_the_server(parts, tmp_path):
    keys = tmp_path / "keys.txt"
    keys.write_text("# mine\nfrom-file\n\n")
    arguments = ["--host", "0.0.0.0", "--port", "0", "--api-key", "a", "--api-key", "b"]
    arguments += ["--api-key-file", str(keys), "--max-sessions", "4", "--log-level", "debug"]
    arguments += ["--max-sessions-per-key", "2", "--no-webhooks", "--turn-model", "none"]
    arguments += ["--tls-cert", "cert.pem", "--tls-key", "key.pem"]
    assert run(["serve", *arguments]) == 0
    (options,) = parts.served
    assert vars(options) == {
        "host": "0.0.0.0",
        "port": 0,
        "api_keys": ("a", "b", "from-file"),
        "no_auth": False,
        "max_sessions": 4,
        "max_sessions_per_key": 2,
        "turn_model": "none",
        "webhooks": False,
        "log_level": "debug",
        "tls_cert": Path("cert.pem"),
        "tls_key": Path("key.pem"),
        "tls_self_signed": False,
    }


def test_the_environment_reaches_the_server(parts, monkeypatch):
    for name, value in {"PORT": "9", "API_KEYS": "a,b c", "NO_AUTH": "1", "MAX_SESSIONS": "2"}.items():
        monkeypatch.setenv(f"VIVAVOCE_{name}", value)
    monkeypatch.setenv("VIVAVOCE_TLS_SELF_SIGNED", "1")
    assert run(["serve"]) == 0
    (options,) = parts.served
    assert options.tls_self_signed
    assert (options.port, options.api_keys, options.no_auth, options.max_sessions) == (
        9,
        ("a", "b", "c"),
        True,
        2,
    )


def test_options_beat_the_environment(parts, monkeypatch):
    monkeypatch.setenv("VIVAVOCE_PORT", "9")
    assert run(["serve", "--port", "10"]) == 0
    assert parts.served[0].port == 10


def test_a_server_that_cannot_start_is_one_line(parts, capsys):
    def serve(options):
        raise ServerError("port 8765 is taken")

    parts.serve = serve
    assert run(["serve"]) == 1
    assert capsys.readouterr().err == "vivavoce: port 8765 is taken\n"


@pytest.mark.parametrize("data", [b"", b"# only words\n", b"\xff\xfe\xff"])
def test_a_key_file_without_keys_is_a_mistake(tmp_path, data):
    path = tmp_path / "keys"
    path.write_bytes(data)
    with pytest.raises(ConfigurationError, match="keys: "):
        read_keys([], None, path)


def test_a_missing_key_file_is_a_mistake(tmp_path):
    with pytest.raises(ConfigurationError, match="no such file"):
        read_keys([], None, tmp_path / "keys")


# --- demo ------------------------------------------------------------------------------------


def test_the_closing_line():
    summary = LatencySummary(words=118, utterances=9, first_word_s=0.512, word_s=0.44, final_s=0.861)
    assert closing_line(summary, sound_s=44.37, cpu_s=8.9) == (
        "118 words in 9 utterances from 44.4 s of sound, real-time factor 0.20, first word after 0.51 s, "
        "words after 0.44 s (median), finals after 0.86 s (median)"
    )
    bare = LatencySummary(words=3, utterances=1, first_word_s=None, word_s=None, final_s=None)
    assert closing_line(bare, sound_s=2, cpu_s=None) == "3 words in 1 utterance from 2.0 s of sound"


def test_the_demo_without_its_recording_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert run(["demo"]) == 1
    assert 'pip install "vivavoce[server]"' in capsys.readouterr().err


# --- doctor ----------------------------------------------------------------------------------


def test_the_doctor_fails_only_for_what_is_broken(monkeypatch, capsys):
    findings = [
        Finding(Status.OK, "Python", "3.13"),
        Finding(Status.NOTE, "microphone", "none", "plug one in"),
    ]
    monkeypatch.setattr("vivavoce.cli.doctor_checks.run_checks", lambda: findings)
    assert run(["doctor"]) == 0
    assert capsys.readouterr().out == (
        "ok      Python: 3.13\nnote    microphone: none\n        -> plug one in\n"
    )
    findings.append(Finding(Status.BROKEN, "model", "gone", "install it"))
    assert run(["doctor"]) == 1


def test_findings_fit_the_terminal():
    check = Finding(Status.PROBLEM, "port 8765", "taken by another program", "stop that program")
    assert lines_of(check, width=30) == (
        "problem port 8765: taken by\n        another program\n        -> stop that program"
    )
    assert "\x1b[33mproblem\x1b[0m" in lines_of(check, colour=True)


def test_a_check_that_fails_itself_is_a_finding():
    def check_moon():
        raise OSError("behind a cloud")
        yield

    (found,) = run_checks((check_moon,))
    assert (found.status, found.title) == (Status.BROKEN, "moon")


def test_keys_and_passwords_are_never_shown(monkeypatch):
    monkeypatch.setenv("VIVAVOCE_API_KEY", "hunter2")
    monkeypatch.setenv("VIVAVOCE_API_KEYS", "hunter2")
    monkeypatch.setenv("VIVAVOCE_BASE_URL", "wss://me:hunter2@server:8765/?token=hunter2")
    shown = "\n".join(lines_of(check, colour=True) for check in check_settings())
    assert "hunter2" not in shown
    assert "wss://server:8765/ (from VIVAVOCE_BASE_URL)" in shown
    assert "set (from VIVAVOCE_API_KEY)" in shown
    assert "VIVAVOCE_API_KEYS" in shown


def test_a_taken_port_is_a_problem_with_advice():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(5)
        port = other.getsockname()[1]

        def answer():
            with contextlib.suppress(OSError):
                other.accept()[0].close()

        import threading

        thread = threading.Thread(target=answer)
        thread.start()
        (found,) = check_port(port)
        thread.join()
    assert found.status is Status.PROBLEM
    (found,) = check_port(port)
    assert found.status is Status.OK


def test_our_own_server_on_the_port_is_no_problem():
    import http.server
    import threading

    class Ours(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(503)
            self.end_headers()
            self.wfile.write(b'{"status": "loading", "sessions": 2}')

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Ours) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        (found,) = check_port(server.server_port)
        thread.join()
    assert found.status is Status.OK
    assert "loading, 2 sessions" in found.detail


# --- the entry point -------------------------------------------------------------------------


def test_help_loads_nothing_heavy():
    program = (
        "import sys\nfrom vivavoce.cli.app import run\nrun(['--help'])\n"
        "heavy = {'numpy', 'onnxruntime', 'starlette', 'uvicorn', 'websockets', 'av', 'rich'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert done.stderr == ""
    assert "vivavoce demo" in done.stdout


def test_without_the_extra_one_line_says_what_to_install():
    program = "import sys; sys.modules['typer'] = None; from vivavoce.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == 'vivavoce: the command line is not installed; run: pip install "vivavoce[cli]"\n'


def test_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "vivavoce", "--version"], check=False, capture_output=True, text=True
    )
    assert done.stdout.startswith("vivavoce ")


def test_examples_come_first_in_every_help(capsys):
    for command in ("demo", "mic", "stream", "serve", "doctor"):
        assert run([command, "--help"]) == 0
        text = capsys.readouterr().out
        assert 0 < text.index("Examples:") < text.index("Options:")


def test_words_that_the_terminal_cannot_show_end_nothing(recording, monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding="ascii"))
    monkeypatch.setattr(FakeTranscriber, "_ms", lambda self: "π")
    assert run(["stream", recording]) == 0
    assert raw.getvalue() == b"? milliseconds.\n"
