"""The real-time client against a scripted server: everything the vendor's client does badly, done well."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

import vivavoce as aai
from support import scripted_server
from support.scripted_server import (
    BEGIN,
    GOOD_END,
    SESSION_ID,
    TERMINATED,
    Close,
    Drop,
    Expect,
    ExpectAudio,
    Listen,
    Refuse,
    ScriptedServer,
    Send,
    Stall,
    transcript,
)
from support.time_limit import HANG_S, time_limit, wait_until
from vivavoce.client import realtime
from vivavoce.client.send_queue import MAX_BACKLOG

RATE = 16_000
CHUNK = bytes(range(256)) * 25  # 200 ms
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def limit(monkeypatch):
    """Every call returns before this limit, which is shorter than what a closing session may wait for."""
    monkeypatch.setattr(realtime, "CLOSE_LIMIT_S", 10 * HANG_S)
    with time_limit(round(2 * HANG_S)):
        yield


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    for name in ("VIVAVOCE_API_KEY", "ASSEMBLYAI_API_KEY", "ASSEMBLYAI_BASE_URL", "VIVAVOCE_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    # Loopback is reached directly, whatever the environment says.
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def quick(monkeypatch):
    """Lets a closing session give up early."""
    monkeypatch.setattr(realtime, "CLOSE_LIMIT_S", 0.5)


class Program:
    """A program with a transcriber, and the calls of its handlers in order."""

    def __init__(self, server, **options):
        self.calls = []
        self.happened = threading.Condition()
        settings = aai.Settings(
            base_url=server if isinstance(server, str) else server.url, api_key=options.pop("key", None)
        )
        handlers = {
            name: self._handler(name, options.pop(name, None))
            for name in ("on_data", "on_error", "on_open", "on_close")
        }
        options.setdefault("sample_rate", RATE)
        self.transcriber = aai.RealtimeTranscriber(
            **handlers, **options, client=aai.Client(settings=settings, api_key_required=False)
        )

    def _handler(self, name, then):
        def handler(*arguments):
            with self.happened:
                self.calls.append((name, *arguments))
                self.happened.notify_all()
            if then is not None:
                then(self.transcriber, *arguments)

        return handler

    def wait(self, name, count=1, limit_s=HANG_S):
        with self.happened:
            assert self.happened.wait_for(lambda: self.count(name) >= count, limit_s), self.calls

    def count(self, name):
        return Counter(call[0] for call in self.calls)[name]

    def arguments_of(self, name):
        return [call[1] for call in self.calls if call[0] == name]


# --- a good session --------------------------------------------------------------------------


def test_a_whole_session():
    script = [
        BEGIN,
        ExpectAudio(2 * len(CHUNK)),
        Send(transcript("good")),
        Expect("force_end_utterance"),
        Expect("end_utterance_silence_threshold"),
        *GOOD_END,
    ]
    with ScriptedServer(script) as server:
        program = Program(server)
        program.transcriber.connect()
        program.wait("on_open")
        program.transcriber.stream([CHUNK, bytearray(CHUNK)])
        program.wait("on_data")
        program.transcriber.force_end_utterance()
        program.transcriber.configure_end_utterance_silence_threshold(400)
        program.transcriber.stream(memoryview(CHUNK[:100]))
        program.transcriber.close()
        assert [call[0] for call in program.calls] == ["on_open", "on_data", "on_data", "on_close"]
        opened, partial, final = (call[1] for call in program.calls[:3])
        assert str(opened.session_id) == SESSION_ID
        assert isinstance(partial, aai.RealtimePartialTranscript)
        assert isinstance(final, aai.RealtimeFinalTranscript)
        assert final.text == "Good bye."
        program.transcriber.close()
        assert program.count("on_close") == 1
    (seen,) = server.seen
    assert seen.audio == CHUNK + CHUNK + CHUNK[:100]
    assert seen.texts == [
        {"force_end_utterance": True},
        {"end_utterance_silence_threshold": 400},
        {"terminate_session": True},
    ]


def test_the_handshake_has_all_parameters():
    script = [BEGIN, Expect("end_utterance_silence_threshold"), *GOOD_END]
    with ScriptedServer(script) as server:
        program = Program(
            server,
            key="k",
            word_boost=["foo bar", "b"],
            encoding=aai.AudioEncoding.pcm_mulaw,
            end_utterance_silence_threshold=500,
            disable_partial_transcripts=True,
            on_extra_session_information=print,
        )
        with program.transcriber:
            pass
    (seen,) = server.seen
    url = urlsplit(seen.path)
    assert url.path == "/v2/realtime/ws"
    assert parse_qs(url.query) == {
        "sample_rate": ["16000"],
        "word_boost": ['["foo bar", "b"]'],
        "encoding": ["pcm_mulaw"],
        "disable_partial_transcripts": ["true"],
        "enable_extra_session_information": ["true"],
    }
    assert seen.headers["authorization"] == "k"
    assert seen.headers["user-agent"] == f"vivavoce/{aai.__version__}"
    assert "sec-websocket-extensions" not in seen.headers
    assert seen.texts[0] == {"end_utterance_silence_threshold": 500}


@pytest.mark.parametrize(
    ("options", "query", "key"), [({}, "", None), ({"token": "t", "key": "k"}, "&token=t", None)]
)
def test_a_token_replaces_the_key_and_both_are_optional(options, query, key):
    with ScriptedServer([BEGIN, *GOOD_END]) as server:
        program = Program(server.url.replace("ws://", "http://"), **options)
        with program.transcriber:
            pass
    assert server.seen[0].path == f"/v2/realtime/ws?sample_rate=16000{query}"
    assert server.seen[0].headers.get("authorization") == key


def test_session_information_has_its_handler():
    given = []
    information = Send({"message_type": "SessionInformation", "audio_duration_seconds": 2.5})
    with ScriptedServer([BEGIN, Expect("terminate_session"), information, TERMINATED, Close()]) as server:
        program = Program(server, on_extra_session_information=given.append)
        with program.transcriber:
            pass
    assert given == [aai.RealtimeSessionInformation(audio_duration_seconds=2.5)]


def test_one_transcriber_can_have_one_session_after_another():
    with ScriptedServer([BEGIN, *GOOD_END], [BEGIN, *GOOD_END]) as server:
        program = Program(server)
        for _ in range(2):
            program.transcriber.connect()
            with pytest.raises(aai.RealtimeError, match="already been connected"):
                program.transcriber.connect()
            program.transcriber.close()
    assert [call[0] for call in program.calls] == ["on_open", "on_data", "on_close"] * 2


def test_unknown_messages_are_skipped():
    with ScriptedServer([BEGIN, Send({"message_type": "New"}), Send({"x": 1}), *GOOD_END]) as server:
        program = Program(server)
        with program.transcriber:
            pass
    assert program.count("on_error") == 0


def test_an_error_message_leaves_the_session_open():
    with ScriptedServer([BEGIN, Send({"error": "hiccup"}), ExpectAudio(len(CHUNK)), *GOOD_END]) as server:
        program = Program(server)
        with program.transcriber as transcriber:
            program.wait("on_error")
            transcriber.stream(CHUNK)
    (error,) = program.arguments_of("on_error")
    assert (str(error), error.status_code) == ("hiccup", None)


# --- connecting ------------------------------------------------------------------------------


def fails_to_connect(program, kind, status, match, timeout=HANG_S):
    with pytest.raises(kind, match=match) as caught:
        program.transcriber.connect(timeout)
    assert type(caught.value) is kind
    assert caught.value.status_code == status
    assert "\n" not in str(caught.value)
    program.transcriber.close()
    assert program.calls == []


def test_no_server_answers():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    match = rf"no server at ws://127.0.0.1:{port} \(Connection refused\); `vivavoce serve` starts one"
    fails_to_connect(Program(f"ws://127.0.0.1:{port}"), aai.ConnectError, None, match)


def test_a_server_accepts_and_stays_silent():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        program = Program(f"ws://127.0.0.1:{mute.getsockname()[1]}")
        fails_to_connect(program, aai.ConnectError, None, "in time", 0.3)


def test_a_server_that_does_not_speak_websocket():
    with socket.create_server(("127.0.0.1", 0)) as other:

        def answer():
            connection, _ = other.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"220 mail.example ESMTP\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        fails_to_connect(
            Program(f"ws://127.0.0.1:{other.getsockname()[1]}"), aai.ConnectError, None, "is not a server of"
        )
        thread.join()


@pytest.mark.parametrize("status", [401, 403, 429, 503])
def test_the_handshake_is_refused(status):
    script = [Refuse(status, json.dumps({"error": "no place"}), (("Retry-After", "9"),))]
    with ScriptedServer(script) as server:
        fails_to_connect(Program(server), aai.RefusedError, status, r"no place \(HTTP \d+\).*after 9 s")


def test_a_wrong_path_is_no_refusal():
    with ScriptedServer([Refuse(404, "not here")]) as server:
        fails_to_connect(Program(server), aai.ConnectError, 404, "answered HTTP 404")


@pytest.mark.parametrize("code", [4001, 4002, 4003, 4102, 1008, 3009])
def test_the_session_is_refused(code):
    with ScriptedServer([Send({"error": "you may not"}), Close(code, "you may not")]) as server:
        fails_to_connect(Program(server), aai.RefusedError, code, "you may not")


def test_the_connection_is_lost_before_the_session_begins():
    with ScriptedServer([Drop()]) as server:
        fails_to_connect(Program(server), aai.ConnectError, 1006, "lost")


def test_the_session_never_begins():
    with ScriptedServer([Stall()]) as server:
        fails_to_connect(Program(server), aai.ConnectError, None, "in time", 0.3)


# --- before and after ------------------------------------------------------------------------


def test_nothing_can_be_sent_before_connecting():
    program = Program("ws://127.0.0.1:9")
    for send in (lambda: program.transcriber.stream(CHUNK), program.transcriber.force_end_utterance):
        with pytest.raises(aai.RealtimeError, match=r"connect\(\) first"):
            send()
    program.transcriber.close()
    program.transcriber.close()
    assert program.calls == []


def test_a_silence_set_before_connecting_is_sent():
    with ScriptedServer([BEGIN, Expect("end_utterance_silence_threshold"), *GOOD_END]) as server:
        program = Program(server)
        program.transcriber.configure_end_utterance_silence_threshold(1234)
        with program.transcriber:
            pass
    assert server.seen[0].texts[0] == {"end_utterance_silence_threshold": 1234}


def test_nothing_can_be_sent_after_closing():
    with ScriptedServer([BEGIN, *GOOD_END]) as server:
        program = Program(server)
        with program.transcriber:
            pass
        with pytest.raises(aai.RealtimeError, match="closed"):
            program.transcriber.stream(CHUNK)
        with pytest.raises(aai.RealtimeError, match="closed"):
            program.transcriber.force_end_utterance()


@pytest.mark.parametrize("wrong", ["text", 7, [1, 2], ["text"], {"a": 1}, None])
def test_an_argument_that_is_not_audio_is_refused_and_the_session_continues(wrong):
    with ScriptedServer([BEGIN, ExpectAudio(len(CHUNK)), *GOOD_END]) as server:
        program = Program(server)
        with program.transcriber as transcriber:
            with pytest.raises(TypeError):
                transcriber.stream(wrong)
            transcriber.stream(CHUNK)
    assert program.count("on_close") == 1


@pytest.mark.parametrize(
    "options",
    [
        {"sample_rate": 0},
        {"sample_rate": "16000"},
        {"word_boost": "word"},
        {"encoding": "opus"},
        {"end_utterance_silence_threshold": -1},
    ],
)
def test_invalid_arguments(options):
    with pytest.raises(aai.ConfigurationError):
        Program("ws://127.0.0.1:9", **options)


# --- the server ends it ----------------------------------------------------------------------


def stream_until_it_raises(transcriber):
    while True:
        transcriber.stream(CHUNK)
        time.sleep(0.01)


def test_a_close_with_a_code_is_one_error_and_one_close():
    with ScriptedServer([BEGIN, Close(4031, "")]) as server:
        program = Program(server)
        program.transcriber.connect()
        program.wait("on_close")
        with pytest.raises(aai.RealtimeError, match="Session idle for too long") as caught:
            program.transcriber.stream(CHUNK)
        assert caught.value.status_code == 4031
        program.transcriber.close()
        program.transcriber.close()
    assert [call[0] for call in program.calls] == ["on_open", "on_error", "on_close"]
    assert program.arguments_of("on_error") == [caught.value]


def test_an_error_message_and_its_close_are_one_error():
    text = "Client sent audio too fast: 61 s ahead of the clock"
    with ScriptedServer([BEGIN, ExpectAudio(100), Send({"error": text}), Close(4029, text)]) as server:
        program = Program(server)
        program.transcriber.connect()
        with pytest.raises(aai.RealtimeError, match="too fast"):
            stream_until_it_raises(program.transcriber)
        program.transcriber.close()
    (error,) = program.arguments_of("on_error")
    assert (str(error), error.status_code) == (text, 4029)
    assert program.count("on_close") == 1


def test_an_unknown_code_has_the_servers_reason():
    with ScriptedServer([BEGIN, Close(4999, "because")]) as server:
        program = Program(server)
        program.transcriber.connect()
        program.wait("on_close")
        program.transcriber.close()
    (error,) = program.arguments_of("on_error")
    assert (str(error), error.status_code) == ("because", 4999)


def test_an_unexpected_clean_close_is_one_close():
    with ScriptedServer([BEGIN, Close(1000)]) as server:
        program = Program(server)
        program.transcriber.connect()
        with pytest.raises(aai.RealtimeError, match="ended"):
            stream_until_it_raises(program.transcriber)
        program.transcriber.close()
    assert [call[0] for call in program.calls] == ["on_open", "on_close"]


def test_a_dropped_connection_is_one_error_and_one_close():
    with ScriptedServer([BEGIN, ExpectAudio(100), Drop()]) as server:
        program = Program(server)
        program.transcriber.connect()
        with pytest.raises(aai.RealtimeError, match="the connection was lost"):
            stream_until_it_raises(program.transcriber)
        program.transcriber.close()
    assert [call[0] for call in program.calls] == ["on_open", "on_error", "on_close"]


def test_a_generator_is_not_read_after_the_session_fails():
    with ScriptedServer([BEGIN, ExpectAudio(100), Close(4008)]) as server:
        program = Program(server)
        program.transcriber.connect()

        def forever():
            while True:
                yield CHUNK
                time.sleep(0.01)

        with pytest.raises(aai.RealtimeError, match="expired"):
            program.transcriber.stream(forever())


# --- closing ---------------------------------------------------------------------------------


def test_a_server_that_never_confirms_the_end(quick):
    with ScriptedServer([BEGIN, Expect("terminate_session"), Stall()]) as server:
        program = Program(server)
        program.transcriber.connect()
        program.transcriber.close()
        assert [call[0] for call in program.calls] == ["on_open", "on_error", "on_close"]
        assert "did not end the session within 0.5 s" in str(program.arguments_of("on_error")[0])
        program.transcriber.close()
        assert program.count("on_close") == 1


def test_a_server_that_drops_the_connection_while_closing():
    with ScriptedServer([BEGIN, Expect("terminate_session"), Drop()]) as server:
        program = Program(server)
        program.transcriber.connect()
        program.transcriber.close()
    assert [call[0] for call in program.calls] == ["on_open", "on_error", "on_close"]


def test_a_handler_with_two_arguments_receives_code_and_reason():
    calls = []
    with ScriptedServer([BEGIN, Close(4031, "")], [BEGIN, *GOOD_END]) as server:
        transcriber = aai.RealtimeTranscriber(
            on_data=print,
            on_error=print,
            on_close=lambda code, reason: calls.append((code, reason)),
            sample_rate=RATE,
            client=aai.Client(settings=aai.Settings(base_url=server.url)),
        )
        assert (transcriber.close_code, transcriber.close_reason) == (None, None)
        transcriber.connect()
        wait_until(lambda: calls, "the end")
        transcriber.close()
        assert (transcriber.close_code, transcriber.close_reason) == (4031, "Session idle for too long")
        transcriber.connect()
        assert (transcriber.close_code, transcriber.close_reason) == (None, None)
        transcriber.close()
        assert (transcriber.close_code, transcriber.close_reason) == (1000, "")
    assert calls == [(4031, "Session idle for too long"), (1000, "")]


def test_closing_from_several_threads_is_closing_once():
    with ScriptedServer([BEGIN, *GOOD_END]) as server:
        program = Program(server)
        program.transcriber.connect()
        threads = [threading.Thread(target=program.transcriber.close) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(HANG_S)
            assert not thread.is_alive()
    assert program.count("on_close") == 1
    assert server.seen[0].texts == [{"terminate_session": True}]


@pytest.mark.parametrize("name", ["on_open", "on_data"])
def test_closing_from_a_handler(name):
    closed = []

    def close(transcriber, *_):
        if not closed:
            closed.append(transcriber.close())

    with ScriptedServer([BEGIN, Send(transcript("a")), *GOOD_END]) as server:
        program = Program(server, **{name: close})
        program.transcriber.connect()
        program.wait("on_close")
        program.transcriber.close()
    assert [call[0] for call in program.calls] == ["on_open", "on_data", "on_data", "on_close"]


def test_closing_from_a_handler_is_bounded_too(quick):
    with ScriptedServer([BEGIN, Expect("terminate_session"), Stall()]) as server:
        program = Program(server, on_open=lambda transcriber, _: transcriber.close())
        program.transcriber.connect()
        program.wait("on_close")
    assert [call[0] for call in program.calls] == ["on_open", "on_error", "on_close"]


def test_closing_from_a_handler_ends_a_running_stream():
    with ScriptedServer([BEGIN, ExpectAudio(100), Send(transcript("stop")), *GOOD_END]) as server:
        program = Program(server, on_data=lambda transcriber, _: transcriber.close())
        program.transcriber.connect()

        def forever():
            while True:
                yield CHUNK
                time.sleep(0.01)

        program.transcriber.stream(forever())
        program.transcriber.close()
    assert program.arguments_of("on_data")[-1].text == "Good bye."
    assert program.count("on_close") == 1


def test_closing_from_on_error_and_on_close():
    close = lambda transcriber, *_: transcriber.close()  # noqa: E731
    with ScriptedServer([BEGIN, Close(4008)]) as server:
        program = Program(server, on_error=close, on_close=close)
        program.transcriber.connect()
        program.wait("on_close")
        program.transcriber.close()
    assert [call[0] for call in program.calls] == ["on_open", "on_error", "on_close"]


def test_connecting_again_from_on_close():
    def again(transcriber):
        if program.count("on_close") == 1:
            transcriber.connect()

    with ScriptedServer([BEGIN, Close(1000)], [BEGIN, *GOOD_END]) as server:
        program = Program(server, on_close=again)
        program.transcriber.connect()
        program.wait("on_open", 2)
        while program.count("on_close") < 2:
            program.transcriber.close()
    assert program.count("on_close") == 2


# --- handlers that raise ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["on_open", "on_data", "on_error", "on_close"])
def test_an_exception_in_a_handler_reaches_the_user_once_and_stops_nothing(name):
    def fail(_, *__):
        raise ValueError("mine")

    script = [BEGIN, Send(transcript("a")), Send({"error": "hiccup"}), *GOOD_END]
    with ScriptedServer(script) as server:
        program = Program(server, **{name: fail})
        program.transcriber.connect()
        with pytest.raises(aai.RealtimeError, match=f"the handler {name} raised ValueError: mine") as caught:
            program.transcriber.close()
        assert isinstance(caught.value.__cause__, ValueError)
        program.transcriber.close()
    assert [call[0] for call in program.calls] == ["on_open", "on_data", "on_error", "on_data", "on_close"]


def test_the_exception_of_a_handler_is_raised_during_a_stream():
    def fail(_, *__):
        raise ValueError("mine")

    with ScriptedServer([BEGIN, ExpectAudio(100), Send(transcript("a")), *GOOD_END]) as server:
        program = Program(server, on_data=fail)
        program.transcriber.connect()

        def forever():
            while True:
                yield CHUNK
                time.sleep(0.01)

        with pytest.raises(aai.RealtimeError, match="mine"):
            program.transcriber.stream(forever())
        with pytest.raises(aai.RealtimeError, match="mine"):  # the last transcript makes it raise again
            program.transcriber.close()


def test_leaving_the_with_block_by_an_exception_keeps_that_exception():
    def fail(_, *__):
        raise ValueError("mine")

    with ScriptedServer([BEGIN, *GOOD_END]) as server:
        program = Program(server, on_data=fail)
        with pytest.raises(KeyError), program.transcriber:
            raise KeyError
    assert program.count("on_close") == 1


def test_sys_exit_in_a_handler_ends_the_program():
    with ScriptedServer([BEGIN, *GOOD_END]) as server:
        program = Program(server, on_open=lambda *_: sys.exit(3))
        program.transcriber.connect()
        with pytest.raises(SystemExit) as caught:
            program.transcriber.close()
    assert caught.value.code == 3


def test_a_handler_that_hangs_does_not_hang_close(quick):
    free = threading.Event()
    with ScriptedServer([BEGIN, Send(transcript("a")), Send(transcript("b")), *GOOD_END]) as server:
        program = Program(server, on_data=lambda *_: free.wait(10 * HANG_S))
        program.transcriber.connect()
        program.wait("on_data")
        program.transcriber.close()
        assert program.count("on_close") == 1
        free.set()
    assert [call[0] for call in program.calls][-1] == "on_close"
    assert program.count("on_close") == 1


VOICE_AGENT = """
import itertools, time
import vivavoce as aai

def agent():
    return aai.RealtimeTranscriber(
        sample_rate=16_000, on_data=answer, on_error=print,
        on_open=lambda opened: print("open", flush=True), on_close=lambda: print("closed", flush=True),
    )

def answer(transcript):
    global transcriber
    if transcript.text != "a":
        return
    print("thinks", flush=True)
    transcriber.close()
    time.sleep(0.5)
    transcriber = agent()
    transcriber.connect()
    transcriber.stream(bytes(6_400))
    transcriber.close()
    print("returns", flush=True)

transcriber = agent()
transcriber.connect()
transcriber.stream(itertools.repeat(bytes(6_400)))  # until the handler closes the session
"""


def test_a_program_lives_until_its_handlers_return(tmp_path):
    script = tmp_path / "agent.py"
    script.write_text(VOICE_AGENT)
    first = [BEGIN, ExpectAudio(6_400), Send(transcript("a")), Expect("terminate_session"), *GOOD_END]
    with ScriptedServer(first, [BEGIN, *GOOD_END]) as server:
        address = server.url.replace("127.0.0.1", "localhost")
        result = subprocess.run(
            [sys.executable, script],
            env=os.environ | {"VIVAVOCE_BASE_URL": address},
            capture_output=True,
            text=True,
            timeout=HANG_S,
            check=True,
        )
    lines = result.stdout.split()
    assert sorted(lines) == ["closed", "closed", "open", "open", "returns", "thinks"], result
    assert not result.stderr


# --- the network is slow ---------------------------------------------------------------------


def test_stream_waits_for_a_slow_network_and_close_gives_up_in_time(quick):
    with ScriptedServer([BEGIN, Stall()]) as server:
        program = Program(server, sample_rate=96_000)
        program.transcriber.connect()
        waiting = []  # messages in the queue whenever more audio is read

        def forever():
            while True:
                waiting.append(len(program.transcriber._session._core._outgoing))
                yield bytes(200_000)

        thread = threading.Thread(target=program.transcriber.stream, args=(forever(),))
        thread.start()
        wait_until(lambda: program.transcriber._session._core.is_full, "a full queue")
        assert thread.is_alive()
        program.transcriber.close()
        thread.join(HANG_S)
        assert not thread.is_alive()
    assert max(waiting) < MAX_BACKLOG + 1  # message of a piece
    assert program.count("on_close") == program.count("on_error") == 1


def test_a_pause_of_the_network_loses_nothing():
    free = threading.Event()
    pieces = [bytes([number]) * 19_200 for number in range(250)]
    with ScriptedServer([BEGIN, Stall(free), ExpectAudio(250 * 19_200), *GOOD_END]) as server:
        program = Program(server, sample_rate=48_000)
        program.transcriber.connect()
        threading.Timer(0.5, free.set).start()
        program.transcriber.stream(pieces)
        program.transcriber.close()
    assert server.seen[0].audio == b"".join(pieces)


def test_what_is_queued_is_sent_before_the_end():
    with ScriptedServer([BEGIN, Expect("terminate_session"), TERMINATED, Close()]) as server:
        program = Program(server)
        program.transcriber.connect()
        sound = os.urandom(20_000)
        program.transcriber.stream(sound[start : start + 321] for start in range(0, len(sound), 321))
        program.transcriber.close()
    assert server.seen[0].audio == sound
    assert all(100 <= len(chunk) / 32 <= 2000 for chunk in server.seen[0].chunks[:-1])


def test_twenty_thousand_pieces_arrive_before_an_immediate_close():
    pieces = [index.to_bytes(2, "little") * 1_600 for index in range(20_000)]  # 100 ms each
    script = [BEGIN, ExpectAudio(20_000 * 3_200), Expect("terminate_session"), TERMINATED, Close()]
    with ScriptedServer(script) as server:
        program = Program(server)
        program.transcriber.connect()
        program.transcriber.stream(pieces)
        program.transcriber.close()
    assert server.seen[0].audio == b"".join(pieces)
    assert program.count("on_close") == 1


# --- programs --------------------------------------------------------------------------------


def run_program(code, server, **environment):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=os.environ | {"VIVAVOCE_BASE_URL": server.url} | environment,
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )


PROGRAM = """
import vivavoce as aai
transcriber = aai.RealtimeTranscriber(
    on_data=print, on_error=print, on_close=lambda: print("closed"), sample_rate=16000
)
transcriber.connect()
"""


def test_a_program_that_never_closes_ends():
    with ScriptedServer([BEGIN, Listen()]) as server:
        result = run_program(PROGRAM + "transcriber.stream(bytes(3200))", server)
    assert (result.returncode, result.stderr) == (0, "")


def test_a_program_whose_handler_raises_ends_with_the_error():
    code = PROGRAM.replace("on_data=print", "on_data=lambda _: 1 / 0") + "transcriber.close()"
    with ScriptedServer([BEGIN, *GOOD_END]) as server:
        result = run_program(code, server)
    assert result.returncode == 1
    assert "ZeroDivisionError" in result.stderr
    assert "closed" in result.stdout


def test_ctrl_c_while_streaming_a_generator_passes_through_and_closing_still_works():
    code = PROGRAM + (
        "import os, signal\n"
        "def sound():\n"
        "    yield bytes(3200)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    while True: yield bytes(3200)\n"
        "try: transcriber.stream(sound())\n"
        "except KeyboardInterrupt: print('interrupted')\n"
        "transcriber.close()\n"
    )
    with ScriptedServer([BEGIN, *GOOD_END]) as server:
        result = run_program(code, server)
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0] == "interrupted"
    assert lines[-1] == "closed"


def test_ctrl_c_while_the_queue_is_full_passes_through():
    code = PROGRAM + (
        "import itertools, os, signal, threading, time\n"
        "def interrupt():\n"
        "    while not transcriber._session._core.is_full: time.sleep(0.01)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "try:\n"
        "    threading.Thread(target=interrupt).start()\n"
        "    transcriber.stream(itertools.repeat(bytes(320_000)))\n"
        "except KeyboardInterrupt: print('interrupted')\n"
    )
    with ScriptedServer([BEGIN, Stall()]) as server:
        result = run_program(code, server)
    assert (result.returncode, result.stderr, result.stdout) == (0, "", "interrupted\n")


def test_a_missing_microphone_does_not_keep_the_program_running(tmp_path):
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')\n")
    with ScriptedServer([BEGIN, Listen()]) as server:
        result = run_program(PROGRAM + "aai.extras.MicrophoneStream()", server, PYTHONPATH=str(tmp_path))
    assert result.returncode == 1
    assert "ExtrasNotInstalledError: the microphone needs PortAudio" in result.stderr


@pytest.fixture
def recording(tmp_path):
    import wave

    path = tmp_path / "speech.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes(os.urandom(44_100))  # half a second
    return path


@pytest.mark.parametrize("sdk", ["vivavoce", "assemblyai"])
def test_the_tutorials_program_runs_with_either_sdk(sdk, recording):
    if sdk == "assemblyai":
        pytest.importorskip("assemblyai")
    text = (ROOT / "examples" / "tutorial.py").read_text()
    assert text.count("import vivavoce as aai") == 1
    script = [BEGIN, ExpectAudio(40_000), Send(transcript("hello")), *GOOD_END]
    with ScriptedServer(script) as server:
        result = subprocess.run(
            [sys.executable, "-c", text.replace("import vivavoce as aai", f"import {sdk} as aai")],
            env=os.environ
            | {
                "ASSEMBLYAI_BASE_URL": server.url,
                "ASSEMBLYAI_API_KEY": "k",
                "NO_PROXY": "127.0.0.1",
                "PYTHONPATH": os.pathsep.join(
                    str(ROOT / "tests" / "support" / name) for name in ("fake_sounddevice", "fake_pyaudio")
                ),
                "VIVAVOCE_FAKE_MIC": str(recording),
            },
            capture_output=True,
            timeout=HANG_S,
            check=False,
        )
    assert (result.returncode, result.stdout) == (
        0,
        f"Session ID: {SESSION_ID}\nGood bye.\nClosing Session\n".encode(),  # a pipe gets finals only
    ), result.stderr
    assert len(server.seen[0].audio) == 44_100 // 8820 * 8820 == len(server.seen[0].audio)


# --- temporary tokens ------------------------------------------------------------------------


class TokenHandler(BaseHTTPRequestHandler):
    answer = (200, b'{"token": "abc"}')
    got = None

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).got = (self.path, self.headers["Authorization"], json.loads(body))
        status, content = self.answer
        self.send_response(status)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def token_server(monkeypatch):
    handler = type("Handler", (TokenHandler,), {})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        monkeypatch.setenv("VIVAVOCE_BASE_URL", f"ws://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("VIVAVOCE_API_KEY", "k")
        yield handler
        server.shutdown()
        thread.join()


def test_a_temporary_token(token_server):
    assert aai.RealtimeTranscriber.create_temporary_token(expires_in=60) == "abc"
    assert token_server.got == ("/v2/realtime/token", "k", {"expires_in": 60})


@pytest.mark.parametrize(
    ("answer", "kind", "status"),
    [
        ((401, b'{"error": "who?"}'), aai.RefusedError, 401),
        ((429, b""), aai.RefusedError, 429),
        ((404, b""), aai.ConnectError, 404),
        ((200, b"hello"), aai.ConnectError, None),
    ],
)
def test_no_token(token_server, answer, kind, status):
    token_server.answer = answer
    with pytest.raises(kind) as caught:
        aai.RealtimeTranscriber.create_temporary_token(60, timeout=HANG_S)
    assert caught.value.status_code == status


def test_no_server_for_a_token(monkeypatch):
    monkeypatch.setenv("VIVAVOCE_BASE_URL", "ws://127.0.0.1:9")
    with pytest.raises(aai.ConnectError, match=r"no server at ws://127.0.0.1:9 .*`vivavoce serve`"):
        aai.RealtimeTranscriber.create_temporary_token(60, timeout=HANG_S)


@pytest.mark.parametrize("seconds", [59, 360_001, 60.0])
def test_token_times_out_of_bounds(seconds):
    with pytest.raises(aai.ConfigurationError, match="expires_in"):
        aai.RealtimeTranscriber.create_temporary_token(seconds)


def test_the_scripted_server_fails_a_test_whose_client_misbehaves(monkeypatch, quick):
    monkeypatch.setattr(scripted_server, "LIMIT_S", 0.2)
    server = ScriptedServer([BEGIN, Expect("never")])
    with pytest.raises(TimeoutError, match=r"timed out in 0\.2"), server, Program(server).transcriber:
        wait_until(lambda: server.failures, "the failure")
