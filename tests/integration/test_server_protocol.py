"""What both protocols promise beyond turns, over real sockets, with a scripted engine."""

import contextlib
import dataclasses
import http.server
import io
import json
import logging
import random
import socket
import socketserver
import threading
import time
import urllib.error
import urllib.request
import wave

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.sync.client import connect

from integration.test_server import send
from support.encoders import opus_packets
from support.scripted_engine import ScriptedRecogniser, pcm, silence, speech
from support.servers import log_of_the_server, received_ms, scripted_server
from support.time_limit import HANG_S, wait_until
from vivavoce.asr.engine import EngineState
from vivavoce.asr.session import SessionState
from vivavoce.protocol.aai_v2.close_codes import CLOSE_TEXTS
from vivavoce.protocol.aai_v2.dialect import V2Dialect
from vivavoce.protocol.aai_v2.messages import end_utterance_silence_threshold, terminate_session
from vivavoce.protocol.events import SessionLimits

V2 = "/v2/realtime/ws?sample_rate=16000"
V3 = "/v3/ws?format_turns=true"
END = {V2: terminate_session(), V3: '{"type": "Terminate"}'}
both = pytest.mark.parametrize("path", [V2, V3], ids=["v2", "v3"])


@pytest.fixture(scope="module")
def server():
    with scripted_server() as it:
        it.wait_ready()
        yield it


def open_session(server, path, **options):
    return connect(server.base_url + path, compression=None, **options)


def rest(socket):
    messages = []
    while True:
        try:
            messages.append(json.loads(socket.recv(timeout=HANG_S)))
        except ConnectionClosed as closed:
            return messages, closed.rcvd and closed.rcvd.code


def of(messages, kind):
    return [it for it in messages if it.get("type") == kind]


# --- messages of either protocol --------------------------------------------------------------


@both
@pytest.mark.parametrize("message", END.values())
@pytest.mark.parametrize("as_frame", [str, str.encode])
def test_either_end_message_ends_a_session_in_text_and_binary_frames(server, path, message, as_frame):
    with open_session(server, path) as socket:
        send(socket, speech(0, 1))
        socket.send(as_frame(message))
        messages, code = rest(socket)
    assert code == 1000
    assert [it.get("text", it.get("transcript")) for it in messages[-2:]] == ["Alpha bravo.", None]


# --- v3 ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user_agent", "gets_them"),
    [
        ("AssemblyAI/1.0 (sdk=Python/1.8.2 runtime_env=Python/3.11.7)", True),
        ("AssemblyAI/1.0 (integration=Livekit/1.1.7)", False),
        ("Python/3.11 websockets/15.0", False),
    ],
)
def test_warnings_go_to_the_clients_that_know_them(server, user_agent, gets_them, caplog):
    caplog.set_level(logging.INFO)
    with open_session(server, V3 + "&speaker_labels=true", user_agent_header=user_agent) as socket:
        socket.send('{"type": "UpdateConfiguration", "prompt": "Be exact."}')
        socket.send('{"type": "KeepAlive"}')
        socket.send(END[V3])
        messages, code = rest(socket)
    begin, *warnings, end = messages
    assert (begin["type"], end["type"], code) == ("Begin", "Termination", 1000)
    texts = ["speaker_labels is accepted and has no effect", "prompt is accepted and has no effect"]
    assert len(warnings) == (len(texts) if gets_them else 0)
    for warning, text in zip(warnings, texts, strict=False):
        assert warning["warning"].startswith(text)
    for text in texts:
        assert text in caplog.text


@both
def test_a_file_sent_as_samples_is_named(server, path, caplog):
    caplog.set_level(logging.INFO)
    webm = b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01".ljust(3_200, b"\0")
    with open_session(server, path) as socket:
        socket.send(webm)
        socket.send(END[path])
        messages, code = rest(socket)
    text = "the audio is WebM or Matroska, but the session expects raw samples"
    assert [it["warning"][: len(text)] for it in of(messages, "Warning")] == ([text] if path == V3 else [])
    assert code == 1000
    assert text in caplog.text
    with open_session(server, path) as socket:
        socket.send(webm + b"\0")
        messages, code = rest(socket)
    assert code == {V2: 4101, V3: 3006}[path]
    assert len(of(messages, "Warning")) == (path == V3)
    assert text in messages[-1]["error"]


@both
@pytest.mark.parametrize("chunk", [800, 1_600])
def test_a_wav_header_before_the_audio_is_dropped(server, path, chunk):
    with io.BytesIO() as file, wave.open(file, "wb") as wav:
        wav.setparams((1, 2, 16_000, 0, "NONE", None))
        wav.writeframes(b"")
        header = file.getvalue()
    data = header + pcm(speech(0, 1))
    alone = [header, *(data[at : at + 2 * chunk] for at in range(44, len(data), 2 * chunk))]
    for messages_sent in (alone, [data[at : at + 2 * chunk] for at in range(0, len(data), 2 * chunk)]):
        with open_session(server, path) as socket:
            for piece in messages_sent:
                socket.send(piece)
            socket.send(END[path])
            messages, code = rest(socket)
        assert code == 1000
        assert [it.get("text", it.get("transcript")) for it in messages[-2:]] == ["Alpha bravo.", None]
        assert not of(messages, "Warning")


def test_a_forced_end_without_speech_is_answered(server):
    with open_session(server, V3) as socket:
        for _ in range(3):
            socket.send('{"type": "ForceEndpoint"}')
        socket.send(END[V3])
        turns = of(rest(socket)[0], "Turn")
    assert [(it["turn_order"], it["end_of_turn"], it["transcript"]) for it in turns] == [
        (0, True, ""), (1, True, ""), (2, True, "")
    ]  # fmt: skip


def test_options_change_during_a_session(server):
    with open_session(server, V3) as socket:
        send(socket, speech(0, 1))
        socket.send('{"type": "UpdateConfiguration", "format_turns": false, "acknowledge_silence": true}')
        send(socket, silence(80))
        socket.send(END[V3])
        messages, _ = rest(socket)
    (final,) = [it for it in of(messages, "Turn") if it["end_of_turn"]]
    assert (final["transcript"], final["turn_is_formatted"]) == ("alpha bravo", False)
    assert of(messages, "Silence")


def test_heartbeats(server, monkeypatch):
    monkeypatch.setattr("vivavoce.asr.session.reporting._HEARTBEAT_S", 0.5)
    with open_session(server, V3 + "&session_heartbeat=True") as socket:
        send(socket, speech(0, 1))
        beats = []
        while not (beats and beats[-1]["total_audio_received_ms"] == len(speech(0, 1)) // 16):
            beats += of([json.loads(socket.recv(timeout=HANG_S))], "Heartbeat")
        assert max(beat["max_speech_probability"] for beat in beats) > 0.9
        assert beats[0]["total_duration_ms"] >= 500


def test_universal_3_models_report_the_start_of_speech_and_restate_turns(server):
    with open_session(server, "/v3/ws?speech_model=universal-3-6-pro") as socket:
        send(socket, silence(10))
        send(socket, speech(0, 1))
        socket.send(END[V3])
        messages, _ = rest(socket)
    *partials, final = of(messages, "Turn")
    assert 0 <= of(messages, "SpeechStarted")[0]["timestamp"] <= final["words"][0]["start"] < 390
    assert final["transcript"] == "Alpha bravo."
    assert all(it["transcript"] and it["end_of_turn_confidence"] == 0 for it in partials)


def test_two_channels_have_their_own_turns(server):
    left, right = np.concatenate([speech(0, 1), silence(60)]), np.concatenate([silence(20), speech(3, 4)])
    n = max(len(left), len(right))
    stereo = np.zeros((n, 2), np.float32)
    stereo[: len(left), 0], stereo[: len(right), 1] = left, right
    with open_session(server, V3 + "&channels=2") as socket:
        for at in range(0, n, 1_600):
            socket.send(pcm(stereo[at : at + 1_600].reshape(-1)))
        socket.send(END[V3])
        messages, code = rest(socket)
    finals = [it for it in of(messages, "Turn") if it["end_of_turn"]]
    assert sorted((it["channel"], it["turn_order"], it["transcript"]) for it in finals) == [
        (0, 0, "Alpha bravo."), (1, 0, "delta echo?")
    ]  # fmt: skip
    assert len(of(messages, "Begin")) == len(of(messages, "Termination")) == 1
    assert of(messages, "Termination")[0]["audio_duration_seconds"] == round(n / 16_000)
    assert (messages[-1]["type"], code) == ("Termination", 1000)


@pytest.mark.parametrize("asks", [True, False])
def test_a_recording_comes_at_any_speed_where_the_server_says_so(server, asks):
    with open_session(server, f"{V3}&recording={asks}") as socket:
        with contextlib.suppress(ConnectionClosed):
            for _ in range(70):  # s; at most 60 may come ahead of the clock
                socket.send(bytes(32_000))
            socket.send(pcm(speech(0, 1)))
            socket.send(END[V3])
        messages, code = rest(socket)
    assert code == (1000 if asks else 3007)
    assert messages[0].get("recording") == (True if asks else None)
    assert [it["transcript"] for it in of(messages, "Turn")][-1:] == (["Alpha bravo."] if asks else [])


def test_half_a_frame_of_two_channels_is_refused(server):
    with open_session(server, V3 + "&channels=2") as socket:
        socket.send(bytes(3_202))
        messages, code = rest(socket)
    assert code == 3006
    assert "2 channels" in messages[-1]["error"]


def test_opus_packets_are_transcribed_and_garbage_is_refused(server):
    tone = np.repeat(speech(0, 1), 3)
    with open_session(server, V3 + "&encoding=opus") as socket:
        for packet in opus_packets(np.concatenate([tone, np.zeros(9_600)])):
            socket.send(packet)
        socket.send(END[V3])
        messages, code = rest(socket)
    assert code == 1000
    assert messages[-1]["audio_duration_seconds"] == round(len(tone) / 48_000)
    with open_session(server, V3 + "&encoding=opus") as socket:
        socket.send(b"\xff\xff\xff no opus")
        messages, code = rest(socket)
    assert code == 3006
    assert messages[-1]["error"].startswith("User Input Validation Error: Failed to decode opus")


# --- close codes ------------------------------------------------------------------------------


def test_v2_sessions_cannot_be_resumed_and_the_close_code_says_why(server):
    with open_session(server, V2) as socket:
        session_id = json.loads(socket.recv(timeout=HANG_S))["session_id"]
        with open_session(server, f"/v2/realtime/ws/{session_id}?sample_rate=16000") as other:
            assert rest(other)[1] == 4030
        socket.send(END[V2])
        rest(socket)
    wait_until(lambda: not server._server.service.connections)
    with open_session(server, f"/v2/realtime/ws/{session_id}?sample_rate=16000") as socket:
        assert rest(socket)[1] == 4010
    with open_session(server, "/v2/realtime/ws/nonsense?sample_rate=16000") as socket:
        messages, code = rest(socket)
    assert (messages, code) == ([{"error": "Session not found"}], 4004)


@both
def test_a_key_has_a_limit_of_sessions(path):
    code = {V2: 4102, V3: 3009}[path]
    with scripted_server(api_keys=("one", "two"), max_sessions_per_key=1) as server:
        one, two = ({"additional_headers": {"Authorization": key}} for key in ("one", "two"))
        with open_session(server, path, **one) as socket, open_session(server, path, **two) as other:
            assert "error" not in json.loads(other.recv(timeout=HANG_S))
            with open_session(server, path, **one) as third:
                assert rest(third)[1] == code
            socket.send(END[path])
            rest(socket)
        wait_until(lambda: not server._server.service.connections)
        with open_session(server, path, **one) as socket:
            assert "error" not in json.loads(socket.recv(timeout=HANG_S))


@pytest.mark.parametrize(
    ("standing", "v2_code", "v2_said", "v3_said"),
    [
        ("no-funds", 4002, "Insufficient funds", "balance"),
        ("unpaid", 4003, "This feature is paid-only and requires you to add a credit card", "paid account"),
        ("disabled", 4001, "Not Authorized", "disabled"),
    ],
)
def test_a_key_that_the_operator_marked_is_refused_for_that_reason(standing, v2_code, v2_said, v3_said):
    key = {"Authorization": "two"}
    with scripted_server(api_keys=("one", f"two {standing}")) as server:
        with open_session(server, V2, additional_headers=key) as socket:
            messages, code = rest(socket)
        assert code == v2_code
        assert messages[0]["error"].startswith(v2_said)
        with open_session(server, V3, additional_headers=key) as socket:
            messages, code = rest(socket)
        assert code == messages[0]["error_code"] == 1008
        assert messages[0]["error"].startswith("Unauthorized Connection: ")
        assert v3_said in messages[0]["error"]
        request = urllib.request.Request(
            server.base_url.replace("ws", "http", 1) + "/v3/token?expires_in_seconds=60", headers=key
        )
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request, timeout=HANG_S)
        with caught.value as answer:
            assert answer.code == 401
            assert v3_said in json.load(answer)["error"]
        with open_session(server, V3, additional_headers={"Authorization": "one"}) as socket:
            assert json.loads(socket.recv(timeout=HANG_S))["type"] == "Begin"


@both
def test_a_server_whose_engine_is_dead_begins_no_session(path):
    with scripted_server(recogniser=ScriptedRecogniser(fail_after=0)) as server:
        wait_until(lambda: server._server.service.engine.state is EngineState.DEAD)
        with open_session(server, path) as socket:
            messages, code = rest(socket)
    assert code == {V2: 1013, V3: 1011}[path]
    assert list(messages[0]) == {V2: ["error"], V3: ["type", "error", "error_code"]}[path]


@both
def test_an_internal_error_before_the_beginning_is_reported_too(server, path, monkeypatch, caplog):
    monkeypatch.setattr("vivavoce.server.connection.Channels", lambda *_, **__: 1 / 0)
    with open_session(server, path) as socket:
        messages, code = rest(socket)
    assert code == {V2: 1013, V3: 1011}[path]
    assert len(messages) == 1
    assert "ZeroDivisionError" in caplog.text
    assert "Traceback" not in caplog.text


@both
@pytest.mark.parametrize("limit", ["idle_s", "max_session_s"])
def test_a_session_that_idles_or_lasts_too_long_is_closed(server, path, limit, monkeypatch):
    short = {limit: 0.2}
    if path == V2:
        limits = dataclasses.replace(V2Dialect.limits, **short)
        monkeypatch.setattr(V2Dialect, "limits", limits)
    else:
        monkeypatch.setattr(
            "vivavoce.protocol.aai_v3.dialect.SessionLimits",
            lambda **values: SessionLimits(**{**values, **short}),
        )
    with open_session(server, path) as socket:
        assert (
            rest(socket)[1]
            == {
                (V2, "idle_s"): 4031,
                (V2, "max_session_s"): 4008,
                (V3, "idle_s"): 3006,
                (V3, "max_session_s"): 3008,
            }[path, limit]
        )


def test_keep_alive_keeps_alive(server, monkeypatch):
    monkeypatch.setattr(
        "vivavoce.protocol.aai_v3.dialect.SessionLimits",
        lambda **values: SessionLimits(**{**values, "idle_s": 3.0}),
    )
    with open_session(server, V3) as socket:
        for _ in range(25):  # longer than the limit, and than the service takes to notice it
            time.sleep(0.2)
            socket.send('{"type": "KeepAlive"}')
        socket.send(END[V3])
        assert rest(socket)[1] == 1000


def test_a_large_message_is_refused(server):
    with open_session(server, V3) as socket:
        socket.send(bytes(131_074))
        messages, code = rest(socket)
    assert code == messages[-1]["error_code"] == 1009


@pytest.mark.parametrize(
    ("query", "code"), [("word_boost=foo", 4104), ("disable_partial_transcripts=maybe", 4101)]
)
def test_v2_names_the_wrong_parameter(server, query, code):
    with open_session(server, f"{V2}&{query}") as socket:
        messages, got = rest(socket)
    assert got == code
    assert query.split("=")[0] in messages[0]["error"]


def test_v2_options(server):
    query = "&disable_partial_transcripts=True&enable_extra_session_information=True&word_boost=%5B%22a%22%5D"
    with open_session(server, V2 + query) as socket:
        socket.send(end_utterance_silence_threshold(300))
        send(socket, speech(0, 1))
        send(socket, silence(12))
        send(socket, speech(2))
        socket.send(END[V2])
        messages, _ = rest(socket)
    assert [it["message_type"] for it in messages] == [
        "SessionBegins", "FinalTranscript", "FinalTranscript", "SessionInformation", "SessionTerminated"
    ]  # fmt: skip
    assert messages[3]["audio_duration_seconds"] == pytest.approx(1.44, abs=0.1)


@pytest.mark.parametrize("ms", [10, 20, 50])
def test_v2_takes_short_messages_unless_the_server_is_strict(server, ms):
    audio = np.concatenate([speech(0, 1), silence(50)])
    pieces = [pcm(audio[at : at + 16 * ms]) for at in range(0, len(audio), 16 * ms)]
    with open_session(server, V2) as socket:
        for piece in pieces:
            socket.send(piece)
        socket.send(END[V2])
        messages, code = rest(socket)
    finals = [it["text"] for it in messages if it.get("message_type") == "FinalTranscript"]
    assert (finals, code) == (["Alpha bravo."], 1000)
    with scripted_server(strict_chunks=True) as strict, open_session(strict, V2) as socket:
        for piece in pieces[:2]:
            socket.send(piece)
        messages, code = rest(socket)
    assert code == 4032
    assert messages[-1]["error"] == f"{CLOSE_TEXTS[4032]}: {ms}.0 ms. Expected between 100 and 2000 ms"


def test_v2_repeats_empty_partials_in_silence(server):
    with open_session(server, V2) as socket:
        send(socket, silence(100))
        socket.send(END[V2])
        messages, _ = rest(socket)
    empty = [it for it in messages if it["message_type"] == "PartialTranscript"]
    assert len(empty) == 3
    assert all((it["text"], it["words"]) == ("", []) for it in empty)


# --- invalid input ------------------------------------------------------------------------------


@both
def test_garbage_is_closed_with_a_documented_code_and_logs_no_traceback(server, path, caplog):
    caplog.set_level(logging.INFO)
    dice = random.Random(7)
    known = set(CLOSE_TEXTS) | {1000, 1002, 1007, 1008, 1009, 3005, 3006, 3007, 3008, 3009}
    words = ["type", "Terminate", "UpdateConfiguration", "audio_data", "terminate_session", "vad_threshold"]

    def value(depth=0):
        kinds = [None, True, 7, -1e308, "é\u0000", dice.choice(words), [], {}]
        if depth < 3 and dice.random() < 0.5:
            return {dice.choice(words): value(depth + 1) for _ in range(2)}
        return dice.choice(kinds)

    for round_ in range(60):
        with open_session(server, path) as socket:
            try:
                for _ in range(4):
                    match dice.randrange(4):
                        case 0:
                            socket.send(json.dumps(value()))
                        case 1:
                            socket.send(dice.randbytes(dice.choice([0, 1, 2, 1_600, 3_200, 90_000])))
                        case 2:
                            socket.send("".join(chr(dice.randrange(1, 0xD7FF)) for _ in range(20)))
                        case 3:
                            socket.send("[" * dice.choice([1, 100_000]))
                if round_ % 10 == 9:  # a text frame that is no UTF-8
                    frame = Frame(Opcode.TEXT, b"\xff\xfe{")
                    socket.socket.sendall(frame.serialize(mask=True))
                socket.send(END[path])
            except (ConnectionClosed, OSError):  # it was closed before all of it was sent
                pass
            messages, code = rest(socket)
            assert code in known
            assert "Traceback" not in json.dumps(messages)
    records, text = log_of_the_server(caplog)
    assert "Traceback" not in text
    assert not [record for record in records if record.levelno > logging.INFO]


def upgrade(path):
    return (
        f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def raw(opcode, data, *, first=0x80, mask=0x80):
    """A frame that need not be one: RFC 6455, section 5.2, with a mask of zeros."""
    size = (
        bytes([mask | len(data)]) if len(data) < 126 else bytes([mask | 126]) + len(data).to_bytes(2, "big")
    )
    return bytes([first | opcode]) + size + (bytes(4) if mask else b"") + data


BROKEN = {
    "no UTF-8": upgrade(V3) + raw(1, b"\xff"),
    "no mask": upgrade(V3) + raw(1, b"{}", mask=0),
    "an unknown opcode": upgrade(V3) + raw(3, b"x"),
    "a reserved bit": upgrade(V2) + raw(1, b"{", first=0xC0),
    "two beginnings": upgrade(V2) + raw(1, b"a", first=0) + raw(1, b"b"),
    "a close without a code": upgrade(V3) + raw(8, b"\0"),
    "a close with a broken reason": upgrade(V3) + raw(8, b"\x0b\xb8\xff"),
    "half a frame": upgrade(V3) + raw(2, bytes(3_200))[:100],
    "a query that is none": upgrade("/v3/ws?%ff=%fe&speech_model=%ff&webhook_url=http://[::1"),
    "a token that is none": upgrade("/v2/realtime/ws?sample_rate=16000&token=%F0%28"),
    "a path that is none": upgrade("/v2/realtime/ws/%2e%2e%00?sample_rate=8000"),
    "half a body": b'POST /v2/realtime/token HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n{"exp',
    "no chunk": b"POST /v2/realtime/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    "noise": bytes(range(256)),
}


@pytest.mark.parametrize("what", BROKEN)
def test_bytes_without_a_protocol_do_no_harm(server, what, caplog):
    caplog.set_level(logging.INFO)
    port = int(server.base_url.rsplit(":", 1)[1])
    with open_session(server, V3) as other:
        for reads in (True, False):
            with (
                socket.create_connection(("127.0.0.1", port), timeout=0.3) as it,
                contextlib.suppress(OSError),
            ):
                it.sendall(BROKEN[what])
                while reads and it.recv(65_536):
                    pass
        send(other, speech(0))
        other.send(END[V3])
        assert rest(other)[1] == 1000
    wait_until(lambda: not server._server.service.connections)
    records, text = log_of_the_server(caplog)
    assert "Traceback" not in text
    assert not [record for record in records if record.levelno > logging.WARNING]


def test_an_internal_error_ends_one_session_with_the_generic_code(server, monkeypatch, caplog):
    monkeypatch.setattr("vivavoce.asr.session.gate.AudioGate.check", lambda *_: 1 / 0)
    with open_session(server, V3) as socket:
        socket.send(bytes(3_200))
        assert rest(socket)[1] == 3005
    assert "ZeroDivisionError" in caplog.text
    assert "Traceback" not in caplog.text


# --- webhooks and metrics ---------------------------------------------------------------------


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.headers["X-Key"], json.loads(body)))
        self.send_response(self.server.answers.pop(0))
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def receiver():
    with socketserver.TCPServer(("127.0.0.1", 0), Receiver) as it:
        it.got, it.answers = [], [500, 200]
        threading.Thread(target=it.serve_forever, daemon=True).start()
        yield it
        it.shutdown()


@pytest.fixture
def posting_server():
    with scripted_server(webhooks=True, private_webhooks=True) as it:
        yield it


def test_a_webhook_gets_the_finished_turns_when_it_accepts_them(posting_server, receiver, monkeypatch):
    monkeypatch.setattr("vivavoce.server.webhooks._FIRST_WAIT_S", 0.05)
    url = f"http://127.0.0.1:{receiver.server_address[1]}/turns"
    query = f"&webhook_url={url}&webhook_auth_header_name=X-Key&webhook_auth_header_value=secret"
    with open_session(posting_server, V3 + query) as socket:
        session_id = json.loads(socket.recv(timeout=HANG_S))["id"]
        send(socket, speech(0, 1))
        socket.send(END[V3])
        finals = [it for it in of(rest(socket)[0], "Turn") if it["end_of_turn"]]
    wait_until(lambda: len(receiver.got) == 2)
    assert receiver.got[0] == receiver.got[1] == ("secret", {"session_id": session_id, "messages": finals})


def test_webhooks_can_be_switched_off(receiver):
    with (
        scripted_server(webhooks=False) as server,
        open_session(server, V3 + "&webhook_url=http://127.0.0.1:9/") as socket,
    ):
        messages, code = rest(socket)
    assert code == 3006
    assert "sends no webhooks" in messages[0]["error"]


def test_metrics_count(server):
    def read():
        with urllib.request.urlopen(server.base_url.replace("ws", "http", 1) + "/metrics") as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            lines = answer.read().decode().splitlines()
        return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))

    wait_until(lambda: not server._server.service.connections)
    before = read()
    with open_session(server, V3) as socket:
        socket.recv(timeout=HANG_S)
        assert read()["vivavoce_sessions_open"] == "1"
        send(socket, speech(0, 1))
        socket.send(END[V3])
        rest(socket)
    with open_session(server, "/v3/ws?sample_rate=1") as socket:
        rest(socket)
    wait_until(lambda: read()["vivavoce_sessions_open"] == "0")
    after = read()

    def grew(name):
        return float(after[name]) - float(before.get(name, 0))

    assert grew('vivavoce_sessions_total{dialect="v3"}') == 1
    assert grew('vivavoce_refused_total{reason="bad_sample_rate"}') == 1
    assert grew('vivavoce_passes_total{kind="final"}') == 1
    assert grew("vivavoce_audio_seconds_total") == pytest.approx(len(speech(0, 1)) / 16_000, abs=0.1)
    assert grew("vivavoce_batch_size_count") >= 1
    assert after['vivavoce_batch_size_bucket{le="+Inf"}'] == after["vivavoce_batch_size_count"]
    assert after["vivavoce_engine_ready"] == "1"


# --- many sessions ----------------------------------------------------------------------------


def test_handshakes_wait_for_no_pass_and_sixteen_ends_need_one_pass_each():
    gate = threading.Event()
    gate.set()
    recogniser = ScriptedRecogniser(max_batch=16, gate=gate)
    with scripted_server(recogniser=recogniser, workers=2) as server, contextlib.ExitStack() as stack:
        server.wait_ready()
        gate.clear()
        recogniser.calls.clear()
        sockets = []
        for _ in range(16):
            socket = stack.enter_context(open_session(server, V3))
            assert json.loads(socket.recv(timeout=HANG_S))["type"] == "Begin"
            send(socket, speech(0, 1, 2))
            sockets.append(socket)
            wait_until(lambda: received_ms(server) == len(sockets) * len(speech(0, 1, 2)) / 16)
        for socket in sockets:
            socket.send(END[V3])
        streams = [connection._served.stream for connection in server._server.service.connections]
        # Until the detector has seen everything, a partial may wait for its pass instead of the final.
        wait_until(lambda: all(stream.state is not SessionState.OPEN for stream in streams))
        wait_until(lambda: all(stream.backlog_ms == 0 for stream in streams))
        gate.set()
        for socket in sockets:
            messages, code = rest(socket)
            assert (messages[-1]["type"], code) == ("Termination", 1000)
    batches = [finals for call in recogniser.calls if (finals := [span for span in call if span.exact])]
    assert sum(map(len, batches)) == len(sockets)
    assert len(batches) < len(sockets) / 2
