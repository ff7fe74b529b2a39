"""Commands called as a person calls them, with parts that only act: a plugin of the tests that name it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import types
import wave

import pytest

import vivavoce
from support.cli_fakes import FakeFinal, FakeMicrophone, FakeTranscriber
from vivavoce.settings import settings


@pytest.fixture
def parts(monkeypatch, tmp_path):
    """Fakes in place of SDK and server, no configuration, and signal handlers as they were."""
    before = signal.getsignal(signal.SIGINT)
    FakeTranscriber.failure, FakeTranscriber.addresses = None, []
    for name, value in {
        "RealtimeTranscriber": FakeTranscriber,
        "RealtimeFinalTranscript": FakeFinal,
        "AudioEncoding": str,
    }.items():
        monkeypatch.setattr(vivavoce, name, value, raising=False)
    served = []

    class LocalServer:
        base_url = "ws://127.0.0.1:4321"

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def wait_ready(self, timeout_s):
            return None

    server = types.ModuleType("vivavoce.server")
    server.LocalServer = LocalServer
    server.ServerOptions = types.SimpleNamespace
    server.serve = served.append
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
