"""The v3 clients under the vendor's names, against a scripted server."""

import asyncio
import inspect
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

import vivavoce
from support.isolation import clean_environment, limit  # noqa: F401  - applied to each test
from support.scripted_server import Close, Drop, ExpectAudio, Listen, Refuse, ScriptedServer, Send
from support.servers import scripted_server
from support.time_limit import HANG_S
from support.v3_scripts import BEGIN, GOOD_END, TERMINATION, UNTIL_TERMINATE, turn
from vivavoce.streaming.v3 import (
    AsyncStreamingClient,
    RealTimeEvents,
    StreamingClient,
    StreamingClientOptions,
    StreamingError,
    StreamingEvents,
    StreamingParameters,
    StreamingSessionParameters,
)

RATE = 16_000
CHUNK = bytes(3_200)  # 100 ms
ROOT = Path(__file__).parents[2]
PARAMS = StreamingParameters(sample_rate=RATE)


@pytest.fixture(params=["sync", "async"])
def client_class(request):
    """Run the same tests with both clients; the asynchronous one runs a call at a time."""
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


class Recorder:
    """A client and all events that its handlers received."""

    def __init__(self, client_class, server, *, then=None, **options):
        self.events = []
        self.client = client_class(StreamingClientOptions(api_host=server.url, **options))
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

    def received(self, name):
        return [event for kind, event in self.events if kind == name]


def stream_on(client):
    while True:
        client.stream(CHUNK)
        time.sleep(0.001)


# --- a good session --------------------------------------------------------------------------


def test_a_whole_session(client_class):
    script = [BEGIN, ExpectAudio(2 * len(CHUNK)), turn("good"), *GOOD_END]
    with ScriptedServer(script) as server:
        recorder = Recorder(client_class, server, api_key="k")
        recorder.client.connect(
            StreamingParameters(sample_rate=RATE, format_turns=True, keyterms_prompt=["a b"])
        )
        recorder.client.stream([CHUNK, bytearray(CHUNK)])
        recorder.client.disconnect(terminate=True)
        recorder.client.disconnect(terminate=True)
        assert recorder.names == ["Begin", "Turn", "Turn", "Termination", "Closed"]
        assert (recorder.received("Closed")[0].code, recorder.received("Closed")[0].reason) == (1000, "")
        with pytest.raises(StreamingError, match="closed"):
            recorder.client.stream(CHUNK)
    (seen,) = server.seen
    url = urlsplit(seen.path)
    assert url.path == "/v3/ws"
    assert parse_qs(url.query) == {
        "sample_rate": ["16000"],
        "format_turns": ["True"],
        "keyterms_prompt": ['["a b"]'],
    }
    assert seen.headers["authorization"] == "k"
    assert seen.headers["assemblyai-version"] == "2025-05-12"
    assert seen.audio == CHUNK + CHUNK
    assert all(1_600 <= len(chunk) <= 32_000 for chunk in seen.chunks)
    assert seen.texts == [{"type": "Terminate"}]


def test_twenty_thousand_chunks_and_an_immediate_end_all_arrive(client_class):
    pieces = [index.to_bytes(2, "little") * 800 for index in range(20_000)]  # 50 ms each
    script = [BEGIN, ExpectAudio(20_000 * 1_600), UNTIL_TERMINATE, TERMINATION, Close()]
    with ScriptedServer(script) as server:
        recorder = Recorder(client_class, server)
        recorder.client.connect(PARAMS)
        recorder.client.stream(pieces)
        recorder.client.disconnect(terminate=True)
        assert recorder.names == ["Begin", "Termination", "Closed"]
    assert server.seen[0].audio == b"".join(pieces)


def test_messages_of_the_client_arrive_in_order(client_class):
    with ScriptedServer([BEGIN, ExpectAudio(2 * len(CHUNK)), *GOOD_END[1:]]) as server:
        recorder = Recorder(client_class, server)
        recorder.client.connect(PARAMS)
        recorder.client.stream(CHUNK)
        recorder.client.set_params(StreamingSessionParameters(max_turn_silence=900, format_turns=False))
        recorder.client.force_endpoint()
        recorder.client.keep_alive()
        recorder.client.set_params(StreamingSessionParameters())
        recorder.client.stream(CHUNK)
        recorder.client.disconnect(terminate=True)
    assert server.seen[0].texts[:3] == [
        {"max_turn_silence": 900, "format_turns": False, "type": "UpdateConfiguration"},
        {"type": "ForceEndpoint"},
        {"type": "KeepAlive"},
    ]


def test_a_client_can_connect_again_but_not_twice_at_once(client_class):
    with ScriptedServer([BEGIN, *GOOD_END], [BEGIN, *GOOD_END]) as server:
        recorder = Recorder(client_class, server)
        recorder.client.connect(PARAMS)
        with pytest.raises(StreamingError, match="already been connected"):
            recorder.client.connect(PARAMS)
        recorder.client.disconnect(terminate=True)
        recorder.client.connect(PARAMS)
        recorder.client.disconnect(terminate=True)
    assert recorder.names.count("Closed") == 2


def test_disconnecting_without_terminating_does_not_wait(client_class):
    with ScriptedServer([BEGIN, Listen()]) as server:
        recorder = Recorder(client_class, server, terminate_timeout=3_600.0)
        recorder.client.connect(PARAMS)
        recorder.client.disconnect()
        assert recorder.names == ["Begin", "Closed"]


# --- the address of the server ---------------------------------------------------------------


@pytest.mark.parametrize("host", [None, "streaming.assemblyai.com"])
def test_the_configured_server_is_the_default(client_class, monkeypatch, host):
    with ScriptedServer([BEGIN, *GOOD_END]) as server:
        monkeypatch.setenv("VIVAVOCE_BASE_URL", server.url)
        monkeypatch.setenv("VIVAVOCE_API_KEY", "from the environment")
        client = client_class(StreamingClientOptions(api_host=host))
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
def test_the_address_of_the_server(monkeypatch, host, configured, url):
    from vivavoce.streaming.v3.base import server_url

    if configured:
        monkeypatch.setenv("ASSEMBLYAI_BASE_URL", configured)
    assert server_url(StreamingClientOptions(api_host=host)) == url


def test_a_token_takes_precedence_over_the_key(client_class):
    with ScriptedServer([BEGIN, *GOOD_END]) as server:
        client = client_class(StreamingClientOptions(api_host=server.url, token="t"), api_key="k")
        client.connect(PARAMS)
        client.disconnect(terminate=True)
    assert server.seen[0].headers["authorization"] == "t"


def test_a_temporary_token_opens_a_session(client_class):
    with scripted_server(api_keys=("secret",)) as server:
        client = client_class(StreamingClientOptions(api_host=server.base_url, api_key="secret"))
        token = client.create_temporary_token(expires_in_seconds=60, max_session_duration_seconds=600)
        other = client_class(StreamingClientOptions(api_host=server.base_url, token=token))
        other.connect(PARAMS)
        other.disconnect(terminate=True)
        with pytest.raises(vivavoce.RefusedError):
            client_class(StreamingClientOptions(api_host=server.base_url, token=token)).connect(PARAMS)
        with pytest.raises(vivavoce.RefusedError):
            client_class(
                StreamingClientOptions(api_host=server.base_url, api_key="x")
            ).create_temporary_token(60)
        with pytest.raises(vivavoce.ConfigurationError, match="expires_in_seconds"):
            client.create_temporary_token(0)


# --- failures --------------------------------------------------------------------------------


def test_no_server_raises_after_the_retries(client_class):
    client = client_class(
        StreamingClientOptions(
            api_host="ws://127.0.0.1:1", max_connection_retries=2, connection_retry_delay=0.1
        )
    )
    began = time.monotonic()
    with pytest.raises(vivavoce.ConnectError, match="vivavoce serve"):
        client.connect(PARAMS)
    assert time.monotonic() - began >= 0.2
    client.disconnect(terminate=True)


def test_a_refusal_raises_at_once(client_class):
    with ScriptedServer([Refuse(401, '{"error": "no such key"}')]) as server:
        with pytest.raises(vivavoce.RefusedError, match="no such key") as caught:
            client_class(StreamingClientOptions(api_host=server.url)).connect(PARAMS)
        assert caught.value.code == 401
    assert len(server.seen) == 1


def test_streaming_before_connecting_raises(client_class):
    client = client_class(StreamingClientOptions())
    for call in (lambda: client.stream(CHUNK), client.force_endpoint, client.keep_alive):
        with pytest.raises(StreamingError, match=r"connect\(\) first"):
            call()


def test_an_error_is_reported_once_and_streaming_raises_it(client_class):
    error = Send({"type": "Error", "error_code": 3007, "error": "25.0 ms"})
    with ScriptedServer(
        [BEGIN, ExpectAudio(1), error, Close(3007, "See Error message for details")]
    ) as server:
        recorder = Recorder(client_class, server)
        recorder.client.connect(PARAMS)
        with pytest.raises(StreamingError, match=r"25\.0 ms") as caught:
            stream_on(recorder.client)
        assert caught.value.code == 3007
        recorder.client.disconnect(terminate=True)
        recorder.client.disconnect()
        assert recorder.names == ["Begin", "Error", "Closed"]
        assert recorder.received("Error") == [caught.value]


def test_a_lost_connection_is_reported_once(client_class):
    with ScriptedServer([BEGIN, ExpectAudio(1), Drop()]) as server:
        recorder = Recorder(client_class, server)
        recorder.client.connect(PARAMS)
        recorder.client.stream(CHUNK)
        recorder.client.disconnect(terminate=True)
        assert recorder.names == ["Begin", "Error", "Closed"]
        assert recorder.received("Closed")[0].code == 1006


def test_the_client_gives_up_on_a_server_that_never_ends(client_class):
    with ScriptedServer([BEGIN, Listen()]) as server:
        recorder = Recorder(client_class, server, terminate_timeout=0.5)
        recorder.client.connect(PARAMS)
        recorder.client.disconnect(terminate=True)
        assert recorder.names == ["Begin", "Error", "Closed"]
        assert "within 0.5 s" in str(recorder.received("Error")[0])


def test_a_lost_connection_is_restored_on_request(client_class):
    with ScriptedServer(
        [BEGIN, ExpectAudio(3_200), Drop()], [BEGIN, ExpectAudio(3_200), *GOOD_END]
    ) as server:
        recorder = Recorder(client_class, server, reconnect=vivavoce.Reconnect())
        recorder.client.connect(PARAMS)
        recorder.client.stream(CHUNK)
        recorder.client.disconnect(terminate=True)
        assert recorder.names == ["Begin", "Reconnecting", "Reconnected", "Turn", "Termination", "Closed"]
    assert [seen.audio for seen in server.seen] == [CHUNK, CHUNK]


def test_an_exception_in_a_handler_surfaces_once(client_class):
    def fail(*_):
        raise KeyError("oh")

    with ScriptedServer([BEGIN, ExpectAudio(1), turn("good"), *GOOD_END]) as server:
        recorder = Recorder(client_class, server, then={"Turn": fail})
        recorder.client.connect(PARAMS)
        recorder.client.stream(CHUNK)
        with pytest.raises(StreamingError, match="handler for Turn raised KeyError: 'oh'") as caught:
            recorder.client.disconnect(terminate=True)
        assert isinstance(caught.value.__cause__, KeyError)
        recorder.client.disconnect(terminate=True)
        assert recorder.names == ["Begin", "Turn", "Turn", "Termination", "Closed"]


def test_a_handler_can_end_the_session(client_class):
    with ScriptedServer([BEGIN, ExpectAudio(1), turn("stop"), *GOOD_END]) as server:
        recorder = Recorder(client_class, server)
        recorder.client.on(RealTimeEvents.Turn, lambda client, _: client.disconnect(terminate=True))
        recorder.client.connect(PARAMS)

        def endless():
            while True:
                time.sleep(0.01)
                yield CHUNK

        async def endless_async():
            while True:
                await asyncio.sleep(0.01)
                yield CHUNK

        recorder.client.stream(endless() if client_class is StreamingClient else endless_async())
        recorder.client.disconnect(terminate=True)
        assert recorder.names == ["Begin", "Turn", "Turn", "Termination", "Closed"]


def test_invalid_handlers_and_events_are_refused(client_class):
    client = client_class()
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
            capture_output=True, text=True, timeout=HANG_S, check=True,
        )  # fmt: skip
    assert out.stdout == "done\n"
    assert out.stderr == ""
