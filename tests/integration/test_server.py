"""The server over real sockets, with a scripted engine: one body over both dialects."""

import base64
import contextlib
import gc
import json
import logging
import re
import threading
import urllib.error
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from support.scripted_engine import (
    LEXICON,
    ScriptedDetector,
    ScriptedRecogniser,
    pcm,
    silence,
    speech,
    spoken,
)
from support.servers import log_of_the_server, received_ms, scripted_server
from support.time_limit import HANG_S, wait_until
from vivavoce.asr.session import SessionMachine
from vivavoce.protocol import aai_v2, aai_v3
from vivavoce.protocol.aai_v2.close_codes import CLOSE_TEXTS
from vivavoce.protocol.aai_v2.messages import force_end_utterance, terminate_session


class V2:
    path = aai_v2.PATH
    query = "sample_rate=16000"
    terminate = terminate_session()
    force = force_end_utterance()
    codes: ClassVar = {"json": 4100, "message": 4101, "short": 4032, "long": 4033, "rate": 4000, "key": 4001,
             "encoding": 4101, "odd": 4034, "fast": 4029, "dead": 1013}  # fmt: skip
    chunk_ms = 100

    @staticmethod
    def finals(messages):
        return [it["text"] for it in messages if it.get("message_type") == "FinalTranscript"]

    @staticmethod
    def is_begin(message):
        return message["message_type"] == "SessionBegins" and uuid.UUID(message["session_id"]).version == 4

    @staticmethod
    def is_end(message):
        return message.get("message_type") == "SessionTerminated"

    @staticmethod
    def is_error(message, code):
        return "message_type" not in message and message["error"].startswith(CLOSE_TEXTS[code])


class V3:
    path = aai_v3.PATH
    query = "sample_rate=16000&format_turns=true"
    terminate = '{"type": "Terminate"}'
    force = '{"type": "ForceEndpoint"}'
    codes: ClassVar = {"json": 3006, "message": 3006, "short": 3007, "long": 3007, "rate": 3006, "key": 1008,
             "encoding": 3006, "odd": 3006, "fast": 3007, "dead": 3005}  # fmt: skip
    chunk_ms = 50

    @staticmethod
    def finals(messages):
        return [it["transcript"] for it in messages if it.get("type") == "Turn" and it["end_of_turn"]]

    @staticmethod
    def is_begin(message):
        return message["type"] == "Begin" and uuid.UUID(message["id"]).version == 4

    @staticmethod
    def is_end(message):
        return message["type"] == "Termination"

    @staticmethod
    def is_error(message, code):
        return message["type"] == "Error" and message["error_code"] == code


both = pytest.mark.parametrize("dialect", [V2, V3], ids=["v2", "v3"])


@pytest.fixture(scope="module")
def server():
    with scripted_server() as it:
        it.wait_ready()
        yield it


def open_session(server, dialect, query=None, **options):
    query = dialect.query if query is None else query
    return connect(f"{server.base_url}{dialect.path}?{query}", compression=None, **options)


def rest(socket):
    """All messages up to the close, and its code and reason."""
    messages = []
    while True:
        try:
            messages.append(json.loads(socket.recv(timeout=HANG_S)))
        except ConnectionClosed as closed:
            return messages, closed.rcvd.code, closed.rcvd.reason


def send(socket, samples, chunk_ms=100):
    """Send audio until the server closes, which it may do before all is sent: `rest` returns what it said."""
    with contextlib.suppress(ConnectionClosed):
        for piece in np.array_split(samples, max(1, len(samples) // (chunk_ms * 16))):
            socket.send(pcm(piece))


def get(server, path):
    try:
        with urllib.request.urlopen(server.base_url.replace("ws", "http") + path, timeout=HANG_S) as answer:
            return answer.status, json.load(answer), answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error), error.headers


@both
def test_a_session_from_begin_to_end(server, dialect):
    with open_session(server, dialect) as socket:
        send(socket, silence(10))
        send(socket, speech(0, 1))
        send(socket, silence(50))
        send(socket, speech(4))
        socket.send(dialect.terminate)
        messages, code, _ = rest(socket)
    assert dialect.is_begin(messages[0])
    assert dialect.is_end(messages[-1])
    assert code == 1000
    assert dialect.finals(messages) == [" ".join(spoken(0, 1)), " ".join(spoken(4))]


@both
def test_a_forced_end_is_answered(server, dialect):
    with open_session(server, dialect) as socket:
        send(socket, speech(0, 3))
        socket.send(dialect.force)
        while not dialect.finals([json.loads(socket.recv(timeout=HANG_S))]):
            pass
        socket.send(dialect.terminate)
        assert rest(socket)[1] == 1000


def test_v2_accepts_audio_as_base64_too(server):
    with open_session(server, V2) as socket:
        data = pcm(speech(0, 1))
        for at in range(0, len(data), 9_600):
            socket.send(json.dumps({"audio_data": base64.b64encode(data[at : at + 9_600]).decode()}))
        socket.send(V2.terminate)
        assert V2.finals(rest(socket)[0]) == ["Alpha bravo."]


@both
@pytest.mark.parametrize(
    ("query", "kind"),
    [("sample_rate=abc", "rate"), ("sample_rate=-1", "rate"), ("sample_rate=16000&encoding=mp3", "encoding")],
)
def test_an_invalid_query_is_answered_with_an_error_and_a_close(server, dialect, query, kind):
    with open_session(server, dialect, query) as socket:
        messages, code, reason = rest(socket)
    assert code == dialect.codes[kind]
    assert dialect.is_error(messages[-1], code)
    assert reason
    assert len(reason.encode()) <= 123


@both
@pytest.mark.parametrize(
    ("frames", "kind"),
    [
        (["{"], "json"),
        (["[]"], "message"),
        (['{"type": "Nonsense", "nonsense": 1}'], "message"),
        ([bytes(256), bytes(3_200)], "short"),
        ([bytes(70_000)], "long"),
        ([bytes(3_201)], "odd"),
        ([bytes(32_000)] * 80, "fast"),  # 60 s ahead of the clock, with 20 s to send it
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_invalid_message_ends_its_session_and_no_other(server, dialect, frames, kind):
    with open_session(server, dialect) as other, open_session(server, dialect) as socket:
        send(other, speech(0))
        try:
            for frame in frames:
                socket.send(frame)
        except ConnectionClosed:
            pass  # the server may close before all of it is sent
        messages, code, _ = rest(socket)
        assert code == dialect.codes[kind]
        assert dialect.is_error(messages[-1], code)
        send(other, speech(1))
        other.send(dialect.terminate)
        messages, code, _ = rest(other)
        assert (dialect.finals(messages), code) == (["Alpha bravo."], 1000)


@both
def test_keys(dialect):
    with scripted_server(api_keys=("secret",)) as server:
        for headers, query in [
            ({}, dialect.query),
            ({"Authorization": "wrong"}, dialect.query),
            ({"Authorization": "None"}, dialect.query),
            ({}, dialect.query + "&token=wrong"),
        ]:
            with open_session(server, dialect, query, additional_headers=headers) as socket:
                messages, code, _ = rest(socket)
                assert code == dialect.codes["key"]
                assert dialect.is_error(messages[-1], code)
        for headers, query in [
            ({"Authorization": "secret"}, dialect.query),
            ({}, dialect.query + "&token=secret"),
        ]:
            with open_session(server, dialect, query, additional_headers=headers) as socket:
                assert dialect.is_begin(json.loads(socket.recv(timeout=HANG_S)))


@both
def test_a_full_server_refuses_at_the_handshake(dialect):
    with scripted_server(max_sessions=1) as server:
        server.wait_ready()
        with open_session(server, dialect) as socket:
            socket.recv(timeout=HANG_S)
            assert get(server, "/readyz")[0] == 503
            with pytest.raises(InvalidStatus) as caught, open_session(server, dialect):
                pass
            assert caught.value.response.status_code == 503
            assert int(caught.value.response.headers["Retry-After"]) > 0
            socket.send(dialect.terminate)
            rest(socket)
        wait_until(lambda: get(server, "/readyz")[0] == 200)
        with open_session(server, dialect) as socket:
            assert dialect.is_begin(json.loads(socket.recv(timeout=HANG_S)))


@both
def test_at_twice_the_capacity_those_who_were_admitted_lose_nothing(dialect):
    n = 4

    def client(index):
        try:
            with open_session(server, dialect) as socket:
                socket.recv(timeout=HANG_S)
                begun.wait(HANG_S)  # every client has been admitted or refused
                send(socket, speech(index, index))
                socket.send(dialect.terminate)
                return dialect.finals(rest(socket)[0])
        except InvalidStatus as refused:
            begun.wait(HANG_S)
            return refused.response.status_code, int(refused.response.headers["Retry-After"]) > 0

    with scripted_server(max_sessions=n) as server, ThreadPoolExecutor(2 * n) as pool:
        server.wait_ready()
        begun = threading.Barrier(2 * n)
        answers = list(pool.map(client, range(2 * n)))
    refused = [index for index, answer in enumerate(answers) if answer == (503, True)]
    assert len(refused) == n
    for index, answer in enumerate(answers):
        if index not in refused:
            assert answer == [f"{LEXICON[index]} {LEXICON[index]}"]


@both
def test_the_socket_is_accepted_while_the_models_load(dialect):
    gate = threading.Event()

    def slow():
        gate.wait(2 * HANG_S)
        return ScriptedDetector()

    with scripted_server(detector=slow) as server:
        assert get(server, "/healthz")[0] == 200
        status, body, headers = get(server, "/readyz")
        assert (status, body["status"]) == (503, "loading")
        assert "Retry-After" in headers
        with open_session(server, dialect) as socket:
            assert dialect.is_begin(json.loads(socket.recv(timeout=HANG_S)))
            assert get(server, "/readyz")[1]["status"] == "loading"
            send(socket, speech(0, 1))
            socket.send(dialect.terminate)
            gate.set()
            assert dialect.finals(rest(socket)[0]) == ["Alpha bravo."]
        server.wait_ready()
        assert get(server, "/readyz")[0] == 200
        assert get(server, "/v3/ws/health")[0] == 200


@both
def test_a_dead_engine_is_reported(dialect):
    with scripted_server(recogniser=ScriptedRecogniser(fail_after=2)) as server:
        for _ in range(3):  # in a row
            assert get(server, "/healthz")[0] == 200
            with open_session(server, dialect) as socket:
                send(socket, speech(0, 1))
                socket.send(dialect.terminate)
                messages, code, _ = rest(socket)
            assert code == dialect.codes["dead"]
            assert dialect.is_error(messages[-1], code)
        assert get(server, "/healthz")[0] == 500
        assert get(server, "/readyz")[1]["status"] == "dead"


@both
def test_stopping_sends_the_last_words(dialect):
    with scripted_server() as server, open_session(server, dialect) as socket:
        send(socket, speech(0, 1))
        wait_until(lambda: received_ms(server) == len(speech(0, 1)) / 16)
        server._server.request_stop()
        messages, code, _ = rest(socket)
        assert dialect.finals(messages) == ["Alpha bravo."]
        assert dialect.is_end(messages[-1])
        assert code == 1000


def test_a_fault_in_a_session_does_not_keep_the_server_from_stopping(caplog):
    async def drain():
        raise RuntimeError("a fault of ours")

    with scripted_server() as server:
        server.wait_ready()
        server._server.service.drain = drain
        thread = server._thread
        server._server.request_stop()
        thread.join(HANG_S)
        assert not thread.is_alive()
    assert "could not be finished" in caplog.text


@both
def test_a_client_that_disappears_leaves_no_session(server, dialect, caplog):
    caplog.set_level(logging.INFO)
    with open_session(server, dialect) as socket:
        send(socket, speech(0, 1))
        socket.socket.shutdown(2)
    wait_until(lambda: not server._server.service.connections)
    assert server._server.service.engine.n_sessions == 0
    _, text = log_of_the_server(caplog)
    assert "over: client left" in text
    assert "failed" not in text
    assert "Traceback" not in text


@both
def test_a_client_that_closes_without_ending_its_session_has_left(server, dialect, caplog):
    caplog.set_level(logging.INFO)
    for close_code in (1000, 1001, 4999):
        caplog.clear()
        with open_session(server, dialect) as socket:
            send(socket, speech(0, 1))
            socket.close(close_code)
        wait_until(lambda: not server._server.service.connections)
        _, text = log_of_the_server(caplog)
        assert "over: client left, 0." in text
        assert "failed" not in text


@both
def test_a_session_that_is_over_is_forgotten_without_the_garbage_collector(server, dialect):
    def sessions():
        return sum(type(it) is SessionMachine for it in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        before = sessions()
        for _ in range(6):
            with open_session(server, dialect) as socket:
                send(socket, speech(0, 1))
                socket.send(dialect.terminate)
                rest(socket)
        wait_until(lambda: not server._server.service.connections)
        assert sessions() <= before + 3  # what each loop of the engine has just processed
    finally:
        gc.enable()


def test_no_transcript_or_token_is_logged(server, caplog):
    caplog.set_level(logging.DEBUG)
    with open_session(server, V2, V2.query + "&token=topsecret") as socket:
        send(socket, speech(0, 1))
        socket.send(V2.terminate)
        rest(socket)
    ours = "\n".join(record.getMessage() for record in caplog.records if "vivavoce" in record.name)
    assert "began" in ours
    assert not re.search("alpha|bravo|topsecret", ours, re.IGNORECASE)


def test_a_fast_sender_is_slowed_down_not_refused_where_there_is_no_limit():
    with scripted_server(max_lead_s=None) as server, open_session(server, V2) as socket:
        words = [index % 8 for index in range(60)]
        send(socket, silence(3_000))
        send(socket, speech(*words[:20]), 1_500)
        socket.send(V2.terminate)
        messages, code, _ = rest(socket)
        assert code == 1000
        assert " ".join(V2.finals(messages)).split() == spoken(*words[:20])


def test_a_busy_port_is_one_line(server):
    from vivavoce.errors import ServerError

    port = int(server.base_url.rsplit(":", 1)[1])
    with pytest.raises(ServerError, match=f"port {port} on 127.0.0.1 is taken"), scripted_server(port=port):
        pass
