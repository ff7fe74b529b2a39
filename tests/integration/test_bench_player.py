"""The streaming client of the measurements, against a scripted server."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import http
import json
import re
import socket
import threading
import time
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest
import soundfile
from benchmarks import promptness
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

from support import virtual_time
from support.time_limit import HANG_S
from vivavoce.bench import player
from vivavoce.bench.audio import chunks, render
from vivavoce.bench.client_dialects import TurnSilence, V2Client, V3Client, session_url
from vivavoce.bench.player import PlayOptions, effective_speed, play, play_all
from vivavoce.bench.records import Clip, Placed, Script, SilenceRule
from vivavoce.cli.app import run as run_cli
from vivavoce.errors import ConfigurationError
from vivavoce.protocol.dialects import DIALECTS
from vivavoce.protocol.events import (
    Audio,
    Configure,
    SessionBegan,
    SessionEnded,
    SessionFailed,
    Terminate,
    TurnUpdated,
)  # fmt: skip
from vivavoce.types import Failure, Word

RATE = 16_000
SECOND = np.zeros(RATE, dtype=np.int16)
PROTOCOLS = pytest.mark.parametrize("protocol", ["v2", "v3"])


def turn(order, text, *, ended=False):
    words = tuple(
        Word(word, 500 + 200 * i, 700 + 200 * i, 0.9, is_final=ended) for i, word in enumerate(text.split())
    )
    return TurnUpdated(order, 0, 1000, words, ended, formatted=ended, end_of_turn_confidence=0.9 * ended)


SAYS = (
    (0.4, turn(0, "")),
    (0.6, turn(0, "the")),
    (0.8, turn(0, "the black")),
    (2.0, turn(0, "The black cat.", ended=True)),
    (99.0, turn(1, "Bye.", ended=True)),  # only at the end of the session
)


class ScriptedServer:
    """Speaks both dialects; sends each event once that much audio, in seconds, has come in."""

    def __init__(self, says=SAYS, *, key=None, fail_after_s=None, drop_after_s=None):
        self.says = says
        self.key = key
        self.fail_after_s = fail_after_s
        self.drop_after_s = drop_after_s
        self.sessions = []
        self.open = set()
        self.most_open = 0
        self._lock = threading.Lock()
        self._server = serve(self._handle, "127.0.0.1", 0, process_request=self._check)
        self._thread = threading.Thread(target=self._server.serve_forever)
        host, port = self._server.socket.getsockname()
        self.url = f"ws://{host}:{port}"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()

    def _check(self, websocket, request):
        if self.key is not None and request.headers.get("Authorization") != self.key:
            return websocket.respond(http.HTTPStatus.UNAUTHORIZED, "no\n")
        return None

    def _handle(self, websocket):
        parts = urlsplit(websocket.request.path)
        dialect = DIALECTS[parts.path].open(parse_qsl(parts.query))
        seen = {"query": dict(parse_qsl(parts.query)), "sizes": [], "times": [], "others": []}
        with self._lock:
            self.sessions.append(seen)
            self.open.add(websocket)
            self.most_open = max(self.most_open, len(self.open))
        try:
            self._converse(websocket, dialect, seen)
        except ConnectionClosed:
            pass
        finally:
            self._end(websocket)

    def _end(self, websocket):
        with self._lock:
            self.open.discard(websocket)

    def _converse(self, websocket, dialect, seen):
        def tell(event):
            for frame in dialect.encode(event, 0.0):
                websocket.send(frame)

        tell(SessionBegan("f14499a6-c399-4c30-b1eb-0a33af64b1d9", 2e9))
        waiting = list(self.says)
        received_s = 0.0
        for raw in websocket:
            for command in dialect.decode(raw):
                match command:
                    case Audio(data=data):
                        seen["sizes"].append(len(data))
                        seen["times"].append(time.monotonic())
                        received_s += len(data) / 2 / dialect.options.sample_rate
                    case Terminate():
                        self._end(websocket)  # the client opens the next session once it is told
                        for _, event in waiting:
                            tell(event)
                        tell(SessionEnded(round(received_s * 1000), 1))
                        return
                    case other:
                        seen["others"].append(other)
            while waiting and received_s >= waiting[0][0] - 1e-6:
                tell(waiting.pop(0)[1])
            if self.drop_after_s is not None and received_s > self.drop_after_s:
                websocket.close(1011, "gone")
                return
            if self.fail_after_s is not None and received_s > self.fail_after_s:
                closing = dialect.closing(SessionFailed(Failure.INTERNAL, "boom"))
                for frame in closing.frames:
                    websocket.send(frame)
                websocket.close(closing.code, closing.reason)
                return


class MemoryWebsocket:
    """A client's connection to a server that speaks as soon as it can; for virtual time."""

    def __init__(self, protocol, *, mute=False):
        self.times = []  # when audio is sent, in seconds after the connection is open
        self.protocol = protocol
        path = {"v2": V2Client, "v3": V3Client}[protocol].path
        self._dialect = DIALECTS[path].open([("sample_rate", str(RATE))])
        self._waiting = list(SAYS)
        self._received_s = 0.0
        self._messages = asyncio.Queue()
        if not mute:
            self._say(SessionBegan("f14499a6-c399-4c30-b1eb-0a33af64b1d9", 2e9))

    def _say(self, event):
        for frame in self._dialect.encode(event, 0.0):
            self._messages.put_nowait(frame)

    async def send(self, raw):
        for command in self._dialect.decode(raw):
            if isinstance(command, Audio):
                self.times.append(asyncio.get_running_loop().time())
                self._received_s += len(command.data) / 2 / RATE
            if isinstance(command, Terminate):
                self._say(SessionEnded(round(self._received_s * 1000), 1))
        while self._waiting and self._received_s >= self._waiting[0][0] - 1e-6:
            self._say(self._waiting.pop(0)[1])

    async def __aiter__(self):
        while True:
            yield await self._messages.get()


def run_in_memory(websocket, monkeypatch, **options):
    """Play a second of audio to a server in memory, under virtual time."""

    @contextlib.asynccontextmanager
    async def connect(url, **_):
        yield websocket

    monkeypatch.setattr(player, "connect", connect)
    options = PlayOptions(url="ws://memory", protocol=websocket.protocol, **options)
    return virtual_time.run(play(SECOND, RATE, options))


def bench(arguments):
    return run_cli(["bench", *arguments])


def run(server, protocol, pcm=SECOND, **options):
    options = PlayOptions(
        url=server.url, protocol=protocol, **{"speed": 20.0, "timeout_s": HANG_S, **options}
    )
    return asyncio.run(play(pcm, RATE, options))


@PROTOCOLS
class TestOneSession:
    def test_messages_are_neutral(self, protocol):
        with ScriptedServer() as server:
            trace = run(server, protocol)
        assert trace.error is None
        shown = [
            (message.turn, " ".join(word.text for word in message.words), message.ended)
            for message in trace.messages
        ]
        assert shown == [
            (0, "", False),
            (0, "the", False),
            (0, "the black", False),
            (0, "The black cat.", True),
            (1, "Bye.", True),
        ]
        last = trace.messages[-2]
        assert [(word.start_ms, word.end_ms, word.is_final) for word in last.words] == [
            (500, 700, True), (700, 900, True), (900, 1100, True),
        ]  # fmt: skip
        assert not any(word.is_final for word in trace.messages[2].words)
        assert last.end_confidence == (0.9 if protocol == "v3" else None)

    def test_audio_is_all_sent_with_silence_after_it(self, protocol):
        with ScriptedServer() as server:
            trace = run(server, protocol)
        (seen,) = server.sessions
        assert set(seen["sizes"]) == {1600 if protocol == "v3" else 3200}
        assert sum(seen["sizes"]) == 2 * 2.5 * RATE
        assert trace.sent_s == pytest.approx(2.5)
        assert seen["query"]["sample_rate"] == "16000"

    def test_paced_without_drift(self, protocol, monkeypatch):
        websocket = MemoryWebsocket(protocol)
        trace = run_in_memory(websocket, monkeypatch, speed=10.0)
        # 2.5 s at tenfold speed; each chunk is sent when it would have been spoken.
        chunk_s = (0.05 if protocol == "v3" else 0.1) / 10
        assert websocket.times == pytest.approx([chunk_s * n for n in range(1, round(0.25 / chunk_s) + 1)])
        assert trace.terminated_s == pytest.approx(0.25)
        assert trace.lag_s == 0
        # "the" is answered to 0.6 s of audio, which are there after 0.06 s.
        assert trace.messages[1].arrival_s == pytest.approx(0.06)

    def test_what_is_sent_over_a_socket_is_sent_no_earlier(self, protocol):
        with ScriptedServer() as server:
            trace = run(server, protocol, speed=10.0)
        chunk_s = (0.05 if protocol == "v3" else 0.1) / 10
        times = server.sessions[0]["times"]
        assert len(times) == round(0.25 / chunk_s)
        assert all(at >= trace.begun_s + chunk_s * n - 1e-3 for n, at in enumerate(times, 1))
        assert trace.terminated_s >= 0.25 - 1e-3

    def test_key(self, protocol):
        with ScriptedServer(key="secret") as server:
            assert run(server, protocol, key="secret").error is None
            assert "401" in run(server, protocol).error

    def test_lost_connection(self, protocol):
        with ScriptedServer(drop_after_s=0.7) as server:
            trace = run(server, protocol)
        assert "1011" in trace.error
        assert trace.terminated_s is None or trace.sent_s <= 2.5
        assert trace.messages[1].words[0].text == "the"

    def test_error_of_the_server(self, protocol):
        with ScriptedServer(fail_after_s=0.7) as server:
            assert "boom" in run(server, protocol).error

    def test_a_session_that_does_not_begin(self, protocol, monkeypatch):
        websocket = MemoryWebsocket(protocol, mute=True)
        trace = run_in_memory(websocket, monkeypatch, timeout_s=5.0)
        assert "beginning did not come within 5 s" in trace.error

    def test_no_server(self, protocol):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            url = f"ws://127.0.0.1:{unused.getsockname()[1]}"
            trace = asyncio.run(play(SECOND, RATE, PlayOptions(url=url, protocol=protocol)))
        assert trace.error.startswith("cannot connect")


def test_silence_is_requested_in_the_way_of_each_protocol():
    silence = TurnSilence(min_ms=200, max_ms=900, threshold=0.5)
    with ScriptedServer() as server:
        run(server, "v3", silence=silence)
        run(server, "v2", silence=silence)
    v3, v2 = server.sessions
    assert v3["query"] == {
        "sample_rate": "16000", "format_turns": "True", "min_turn_silence": "200",
        "max_turn_silence": "900", "end_of_turn_confidence_threshold": "0.5",
    }  # fmt: skip
    assert v2["others"] == [Configure(min_silence_ms=900, max_silence_ms=900)]


def test_silences_in_force():
    assert V3Client(TurnSilence()).rule() == SilenceRule(400, 1280, 0.4)
    assert V3Client(TurnSilence(200, 900, 0.5)).rule() == SilenceRule(200, 900, 0.5)
    assert V2Client(TurnSilence()).rule() == SilenceRule(700, 700)
    assert V2Client(TurnSilence(max_ms=300)).rule() == SilenceRule(300, 300)


def test_addresses():
    dialect = V2Client(TurnSilence())
    assert session_url("http://h:1", dialect, 8000) == "ws://h:1/v2/realtime/ws?sample_rate=8000"
    assert session_url("wss://h/own?a=b", dialect, 8000) == "wss://h/own?a=b&sample_rate=8000"
    with pytest.raises(ConfigurationError, match="localhost"):
        session_url("localhost:8765", dialect, 8000)


def test_chunks_are_whole():
    pieces = list(chunks(np.ones(1000, dtype=np.int16), RATE, 50, 0.1))
    assert [len(piece) for piece in pieces] == [1600] * 4
    assert np.frombuffer(b"".join(pieces), dtype="<i2").sum() == 1000


def test_long_sessions_stay_within_the_lead():
    assert effective_speed(20, 10) == 20
    assert effective_speed(20, 100) == 2
    assert effective_speed(1, 100) == 1


@pytest.fixture
def folder(tmp_path):
    entries = []
    for name in "abc":
        soundfile.write(tmp_path / f"{name}.flac", SECOND + 1, RATE)
        words = [
            {"text": text, "start": 0.5 + 0.2 * i, "end": 0.7 + 0.2 * i}
            for i, text in enumerate(["the", "black", "cat"])
        ]
        entries.append({
            "id": name, "audio": f"{name}.flac", "text": "the black cat", "kind": "read",
            "duration_s": 1.0, "sample_rate": RATE, "words": words,
        })  # fmt: skip
    (tmp_path / "manifest.jsonl").write_text("\n".join(map(json.dumps, entries)))
    return tmp_path


def test_recordings_are_laid_where_they_belong(folder):
    clip = Clip("a", "read", folder / "a.flac", "the", 1.0, RATE)
    pcm = render(Script((Placed(clip, 0.0), Placed(clip, 2.2)), RATE, 3.2))
    assert len(pcm) == 3.2 * RATE
    assert pcm[:RATE].all()
    assert not pcm[RATE : round(2.2 * RATE)].any()
    assert pcm[round(2.2 * RATE) :].all()


def test_number_of_concurrent_streams(folder):
    clip = Clip("a", "read", folder / "a.flac", "the", 1.0, RATE)
    sessions = [Script((Placed(clip, 0.0),), RATE, 1.0)] * 5
    ended = []
    with ScriptedServer() as server:
        options = PlayOptions(url=server.url, speed=8.0, timeout_s=HANG_S)
        traces = asyncio.run(
            play_all(sessions, 2, options, on_done=lambda script, trace: ended.append(trace))
        )
    assert len(server.sessions) == len(ended) == 5
    assert server.most_open == 2
    assert [trace.error for trace in traces] == [None] * 5


@PROTOCOLS
def test_command(folder, capsys, protocol):
    with ScriptedServer(SAYS[:-1]) as server:
        out, traces = folder / "out.json", folder / "traces.jsonl"
        code = bench([
            str(folder), "--url", server.url, "--protocol", protocol, "--speed", "20", "--streams", "3",
            "--json", str(out), "--traces", str(traces), "--quiet",
        ])  # fmt: skip
    assert code == 0
    report = json.loads(out.read_text())
    overall = report["overall"]
    assert (overall["sessions"], overall["dropped"], overall["wer_percent"]) == (3, 0, 0)
    assert overall["emission_s"] is None  # faster than speech: says nothing
    assert overall["word_start_error_s"]["p95"] == pytest.approx(0, abs=1e-9)
    assert (report["streams"], report["protocol"], report["load"]) == (3, protocol, "short")
    assert report["chunk_ms"] == (50 if protocol == "v3" else 100)
    assert len(traces.read_text().splitlines()) == 3
    assert "WER" in capsys.readouterr().out


@PROTOCOLS
def test_promptness(folder, capsys, monkeypatch, protocol):
    monkeypatch.setattr(promptness, "OPEN_WITHIN_S", 30.0)  # this machine may have other things to do
    monkeypatch.setattr(promptness, "CLOSE_WITHIN_S", 30.0)
    monkeypatch.setattr(promptness, "PlayOptions", functools.partial(PlayOptions, stagger_s=0.01))
    with ScriptedServer() as server:
        arguments = [str(folder), "--url", server.url, "--protocol", protocol, "--streams", "2"]
        assert promptness.main([*arguments, "--sessions", "4"]) == 0
    said = capsys.readouterr().out
    for name in ("to the beginning", "to the last final", "to the end"):
        assert re.search(rf"{name} .* 4 .*\d\.\d+", said), said
    assert server.most_open == 3


def test_promptness_of_a_slow_server_is_a_failure(folder, capsys, monkeypatch):
    monkeypatch.setattr(promptness, "OPEN_WITHIN_S", 0.0)
    with ScriptedServer() as server:
        assert promptness.main([str(folder), "--url", server.url, "--sessions", "1"]) == 1
    with ScriptedServer(key="none") as server:
        assert promptness.main([str(folder), "--url", server.url, "--sessions", "1"]) == 1
    assert "dropped: " in capsys.readouterr().err


def test_command_without_a_server(folder, capsys):
    assert bench([str(folder), "--url", "ws://127.0.0.1:1", "--quiet"]) == 1
    assert "cannot connect" in capsys.readouterr().err


def test_command_when_a_session_is_dropped(folder, capsys):
    with ScriptedServer(drop_after_s=0.7) as server:
        assert bench([str(folder), "--url", server.url, "--speed", "20", "--quiet"]) == 1
    assert "every session failed" in capsys.readouterr().err


def test_offline(folder):
    from vivavoce.asr.models import BatchAtOnce, Hypothesis, HypothesisWord
    from vivavoce.bench.audio import to_model_rate
    from vivavoce.bench.offline import offline_errors, offline_hypotheses

    class Parrot:
        def open_batch(self):
            return BatchAtOnce(self.recognise)

        def recognise(self, spans):
            assert all(span.samples.dtype == np.float32 for span in spans)
            words = tuple(HypothesisWord(text, 0, 0, 1, 1) for text in ("The", "black", "cap."))
            return [Hypothesis((), words) for _ in spans]

    clips = [Clip("a", "read", folder / "a.flac", "the black cat", 1.0, RATE)]
    texts = offline_hypotheses(Parrot(), clips)
    assert texts == {"a": "The black cap."}
    assert offline_errors(clips, texts) == (1, 3)
    pytest.importorskip("soxr")
    assert to_model_rate(np.zeros(8000, dtype=np.int16), 8000).shape == (16_000,)


def test_our_own_server_that_does_not_start_says_why(folder, capsys):
    assert bench([str(folder), "--server-arg=--no-such-option", "--quiet"]) == 1
    assert "no-such-option" in capsys.readouterr().err
