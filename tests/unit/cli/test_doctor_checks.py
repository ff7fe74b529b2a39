"""The checks of ``vivavoce doctor``."""

import contextlib
import http.server
import signal
import socket
import threading

import pytest
import typer.main

from support.cli_fakes import FakeTranscriber
from vivavoce.cli.app import app, run
from vivavoce.cli.doctor import format_finding
from vivavoce.cli.doctor_checks import (
    Status,
    check_config,
    check_configured_server,
    check_microphone,
    check_port,
    check_settings,
    run_checks,
)
from vivavoce.cli.doctor_redis import check_redis
from vivavoce.configuration import settings
from vivavoce.errors import ConfigurationError, ConnectError, RealtimeError

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
    shown = "\n".join(format_finding(finding, colour=True) for finding in check_settings(GROUP))
    assert "hunter2" not in shown
    assert "wss://server:8765/ (from VIVAVOCE_BASE_URL)" in shown
    assert "set (from VIVAVOCE_API_KEY)" in shown
    assert "VIVAVOCE_API_KEYS" in shown


def test_the_server_of_the_configuration_file_is_shown_and_tried(write_config, capsys):
    write_config('url = "ws://for-all:1"\napi-key = "hunter2"\n[mic]\nurl = "ws://for-mic:1"\n')
    shown = "\n".join(format_finding(finding) for finding in check_settings(GROUP))
    assert "base_url: ws://for-all:1 (from " in shown
    assert "base_url: ws://for-mic:1 (from " in shown
    assert "config.toml, for mic)" in shown
    assert "api_key: set (from " in shown
    assert "hunter2" not in shown
    tried = list(check_configured_server(GROUP))
    assert [finding.status for finding in tried] == [Status.OK] * 2
    assert sorted(FakeTranscriber.addresses) == ["ws://for-all:1", "ws://for-mic:1"]
    assert settings.source_of("base_url") is None


def test_the_environment_hides_the_server_of_the_file(write_config, monkeypatch):
    write_config('url = "ws://from-the-file:1"\n')
    monkeypatch.setenv("VIVAVOCE_BASE_URL", "ws://from-the-environment:1")
    assert len(list(check_configured_server(GROUP))) == 1
    assert FakeTranscriber.addresses == ["ws://from-the-environment:1"]


def test_a_server_of_the_file_that_does_not_answer_is_broken(write_config):
    write_config('[stream]\nurl = "ws://nowhere:1"\n')
    FakeTranscriber.failure = ConnectError("no server at ws://nowhere:1")
    (finding,) = check_configured_server(GROUP)
    assert finding.status is Status.BROKEN
    assert "ws://nowhere:1" in finding.detail


@pytest.mark.parametrize("text", ["url = 5\n", "[mic]\nseconds = 'x'\n", "[serve]\nport = 99999\n"])
def test_a_bad_value_in_the_file_is_named(write_config, text):
    write_config(text)
    (finding,) = check_config(GROUP)
    assert finding.status is Status.BROKEN
    assert "config.toml: " in finding.detail
    assert list(check_configured_server(GROUP)) == []
    assert all(finding.status is not Status.BROKEN for finding in check_settings(GROUP))


@pytest.mark.parametrize(
    ("variable", "value"), [("VIVAVOCE_HTTP_TIMEOUT", "soon"), ("VIVAVOCE_BASE_URL", "ws://[:hunter2")]
)
def test_a_bad_value_in_the_environment_is_named(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    found = [format_finding(finding) for finding in check_settings(GROUP)]
    assert any(variable in text for text in found)
    assert "hunter2" not in "".join(found)


def test_an_error_of_the_package_in_a_check_is_no_reason_for_a_report():
    def check():
        raise ConfigurationError("http_timeout must be a number")
        yield

    (finding,) = run_checks({"settings": check})
    assert (finding.status, finding.advice) == (Status.BROKEN, "")


@pytest.mark.parametrize("failure", [None, RealtimeError("gone")])
def test_ctrl_c_in_the_check_of_the_model_exits_with_130(monkeypatch, capsys, failure):
    def stream(self, data):
        signal.raise_signal(signal.SIGINT)
        if failure is not None:
            raise failure

    monkeypatch.setattr(FakeTranscriber, "stream", stream)
    monkeypatch.setattr("vivavoce.cli.doctor_checks._is_installed", lambda module: True)
    assert run(["doctor"]) == 130
    assert "report" not in capsys.readouterr().out


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


def test_without_a_redis_there_is_nothing_to_find(write_config, monkeypatch):
    monkeypatch.delenv("VIVAVOCE_REDIS", raising=False)
    write_config('url = "ws://server:1"\n')
    assert list(check_redis(GROUP)) == []


def test_the_address_of_a_redis_is_checked_and_its_password_not_shown(write_config, monkeypatch):
    write_config('[serve]\nredis = "http://:hunter2@shared"\n')
    for _ in range(2):
        (finding,) = check_redis(GROUP)
        assert finding.status is Status.PROBLEM
        assert "--redis must be redis://" in finding.detail
        assert "hunter2" not in finding.detail
        monkeypatch.setenv("VIVAVOCE_REDIS", "redis://:hun/ter2@shared")
