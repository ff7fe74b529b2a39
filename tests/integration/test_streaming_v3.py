"""The v3 client under the vendor's names, and the short surface, against a scripted server."""

import asyncio
import inspect
import json
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

import vivavoce
from support.scripted_engine import pcm, silence, speech
from support.scripted_server import Close, Drop, Expect, ExpectAudio, Listen, Refuse, ScriptedServer, Send
from support.servers import scripted_server
from vivavoce.streaming.v3 import (
    AsyncChannelStreamer,
    AsyncStreamingClient,
    ChannelAttributionOptions,
    ChannelStreamer,
    RealTimeEvents,
    StreamingClient,
    StreamingClientOptions,
    StreamingError,
    StreamingEvents,
    StreamingParameters,
    StreamingSessionParameters,
    TurnEvent,
)

RATE = 16_000
CHUNK = bytes(3_200)  # 100 ms
ROOT = Path(__file__).parents[2]
PARAMS = StreamingParameters(sample_rate=RATE)

BEGIN = Send({"type": "Begin", "id": "b", "expires_at": 1_900_000_000})
TERMINATION = Send({"type": "Termination", "audio_duration_seconds": 1, "session_duration_seconds": 1})


def turn(text, order=0, *, ended=False):
    words = [
        {"start": 100 * i, "end": 100 * i + 90, "confidence": 0.9, "text": word, "word_is_final": ended}
        for i, word in enumerate(text.split())
    ]
    return Send(
        {
            "turn_order": order, "turn_is_formatted": ended, "end_of_turn": ended, "transcript": text,
            "end_of_turn_confidence": 0.8, "words": words, "utterance": "", "type": "Turn",
        }
    )  # fmt: skip


UNTIL_TERMINATE = Expect("type")
GOOD_END = (UNTIL_TERMINATE, turn("Good bye.", 1, ended=True), TERMINATION, Close())


@pytest.fixture(autouse=True)
def limit():
    """No test here may take longer than this, whatever hangs."""

    def expire(*_):
        raise TimeoutError("the test took too long")

    before = signal.signal(signal.SIGALRM, expire)
    signal.alarm(40)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    for name in ("API_KEY", "BASE_URL"):
        for prefix in ("VIVAVOCE_", "ASSEMBLYAI_"):
            monkeypatch.delenv(prefix + name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=["sync", "async"])
def colour(request):
    """Both clients by the same tests: the asynchronous one is driven from here, a call at a time."""
    if request.param == "sync":
        yield StreamingClient
        return
    with asyncio.Runner() as runner:

        class Driven:
            def __init__(self, *arguments, **named):
                self.inner = AsyncStreamingClient(*arguments, **named)

            def __getattr__(self, name):
                method = getattr(self.inner, name)
                if not inspect.iscoroutinefunction(method):
                    return method
                return lambda *arguments, **named: runner.run(method(*arguments, **named))

        yield Driven


class Heard:
    """A client and all that its handlers were given."""

    def __init__(self, colour, server, *, then=None, **options):
        self.events = []
        self.client = colour(StreamingClientOptions(api_host=server.url, **options))
        for event in StreamingEvents:
            self.client.on(event, self._handler(event, (then or {}).get(event.name)))

    def _handler(self, event, then):
        def handler(client, given):
            self.events.append((event.name, given))
            if then is not None:
                return then(client, given)
            return None

        return handler

    @property
    def names(self):
        return [name for name, _ in self.events]

    def given(self, name):
        return [event for kind, event in self.events if kind == name]


def stream_on(client):
    for _ in range(2_000):
        client.stream(CHUNK)
        time.sleep(0.001)


def took_less(seconds, function, *arguments, **named):
    began = time.monotonic()
    function(*arguments, **named)
    assert time.monotonic() - began < seconds


# --- a good session --------------------------------------------------------------------------


def test_a_whole_session(colour):
    script = [BEGIN, ExpectAudio(2 * len(CHUNK)), turn("good"), *GOOD_END]
    with ScriptedServer(script) as server:
        heard = Heard(colour, server, api_key="k")
        heard.client.connect(
            StreamingParameters(sample_rate=RATE, format_turns=True, keyterms_prompt=["a b"])
        )
        heard.client.stream([CHUNK, bytearray(CHUNK)])
        took_less(3, heard.client.disconnect, terminate=True)
        heard.client.disconnect(terminate=True)
        assert heard.names == ["Begin", "Turn", "Turn", "Termination", "Closed"]
        assert (heard.given("Closed")[0].code, heard.given("Closed")[0].reason) == (1000, "")
        with pytest.raises(StreamingError, match="closed"):
            heard.client.stream(CHUNK)
    (seen,) = server.seen
    url = urlsplit(seen.path)
    assert url.path == "/v3/ws"
    assert parse_qs(url.query) == {
        "sample_rate": ["16000"],
        "format_turns": ["true"],
        "keyterms_prompt": ['["a b"]'],
    }
    assert seen.headers["authorization"] == "k"
    assert seen.headers["assemblyai-version"] == "2025-05-12"
    assert seen.audio == CHUNK + CHUNK
    assert all(1_600 <= len(chunk) <= 32_000 for chunk in seen.chunks)
    assert seen.texts == [{"type": "Terminate"}]


def test_twenty_thousand_chunks_and_an_immediate_end_all_arrive(colour):
    pieces = [index.to_bytes(2, "little") * 800 for index in range(20_000)]  # 50 ms each
    script = [BEGIN, ExpectAudio(20_000 * 1_600), UNTIL_TERMINATE, TERMINATION, Close()]
    with ScriptedServer(script) as server:
        heard = Heard(colour, server)
        heard.client.connect(PARAMS)
        heard.client.stream(pieces)
        heard.client.disconnect(terminate=True)
        assert heard.names == ["Begin", "Termination", "Closed"]
    assert server.seen[0].audio == b"".join(pieces)


def test_messages_of_the_client_arrive_in_order(colour):
    with ScriptedServer([BEGIN, ExpectAudio(2 * len(CHUNK)), *GOOD_END[1:]]) as server:
        heard = Heard(colour, server)
        heard.client.connect(PARAMS)
        heard.client.stream(CHUNK)
        heard.client.set_params(StreamingSessionParameters(max_turn_silence=900, format_turns=False))
        heard.client.force_endpoint()
        heard.client.keep_alive()
        heard.client.set_params(StreamingSessionParameters())
        heard.client.stream(CHUNK)
        heard.client.disconnect(terminate=True)
    assert server.seen[0].texts[:3] == [
        {"max_turn_silence": 900, "format_turns": False, "type": "UpdateConfiguration"},
        {"type": "ForceEndpoint"},
        {"type": "KeepAlive"},
    ]


def test_a_client_can_be_connected_again_but_not_twice_at_once(colour):
    with ScriptedServer([BEGIN, *GOOD_END], [BEGIN, *GOOD_END]) as server:
        heard = Heard(colour, server)
        heard.client.connect(PARAMS)
        with pytest.raises(StreamingError, match="open already"):
            heard.client.connect(PARAMS)
        heard.client.disconnect(terminate=True)
        heard.client.connect(PARAMS)
        heard.client.disconnect(terminate=True)
    assert heard.names.count("Closed") == 2


def test_disconnecting_without_terminating_does_not_wait(colour):
    with ScriptedServer([BEGIN, Listen()]) as server:
        heard = Heard(colour, server)
        heard.client.connect(PARAMS)
        took_less(3, heard.client.disconnect)
        assert heard.names == ["Begin", "Closed"]


# --- where the server is ---------------------------------------------------------------------


@pytest.mark.parametrize("host", [None, "streaming.assemblyai.com"])
def test_the_configured_server_is_used_where_no_other_is_named(colour, monkeypatch, host):
    with ScriptedServer([BEGIN, *GOOD_END]) as server:
        monkeypatch.setenv("VIVAVOCE_BASE_URL", server.url)
        monkeypatch.setenv("VIVAVOCE_API_KEY", "from the environment")
        client = colour(StreamingClientOptions(api_host=host))
        client.connect(PARAMS)
        client.disconnect(terminate=True)
    assert server.seen[0].headers["authorization"] == "from the environment"


@pytest.mark.parametrize(
    ("host", "configured", "url"),
    [
        ("streaming.assemblyai.com", None, "wss://streaming.assemblyai.com"),
        ("streaming.eu.assemblyai.com", "ws://127.0.0.1:1", "wss://streaming.eu.assemblyai.com"),
        (None, "https://api.assemblyai.com", "wss://streaming.assemblyai.com"),
        (None, "https://api.eu.assemblyai.com", "wss://streaming.eu.assemblyai.com"),
        (None, None, "ws://127.0.0.1:8765"),
        ("localhost:8443", None, "wss://localhost:8443"),
        ("ws://localhost:8080", "ws://127.0.0.1:1", "ws://localhost:8080"),
    ],
)
def test_which_server_is_meant(monkeypatch, host, configured, url):
    from vivavoce.streaming.v3.base import server_url

    if configured:
        monkeypatch.setenv("ASSEMBLYAI_BASE_URL", configured)
    assert server_url(StreamingClientOptions(api_host=host)) == url


def test_a_token_goes_before_the_key(colour):
    with ScriptedServer([BEGIN, *GOOD_END]) as server:
        client = colour(StreamingClientOptions(api_host=server.url, token="t"), api_key="k")
        client.connect(PARAMS)
        client.disconnect(terminate=True)
    assert server.seen[0].headers["authorization"] == "t"


def test_a_temporary_token_opens_a_session(colour):
    with scripted_server(api_keys=("secret",)) as server:
        client = colour(StreamingClientOptions(api_host=server.base_url, api_key="secret"))
        token = client.create_temporary_token(expires_in_seconds=60, max_session_duration_seconds=600)
        other = colour(StreamingClientOptions(api_host=server.base_url, token=token))
        other.connect(PARAMS)
        other.disconnect(terminate=True)
        with pytest.raises(vivavoce.RefusedError):
            colour(StreamingClientOptions(api_host=server.base_url, token=token)).connect(PARAMS)
        with pytest.raises(vivavoce.RefusedError):
            colour(StreamingClientOptions(api_host=server.base_url, api_key="x")).create_temporary_token(60)
        with pytest.raises(vivavoce.ConfigurationError, match="expires_in_seconds"):
            client.create_temporary_token(0)


# --- what goes wrong -------------------------------------------------------------------------


def test_nobody_there_raises_after_the_retries(colour):
    client = colour(
        StreamingClientOptions(
            api_host="ws://127.0.0.1:1", max_connection_retries=2, connection_retry_delay=0.1
        )
    )
    began = time.monotonic()
    with pytest.raises(vivavoce.ConnectError, match="vivavoce serve"):
        client.connect(PARAMS)
    assert 0.2 <= time.monotonic() - began < 3
    client.disconnect(terminate=True)


def test_a_refusal_raises_at_once(colour):
    with ScriptedServer([Refuse(401, '{"error": "no such key"}')]) as server:
        with pytest.raises(vivavoce.RefusedError, match="no such key") as caught:
            colour(StreamingClientOptions(api_host=server.url)).connect(PARAMS)
        assert caught.value.code == 401
    assert len(server.seen) == 1


def test_streaming_before_connecting_raises(colour):
    client = colour(StreamingClientOptions())
    for call in (lambda: client.stream(CHUNK), client.force_endpoint, client.keep_alive):
        with pytest.raises(StreamingError, match=r"connect\(\) first"):
            call()


def test_an_error_is_told_once_and_streaming_raises_it(colour):
    error = Send({"type": "Error", "error_code": 3007, "error": "25.0 ms"})
    with ScriptedServer(
        [BEGIN, ExpectAudio(1), error, Close(3007, "See Error message for details")]
    ) as server:
        heard = Heard(colour, server)
        heard.client.connect(PARAMS)
        with pytest.raises(StreamingError, match=r"25\.0 ms") as caught:
            stream_on(heard.client)
        assert caught.value.code == 3007
        heard.client.disconnect(terminate=True)
        heard.client.disconnect()
        assert heard.names == ["Begin", "Error", "Closed"]
        assert heard.given("Error") == [caught.value]


def test_a_lost_connection_is_told_once(colour):
    with ScriptedServer([BEGIN, ExpectAudio(1), Drop()]) as server:
        heard = Heard(colour, server)
        heard.client.connect(PARAMS)
        heard.client.stream(CHUNK)
        heard.client.disconnect(terminate=True)
        assert heard.names == ["Begin", "Error", "Closed"]
        assert heard.given("Closed")[0].code == 1006


def test_a_server_that_never_ends_is_given_up(colour):
    with ScriptedServer([BEGIN, Listen()]) as server:
        heard = Heard(colour, server, terminate_timeout=0.5)
        heard.client.connect(PARAMS)
        took_less(4, heard.client.disconnect, terminate=True)
        assert heard.names == ["Begin", "Error", "Closed"]
        assert "within 0.5 s" in str(heard.given("Error")[0])


def test_a_lost_connection_is_made_again_where_that_is_asked_for(colour):
    with ScriptedServer(
        [BEGIN, ExpectAudio(3_200), Drop()], [BEGIN, ExpectAudio(3_200), *GOOD_END]
    ) as server:
        heard = Heard(colour, server, reconnect=vivavoce.Reconnect())
        heard.client.connect(PARAMS)
        heard.client.stream(CHUNK)
        heard.client.disconnect(terminate=True)
        assert heard.names == ["Begin", "Reconnecting", "Reconnected", "Turn", "Termination", "Closed"]
    assert [seen.audio for seen in server.seen] == [CHUNK, CHUNK]


def test_an_exception_in_a_handler_surfaces_once(colour):
    def fail(*_):
        raise KeyError("oh")

    with ScriptedServer([BEGIN, ExpectAudio(1), turn("good"), *GOOD_END]) as server:
        heard = Heard(colour, server, then={"Turn": fail})
        heard.client.connect(PARAMS)
        heard.client.stream(CHUNK)
        with pytest.raises(StreamingError, match="handler for Turn raised KeyError: 'oh'") as caught:
            heard.client.disconnect(terminate=True)
        assert isinstance(caught.value.__cause__, KeyError)
        heard.client.disconnect(terminate=True)
        assert heard.names == ["Begin", "Turn", "Turn", "Termination", "Closed"]


def test_a_session_can_be_ended_in_a_handler(colour):
    with ScriptedServer([BEGIN, ExpectAudio(1), turn("stop"), *GOOD_END]) as server:
        heard = Heard(colour, server)
        heard.client.on(RealTimeEvents.Turn, lambda client, _: client.disconnect(terminate=True))
        heard.client.connect(PARAMS)

        def endless():
            while True:
                time.sleep(0.01)
                yield CHUNK

        async def endless_async():
            while True:
                await asyncio.sleep(0.01)
                yield CHUNK

        took_less(5, heard.client.stream, endless() if colour is StreamingClient else endless_async())
        heard.client.disconnect(terminate=True)
        assert heard.names == ["Begin", "Turn", "Turn", "Termination", "Closed"]


def test_what_is_no_handler_or_event_is_refused(colour):
    client = colour()
    with pytest.raises(vivavoce.ConfigurationError, match="callable"):
        client.on(StreamingEvents.Turn, None)
    with pytest.raises(vivavoce.ConfigurationError, match="event must be one of"):
        client.on("Turm", print)
    client.on("Turn", print)


def test_a_program_that_forgets_to_disconnect_still_ends():
    code = """
        import sys
        from vivavoce.streaming.v3 import *
        client = StreamingClient(StreamingClientOptions(api_host=sys.argv[1]))
        client.connect(StreamingParameters(sample_rate=16000))
        client.stream(bytes(3200))
        print("done")
    """
    with ScriptedServer([BEGIN, Listen()]) as server:
        out = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code), server.url],
            capture_output=True, text=True, timeout=20, check=True,
        )  # fmt: skip
    assert out.stdout == "done\n"
    assert out.stderr == ""


# --- channels --------------------------------------------------------------------------------


class Recorder:
    """Stands for a client: keeps what is streamed to it."""

    def __init__(self):
        self.sent, self.handlers = [], {}

    def on(self, event, handler):
        self.handlers[event] = handler

    def stream(self, data):
        self.sent.append(data)


class AsyncRecorder(Recorder):
    async def stream(self, data):
        self.sent.append(data)


def tone(milliseconds, level):
    return np.full(RATE * milliseconds // 1000, level, np.int16)


def spoken_turn():
    words = [("one", 100, 300), ("both", 400, 500), ("two", 600, 900)]
    return TurnEvent(
        turn_order=0,
        end_of_turn=True,
        transcript="one both two",
        words=[
            vivavoce.Word(text=text, start=start, end=end, confidence=0.9, speaker="A")
            for text, start, end in words
        ],
    )


MIC = np.concatenate([tone(380, 8_000), tone(140, 4_000), tone(480, 0)])
SYSTEM = np.concatenate([tone(380, 0), tone(140, 4_000), tone(480, 8_000)])


@pytest.mark.parametrize(
    ("method", "middle"), [("none", "unknown"), ("window", "unknown"), ("speaker-history", "unknown")]
)
def test_words_are_attributed_to_the_louder_channel(method, middle):
    client, turns, frames = Recorder(), [], []
    options = ChannelAttributionOptions(resolve_unknown_channels_method=method)
    streamer = ChannelStreamer(client, ["mic", "system"], RATE, options, frames.append)
    streamer.on(RealTimeEvents.Turn, lambda _, event: turns.append(event))
    streamer.stream("mic", MIC)
    assert client.sent == [], "channels wait for each other"
    streamer.stream("system", [SYSTEM.tobytes()[:7_001], SYSTEM.tobytes()[7_001:]])
    streamer.flush()
    mixed = np.frombuffer(b"".join(client.sent), "<i2")
    assert mixed.tolist() == ((MIC.astype(int) + SYSTEM) / 2).round().astype(int).tolist()
    assert all(len(piece) <= 6_400 for piece in client.sent)
    assert {frame.channel for frame in frames} == {"mic", "system"}
    client.handlers[RealTimeEvents.Turn](client, spoken_turn())
    assert [word.channel for word in turns[0].words] == ["mic", middle, "system"]
    assert turns[0].channel == "system", "most of the time"
    assert turns[0].transcript == "one both two"


def test_unknown_words_follow_their_neighbours():
    client, turns = Recorder(), []
    streamer = ChannelStreamer(client, ["mic", "system"], RATE)
    streamer.on(RealTimeEvents.Turn, lambda _, event: turns.append(event))
    streamer.stream("mic", np.concatenate([MIC[: RATE * 520 // 1000], tone(480, 8_000)]))
    streamer.stream("system", np.concatenate([SYSTEM[: RATE * 520 // 1000], tone(480, 0)]))
    client.handlers[RealTimeEvents.Turn](client, spoken_turn())
    assert [(word.channel, word.channel_resolved) for word in turns[0].words] == [
        ("mic", None), ("mic", True), ("mic", None)
    ]  # fmt: skip


def test_a_channel_that_ends_does_not_hold_up_the_others():
    async def talk():
        client = AsyncRecorder()
        streamer = AsyncChannelStreamer(client, ["mic", "system"], RATE)
        await streamer.stream("mic", MIC)
        assert client.sent == []
        await streamer.close_channel("system")
        await streamer.flush()
        return np.frombuffer(b"".join(client.sent), "<i2")

    assert asyncio.run(talk()).tolist() == (MIC / 2).round().astype(int).tolist()


@pytest.mark.parametrize("names", [["one"], ["a", "a"], ["a", ""]])
def test_channels_have_names_of_their_own(names):
    with pytest.raises(vivavoce.ConfigurationError, match="different names"):
        ChannelStreamer(Recorder(), names, RATE)
    with pytest.raises(vivavoce.ConfigurationError, match="channel must be one of"):
        ChannelStreamer(Recorder(), ["a", "b"], RATE).stream("c", CHUNK)
    with pytest.raises(vivavoce.ConfigurationError, match="speaker-history"):
        ChannelAttributionOptions(resolve_unknown_channels_method="guess")


# --- the short surface -----------------------------------------------------------------------

SOUND = np.concatenate([silence(6), speech(0, 1), silence(45), speech(3, 4), silence(45)])
SAID = ["Alpha bravo.", "delta echo?"]


@pytest.fixture(scope="module")
def engine():
    with scripted_server(max_lead_s=None) as server:
        yield server


def finals(turns):
    return [turn.text for turn in turns if turn.end_of_turn]


@pytest.mark.parametrize(
    "source",
    [
        pcm(SOUND),
        bytearray(pcm(SOUND)),
        memoryview(pcm(SOUND)),
        SOUND,
        SOUND.astype(float),
        (SOUND * 32_767).astype(np.int16),
        [SOUND[at : at + 37] for at in range(0, len(SOUND), 37)],
        [pcm(SOUND)[at : at + 1_001] for at in range(0, 2 * len(SOUND), 1_001)],
    ],
    ids=["bytes", "bytearray", "memoryview", "float32", "float64", "int16", "2 ms", "odd bytes"],
)
def test_any_kind_of_audio_gives_the_same_turns(engine, source):
    with vivavoce.connect(url=engine.base_url) as session:
        assert finals(session.transcribe(source)) == SAID

    async def talk():
        async with vivavoce.connect_async(url=engine.base_url) as session:
            return [turn async for turn in session.transcribe(source)]

    assert finals(asyncio.run(talk())) == SAID


def test_an_asynchronous_source(engine):
    async def source():
        for at in range(0, len(SOUND), 1_600):
            yield SOUND[at : at + 1_600]
            await asyncio.sleep(0)

    async def talk():
        session = await vivavoce.connect_async(url=engine.base_url, partials=False)
        async with session:
            await session.send(source())
            await session.close()
            return [turn async for turn in session]

    turns = asyncio.run(talk())
    assert finals(turns) == [turn.text for turn in turns] == SAID
    with vivavoce.connect(url=engine.base_url) as session, pytest.raises(TypeError, match="connect_async"):
        session.send(source())


def test_closing_keeps_the_last_words(engine):
    session = vivavoce.connect(url=engine.base_url)
    assert session.is_open
    assert session.began.id
    session.send(pcm(np.concatenate([silence(6), speech(5, 6)])))
    session.close()
    session.close()
    assert not session.is_open
    assert (session.closed.code, session.closed.reason) == (1000, "")
    assert finals(session) == ["Foxtrot golf!"]
    with pytest.raises(vivavoce.RealtimeError, match="closed"):
        session.send(b"ab")


def test_turns_can_be_forced_and_settings_changed(engine):
    with vivavoce.connect(url=engine.base_url, format_turns=False) as session:
        session.send(pcm(np.concatenate([silence(6), speech(5)])))
        session.force_endpoint()
        assert next(turn for turn in session if turn.end_of_turn).text == "foxtrot"
        session.update(format_turns=True, max_turn_silence=500)
        session.keep_alive()
        session.send(pcm(speech(6)))
        session.force_endpoint()
        assert next(turn for turn in session if turn.end_of_turn).text == "golf!"
        with pytest.raises(vivavoce.ConfigurationError, match="unknown option: silence"):
            session.update(silence=3)


def test_the_extensions_of_our_server_are_for_the_sdk_too(engine):
    left, right = np.concatenate([speech(0, 1), silence(60)]), np.concatenate([silence(20), speech(3, 4)])
    stereo = np.zeros((max(len(left), len(right)), 2), np.float32)
    stereo[: len(left), 0], stereo[: len(right), 1] = left, right
    options = {"channels": 2, "partials_ms": 500, "speech_model": "universal-3-6-pro"}
    with vivavoce.connect(url=engine.base_url, **options) as session:
        session.update(mode="max_accuracy", partials_ms=300)
        session.send(stereo.reshape(-1))
        session.end()
        events = list(session.events())
    finals = [(it.channel, it.turn_order, it.text) for it in events if it.type == "Turn" and it.end_of_turn]
    assert sorted(finals) == [(0, 0, "Alpha bravo."), (1, 0, "delta echo?")]
    starts = [event for event in events if event.type == "SpeechStarted"]
    assert sorted(start.channel for start in starts) == [0, 1]
    assert all(0.5 < start.confidence <= 1 for start in starts)
    assert session.began.configuration.redact_pii is False
    assert session.closed.code == 1000


def test_what_a_source_raises_is_raised_by_the_iteration(engine):
    def source():
        yield pcm(SOUND)
        raise LookupError("unplugged")

    turns = []
    with vivavoce.connect(url=engine.base_url) as session, pytest.raises(LookupError, match="unplugged"):
        turns += session.transcribe(source())
    assert finals(turns) == SAID

    async def talk():
        async with vivavoce.connect_async(url=engine.base_url) as session:
            async for _ in session.transcribe(source()):
                pass

    with pytest.raises(LookupError, match="unplugged"):
        asyncio.run(talk())


@pytest.mark.parametrize("short", [True, False])
def test_a_failure_is_raised_by_the_iteration(short):
    bad = [BEGIN, ExpectAudio(1), Send({"error": "it broke"}), Close(3006, "bad")]
    with ScriptedServer(bad, bad) as server:

        def wait():
            with vivavoce.connect(url=server.url) as session:
                for _ in session.transcribe([CHUNK] * (1 if short else 100_000)):
                    pass

        with pytest.raises(vivavoce.RealtimeError, match="it broke"):
            wait()

        async def talk():
            async with vivavoce.connect_async(url=server.url) as session:
                async for _ in session.transcribe([CHUNK] * (1 if short else 100_000)):
                    pass

        with pytest.raises(vivavoce.RealtimeError, match="it broke"):
            asyncio.run(talk())


def test_leaving_by_an_exception_does_not_wait():
    with ScriptedServer([BEGIN, Listen()], [BEGIN, Listen()]) as server:
        began = time.monotonic()
        with pytest.raises(ZeroDivisionError), vivavoce.connect(url=server.url):
            raise ZeroDivisionError

        async def talk():
            async with vivavoce.connect_async(url=server.url):
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            asyncio.run(talk())
        assert time.monotonic() - began < 4


def test_a_cancelled_task_leaves_nothing_behind():
    with ScriptedServer([BEGIN, Listen()]) as server:

        async def talk():
            async with vivavoce.connect_async(url=server.url) as session:
                async for _ in session:
                    pass

        async def main():
            task = asyncio.create_task(talk())
            await asyncio.sleep(0.3)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert asyncio.all_tasks() == {asyncio.current_task()}

        asyncio.run(main())


def test_sending_waits_while_the_network_is_slow():
    released = threading.Event()
    from support.scripted_server import Stall

    with ScriptedServer([BEGIN, Stall(released), *GOOD_END]) as server:
        with vivavoce.connect(url=server.url, reconnect=None) as session:
            sent = 0

            def source():
                nonlocal sent
                for _ in range(2_000):
                    sent += 1
                    yield bytes(32_000)  # 1 s

            sender = threading.Thread(target=lambda: session.send(source()))
            sender.start()
            waiting = 0
            while sent > waiting:  # a busy machine takes a while until nothing more goes through
                waiting = sent
                time.sleep(0.5)
            assert 0 < waiting < 1_000, "it waits"
            released.set()
            sender.join(20)
            assert sent == 2_000
        assert len(server.seen[0].audio) == 2_000 * 32_000


def test_both_fronts_have_the_same_names():
    names = {
        front: {name for name in dir(front) if not name.startswith("_")}
        for front in (vivavoce.Session, vivavoce.AsyncSession)
    }
    assert names[vivavoce.Session] == names[vivavoce.AsyncSession]
    for name in names[vivavoce.Session]:
        ours, theirs = (getattr(front, name) for front in names)
        if callable(ours):
            assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters), (
                name
            )
    connects = [inspect.signature(each) for each in (vivavoce.connect, vivavoce.connect_async)]
    assert connects[0].parameters == connects[1].parameters


def test_a_transport_of_ones_own():
    """What docs/how-to shows: anything with four methods can stand in for the network."""
    from vivavoce.client.transport import ConnectionEnded

    class Memory:
        def __init__(self):
            self.sent = []
            self.answers = asyncio.Queue()
            self.answers.put_nowait(json.dumps(BEGIN.message))

        async def send(self, message):
            self.sent.append(message)
            if message == '{"type":"Terminate"}':
                self.answers.put_nowait(json.dumps(turn("Hello.", ended=True).message))
                self.answers.put_nowait(json.dumps(TERMINATION.message))

        async def receive(self):
            answer = await self.answers.get()
            if answer is None:
                raise ConnectionEnded
            return answer

        async def close(self):
            self.answers.put_nowait(None)

        def abort(self):
            pass

    opened = []

    async def transport(url, headers, *, timeout_s, stall_s):
        opened.append((url, Memory()))
        return opened[-1][1]

    with vivavoce.connect(url="wss://nowhere.example", transport=transport) as session:
        assert finals(session.transcribe(CHUNK)) == ["Hello."]
    ((url, memory),) = opened
    assert url.startswith("wss://nowhere.example/v3/ws?")
    assert b"".join(message for message in memory.sent if isinstance(message, bytes)) == CHUNK
