"""Signals: sessions continue for a while, then get their last words; keys are read again; all quietly."""

import asyncio
import contextlib
import logging
import signal
import threading
import urllib.error
import urllib.request

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from support.scripted_engine import ScriptedDetector, ScriptedRecogniser, pcm, speech
from support.servers import log_of_the_server
from support.time_limit import HANG_S, wait_until
from vivavoce.asr.engine import Engine
from vivavoce.server import ServerOptions
from vivavoce.server import run as run_module
from vivavoce.server.run import make_server
from vivavoce.server.sockets import listen, urls_of

V3 = "/v3/ws?sample_rate=16000"


@contextlib.contextmanager
def running(**options):
    """A server as `vivavoce serve` runs it, but on a thread: signals are handed to its handlers."""
    options = ServerOptions(**{"port": 0, **options})
    sockets = listen(options.host, options.port)
    server = make_server(
        options, engine=lambda _: Engine(recogniser=ScriptedRecogniser, detector=ScriptedDetector)
    )
    server.url = urls_of(sockets, "ws")[0]
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets)))
    thread.start()
    wait_until(lambda: server.started)
    try:
        yield server
    finally:
        for _ in range(3):
            server.handle_exit(signal.SIGTERM, None)
        thread.join(HANG_S)
        assert not thread.is_alive()


@contextlib.contextmanager
def speaking(server):
    """A session in the middle of a sentence."""
    with connect(server.url + V3) as socket:
        socket.send(pcm(speech(0, 1)))
        wait_until(lambda: has_received(server))
        yield socket


def has_received(server):
    """Whether each session has received its audio."""
    served = [each._served for each in list(server.service.connections)]
    return served and all(each is not None and each.stream.audio_ms > 0 for each in served)


def rest(socket):
    messages = []
    with contextlib.suppress(ConnectionClosed):
        while True:
            messages.append(socket.recv(timeout=HANG_S))
    return "".join(messages), socket.close_code


def test_a_session_continues_after_the_first_signal(caplog):
    caplog.set_level(logging.INFO)
    with running(drain_s=HANG_S) as server, speaking(server) as socket:
        server.handle_exit(signal.SIGTERM, None)
        wait_until(lambda: server.service.is_draining)
        with pytest.raises(InvalidStatus) as caught, connect(server.url + V3):
            pass
        assert caught.value.response.status_code == 503
        socket.send(pcm(speech(2, 3)))
        socket.send('{"type": "Terminate"}')
        text, code = rest(socket)
        assert ("alpha bravo charlie delta" in text, code) == (True, 1000)
        wait_until(lambda: server.should_exit)
    assert "1 sessions may continue for 60 s" in caplog.text


def test_then_it_gets_its_last_words(caplog):
    with running(drain_s=0.05) as server, speaking(server) as socket:
        server.handle_exit(signal.SIGTERM, None)
        text, code = rest(socket)
        assert ("alpha bravo" in text, code) == (True, 1000)
        wait_until(lambda: server.should_exit)


def test_a_second_signal_ends_sessions_with_their_last_words(caplog, monkeypatch):
    monkeypatch.setattr(run_module, "DOUBLED_S", 0.0)
    caplog.set_level(logging.INFO)
    with running(drain_s=None) as server, contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(speaking(server)) for _ in range(16)]
        server.handle_exit(signal.SIGTERM, None)
        wait_until(lambda: server._draining is not None)
        assert not server.should_exit
        server.handle_exit(signal.SIGTERM, None)
        for socket in sockets:
            text, code = rest(socket)
            assert ("alpha bravo" in text, '"end_of_turn":true' in text.replace(" ", "")) == (True, True)
            assert ('"Termination"' in text, code) == (True, 1000)
        wait_until(lambda: server.should_exit)
    assert "16 sessions may continue until they end" in caplog.text
    assert "16 sessions are cut off" not in caplog.text


def test_a_session_that_opens_while_all_others_end_ends_too():
    with running() as server:
        server.service.is_finishing = True  # after its handshake was accepted
        with connect(server.url + V3) as socket:
            text, code = rest(socket)
            assert ('"Begin"' in text, '"Termination"' in text, code) == (True, True, 1000)


def test_a_doubled_signal_counts_once(monkeypatch):
    monkeypatch.setattr(run_module, "DOUBLED_S", 10 * HANG_S)
    with running(drain_s=0.05) as server, speaking(server) as socket:
        for _ in range(3):
            server.handle_exit(signal.SIGTERM, None)
        text, code = rest(socket)
        assert ("alpha bravo" in text, code) == (True, 1000)
        wait_until(lambda: server.should_exit)


@pytest.mark.parametrize("signals", [2, 3, 5])
def test_further_signals_stop_at_once_and_quietly(caplog, monkeypatch, signals):
    monkeypatch.setattr(run_module, "DOUBLED_S", 0.0)
    caplog.set_level(logging.INFO)
    with running(drain_s=10_000.0, finish_s=10_000.0) as server, contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(speaking(server)) for _ in range(3)]
        for _ in range(signals):
            server.handle_exit(signal.SIGTERM, None)
        for socket in sockets:
            rest(socket)
        wait_until(lambda: server.should_exit)
    records, text = log_of_the_server(caplog)
    assert "Traceback" not in text
    assert not [record for record in records if record.levelno > logging.INFO]


# --- SIGHUP ---------------------------------------------------------------------------------------


def status(server, key):
    request = urllib.request.Request(
        server.url.replace("ws", "http", 1) + "/v3/token?expires_in_seconds=60",
        headers={"Authorization": key},
    )
    try:
        with urllib.request.urlopen(request, timeout=HANG_S) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_hangup_reads_the_keys_again_and_sessions_stay(caplog, monkeypatch):
    monkeypatch.setattr(run_module, "_HAD_TERMINAL", False)
    caplog.set_level(logging.INFO)
    keys = ["old"]
    options = {"api_keys": ("old",), "drain_s": 0.0}
    with running(**options) as server:
        server.reload = lambda: run_module.reload_server(server, ServerOptions(**options), lambda: keys)
        with connect(server.url + V3, additional_headers={"Authorization": "old"}) as socket:
            keys[:] = ["new", "newer"]
            server._handle_hangup(signal.SIGHUP, None)
            wait_until(lambda: "reloaded: 2 API keys" in caplog.text)
            assert [status(server, key) for key in ("old", "new", "newer")] == [401, 200, 200]
            keys[:] = ["bad key"]
            server._handle_hangup(signal.SIGHUP, None)
            wait_until(lambda: "not reloaded, keys and certificate stay: " in caplog.text)
            assert [status(server, key) for key in ("new", "bad")] == [200, 401]
            socket.send(pcm(speech(0, 1)))
            socket.send('{"type": "Terminate"}')
            assert "alpha bravo" in rest(socket)[0]


def test_a_terminal_that_was_closed_stops_the_server(monkeypatch):
    monkeypatch.setattr(run_module, "terminal_is_gone", lambda: True)
    with running(drain_s=0.0) as server:
        server.reload = pytest.fail
        server._handle_hangup(signal.SIGHUP, None)
        wait_until(lambda: server.should_exit)


def test_the_handler_is_installed_unless_the_signal_is_ignored():
    server = make_server(ServerOptions(port=0))
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        with server.capture_signals():
            assert signal.getsignal(signal.SIGHUP) == server._handle_hangup
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with server.capture_signals():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
