"""Fixtures that run commands with a fake SDK, server and microphone; a plugin of the tests that name it."""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import signal
import sys
import types
import wave
from pathlib import Path

import pytest

import vivavoce
from support.cli_fakes import FakeFinal, FakeMicrophone, FakeSession, FakeTranscriber
from vivavoce.configuration import settings


@pytest.fixture
def parts(monkeypatch, tmp_path):
    """Replace SDK and server by fakes, clear the configuration, and restore the signal handlers."""
    before = signal.getsignal(signal.SIGINT)
    FakeTranscriber.failure = None
    FakeTranscriber.addresses.clear()
    FakeSession.options.clear()
    for name, value in {
        "RealtimeTranscriber": FakeTranscriber,
        "RealtimeFinalTranscript": FakeFinal,
        "AudioEncoding": str,
        "connect": FakeSession,
    }.items():
        monkeypatch.setattr(vivavoce, name, value, raising=False)
    served = []

    class LocalServer:
        base_url = "ws://127.0.0.1:4321"
        failure = None  # its models work

        def __init__(self, options=None):
            server.opened.append(options)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def wait_ready(self, timeout_s):
            return None

    server = types.ModuleType("vivavoce.server")
    server.LocalServer = LocalServer
    server.opened = []
    server.ServerOptions = types.SimpleNamespace

    def serve(options, *, read_keys):
        assert tuple(read_keys()) == options.api_keys
        served.append(options)

    server.check_start = lambda options: None  # nothing is ever wrong
    server.serve = serve
    server.served = served
    monkeypatch.setitem(sys.modules, "vivavoce.server", server)
    monkeypatch.setattr(vivavoce, "server", server, raising=False)
    for variable in list(os.environ):
        if variable.startswith(("VIVAVOCE_", "ASSEMBLYAI_")):
            monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)
    yield server
    settings.base_url = settings.api_key = None
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(4 * 2000))
    return str(path)


@pytest.fixture
def two_recordings(recording, tmp_path):
    return [recording, shutil.copy(recording, str(tmp_path / "b.wav"))]


@pytest.fixture
def write_config(monkeypatch, tmp_path):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path))
    return (tmp_path / "config.toml").write_text


@pytest.fixture
def pipe_in(monkeypatch):
    with contextlib.ExitStack() as stack:

        def give(data):
            reader, writer = os.pipe()
            os.write(writer, data)
            os.close(writer)
            monkeypatch.setattr("sys.stdin", stack.enter_context(os.fdopen(reader)))

        yield give


@pytest.fixture
def microphone(monkeypatch):
    FakeMicrophone.opened, FakeMicrophone.closed = [], 0
    module = types.ModuleType("vivavoce.mic")
    module.Microphone = FakeMicrophone
    module.list_devices = lambda: [
        types.SimpleNamespace(index=0, name="Built-in", is_default=True),
        types.SimpleNamespace(index=3, name="USB Audio", is_default=False),
    ]
    monkeypatch.setitem(sys.modules, "vivavoce.mic", module)
    return FakeMicrophone


@pytest.fixture
def portaudio(monkeypatch):
    """Replace sounddevice, so that the real `vivavoce.mic` opens a fake PortAudio."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "fake_sounddevice"))
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    fake = importlib.import_module("sounddevice")
    fake.recording = b"\0\x40" * 48_000
    yield fake
    for stream in fake.opened:
        stream.close()
    del sys.modules["sounddevice"]
