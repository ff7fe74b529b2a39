"""A model that can't be loaded: servers stop, and commands say why."""

import contextlib
import logging
import threading

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from support.isolation import clean_environment, limit  # noqa: F401  - applied to each test
from support.scripted_engine import ScriptedDetector, ScriptedRecogniser, pcm, speech
from support.servers import scripted_server
from vivavoce.cli.app import run
from vivavoce.errors import EngineError, ModelError, ServerError
from vivavoce.server import ServerOptions, serve

MISSING = 'the package some_model is missing: pip install "vivavoce[server]"'


def missing(**_):
    raise ModelError(MISSING)


@pytest.fixture(params=["load_recogniser", "load_detector"])
def broken(request, monkeypatch):
    """Breaks the recogniser or the speech detector of every engine."""
    from vivavoce.asr.engine import Engine

    class Broken(Engine):
        def __init__(self, **others):
            parts = {"recogniser": ScriptedRecogniser, "detector": ScriptedRecogniser}
            parts["recogniser" if request.param == "load_recogniser" else "detector"] = missing
            super().__init__(**others | parts)

    monkeypatch.setattr("vivavoce.server.engines.Engine", Broken)


def test_a_server_stops(broken, caplog):
    with pytest.raises(EngineError, match="some_model is missing"):
        serve(ServerOptions(port=0))


def test_the_command_that_serves_exits(broken, capsys, monkeypatch):
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    assert run(["serve", "--port", "0"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == f"vivavoce: {MISSING}"


def test_a_second_model_that_cant_be_loaded_stops_the_server(monkeypatch, capsys, tmp_path):
    from vivavoce.asr.engine import Engine

    def engine(**_):
        return Engine(recogniser=ScriptedRecogniser, detector=ScriptedDetector, reviser=missing)

    monkeypatch.setattr("vivavoce.server.engines.Engine", engine)
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    assert run(["serve", "--port", "0"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == f"vivavoce: {MISSING}"


def test_a_model_that_fails_again_and_again_stops_the_server(monkeypatch):
    from vivavoce.asr.engine import Engine

    def engine(**_):
        return Engine(recogniser=lambda: ScriptedRecogniser(fail_after=2), detector=ScriptedDetector)

    def speak(port):
        for _ in range(3):
            with contextlib.suppress(ConnectionClosed), connect(f"ws://127.0.0.1:{port}/v3/ws") as session:
                session.send(pcm(speech(0, 1)))
                session.send('{"type": "Terminate"}')
                for _ in session:
                    pass

    monkeypatch.setattr("vivavoce.server.engines.Engine", engine)
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    with pytest.raises(EngineError, match="scripted failure"):
        serve(
            ServerOptions(port=0),
            on_listening=lambda port: threading.Thread(target=speak, args=[port]).start(),
        )


def test_a_command_with_a_server_inside_says_why_in_one_line(broken, capsys, caplog, tmp_path):
    path = tmp_path / "a.raw.wav"
    path.write_bytes(
        b"RIFF\x24\x7d\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x80>\0\0\0}\0\0\2\0\x10\0data\0}\0\0" + bytes(32_000)
    )
    assert run(["stream", str(path)]) == 1
    assert capsys.readouterr().err == f"vivavoce: {MISSING}\n"
    assert not [record for record in caplog.records if record.levelno > logging.INFO]


def test_a_server_inside_a_process_stays_and_says_why():
    with scripted_server(detector=missing) as server:
        with pytest.raises(ServerError, match="some_model is missing"):
            server.wait_ready()
        assert server.failure == MISSING


def test_a_server_that_works_has_no_failure():
    with scripted_server() as server:
        server.wait_ready()
        assert server.failure is None
