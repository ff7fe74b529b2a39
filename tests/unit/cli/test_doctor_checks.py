"""The checks of ``vivavoce doctor``."""

import contextlib
import http.server
import socket
import threading

import pytest
import typer.main

from vivavoce.cli.app import app
from vivavoce.cli.doctor import format_finding
from vivavoce.cli.doctor_checks import (
    Status,
    check_config,
    check_microphone,
    check_port,
    check_settings,
    run_checks,
)

pytest_plugins = ["support.cli_fixtures"]
pytestmark = pytest.mark.usefixtures("parts")

GROUP = typer.main.get_command(app)


def test_a_check_that_raises_becomes_a_finding():
    def check():
        raise OSError("behind a cloud")
        yield

    (finding,) = run_checks({"moon": check})
    assert (finding.status, finding.title) == (Status.BROKEN, "moon")


def test_keys_and_passwords_are_never_shown(monkeypatch):
    monkeypatch.setenv("VIVAVOCE_API_KEY", "hunter2")
    monkeypatch.setenv("VIVAVOCE_API_KEYS", "hunter2")
    monkeypatch.setenv("VIVAVOCE_BASE_URL", "wss://me:hunter2@server:8765/?token=hunter2")
    shown = "\n".join(format_finding(finding, colour=True) for finding in check_settings())
    assert "hunter2" not in shown
    assert "wss://server:8765/ (from VIVAVOCE_BASE_URL)" in shown
    assert "set (from VIVAVOCE_API_KEY)" in shown
    assert "VIVAVOCE_API_KEYS" in shown


def test_a_used_port_is_a_problem():
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(5)
        port = other.getsockname()[1]

        def answer():
            with contextlib.suppress(OSError):
                other.accept()[0].close()

        thread = threading.Thread(target=answer)
        thread.start()
        (finding,) = check_port(port)
        thread.join()
    assert finding.status is Status.PROBLEM
    (finding,) = check_port(port)
    assert finding.status is Status.OK


def test_a_vivavoce_server_on_the_port_is_fine():
    class ReadyEndpoint(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(503)
            self.end_headers()
            self.wfile.write(b'{"status": "loading", "sessions": 2}')

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), ReadyEndpoint) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        (finding,) = check_port(server.server_port)
        thread.join()
    assert finding.status is Status.OK
    assert "loading, 2 sessions" in finding.detail


def test_the_configuration_file_is_checked(write_config):
    (none,) = check_config(GROUP)
    assert none.detail.startswith("none at ")
    write_config("[stream]\nrealtime = true\n")
    (fine,) = check_config(GROUP)
    assert fine.detail.endswith("(options of stream)")
    write_config("[stream\n")
    (broken,) = check_config(GROUP)
    assert broken.status == "broken"


def test_the_default_microphone_is_checked(portaudio):
    devices, default = check_microphone()
    assert "Built-in Microphone" in devices.detail
    assert (default.status, default.advice) == ("ok", "")
    assert default.detail.endswith("opens at 16000 Hz; peak level in 0.5 s: 50.0%")
    portaudio.recording = bytes(96_000)
    assert list(check_microphone())[1].status == "problem"
    portaudio.rates = frozenset()
    assert "can't be opened" in list(check_microphone())[1].detail
