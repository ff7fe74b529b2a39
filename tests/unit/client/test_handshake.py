"""The handshake with the vendor's own host is that of its documentation and of its SDK."""

import asyncio
import types
import urllib.request
from io import BytesIO
from urllib.parse import parse_qsl, urlsplit

import pytest

import vivavoce as aai
from vivavoce.streaming import v3

PROTOCOL_VERSION = {"AssemblyAI-Version": "2025-05-12"}


class Recorder:
    """A transport that records the handshake and never connects."""

    def __init__(self):
        self.url, self.headers = None, None

    async def __call__(self, url, headers, *, timeout_s, stall_s):
        self.url, self.headers = url, dict(headers)
        raise aai.ConnectError("no server")


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    for prefix in ("VIVAVOCE_", "ASSEMBLYAI_"):
        for name in ("BASE_URL", "API_KEY"):
            monkeypatch.delenv(prefix + name, raising=False)
    monkeypatch.chdir(tmp_path)


def v2_handshake(**options):
    recorder = Recorder()
    settings = aai.Settings(base_url="https://api.assemblyai.com", api_key="key")
    transcriber = aai.RealtimeTranscriber(
        on_data=print, on_error=print, client=aai.Client(settings=settings), transport=recorder, **options
    )
    with pytest.raises(aai.ConnectError):
        transcriber.connect()
    return recorder.url, recorder.headers


def v3_handshake(params, *, options=None, **given):
    recorder = Recorder()
    options = options or v3.StreamingClientOptions(
        api_key="key", api_host="streaming.assemblyai.com", **given
    )
    options.max_connection_retries = 0
    with pytest.raises(aai.ConnectError):
        v3.StreamingClient(options, transport=recorder).connect(params)
    request = (recorder.url, recorder.headers)

    async def again():
        with pytest.raises(aai.ConnectError):
            await v3.AsyncStreamingClient(options, transport=recorder).connect(params)

    asyncio.run(again())
    assert (recorder.url, recorder.headers) == request
    return request


def test_realtime_v2_with_a_key():
    assert v2_handshake(sample_rate=16_000) == (
        "wss://api.assemblyai.com/v2/realtime/ws?sample_rate=16000",
        {"Authorization": "key"},
    )


def test_realtime_v2_with_a_token_has_no_key():
    assert v2_handshake(sample_rate=8_000, token="t+/=", encoding=aai.AudioEncoding.pcm_mulaw) == (
        "wss://api.assemblyai.com/v2/realtime/ws?sample_rate=8000&encoding=pcm_mulaw&token=t%2B%2F%3D",
        {},
    )


def test_realtime_v2_with_all_parameters():
    url, _ = v2_handshake(
        sample_rate=44_100,
        word_boost=["foo bar", "b"],
        disable_partial_transcripts=True,
        on_extra_session_information=print,
        task="translate",
    )
    assert url == (
        "wss://api.assemblyai.com/v2/realtime/ws?sample_rate=44100"
        "&word_boost=%5B%22foo+bar%22%2C+%22b%22%5D"
        "&disable_partial_transcripts=true&enable_extra_session_information=true&task=translate"
    )


def test_a_task_is_one_of_two():
    with pytest.raises(aai.ConfigurationError, match="task must be one of transcribe, translate, got 'sum'"):
        v2_handshake(sample_rate=8_000, task="sum")
    with pytest.raises(aai.ConfigurationError, match="task must be one of transcribe, translate, got 'sum'"):
        v3.StreamingParameters(sample_rate=8_000, task="sum")
    url, _ = v3_handshake(v3.StreamingParameters(sample_rate=16_000, task="translate", prompt="Hi Ada."))
    assert url.endswith("/v3/ws?prompt=Hi+Ada.&sample_rate=16000&task=translate")


def test_streaming_v3_with_a_key():
    assert v3_handshake(v3.StreamingParameters(sample_rate=16_000, format_turns=True)) == (
        "wss://streaming.assemblyai.com/v3/ws?format_turns=True&sample_rate=16000",
        {"Authorization": "key"} | PROTOCOL_VERSION,
    )


def test_streaming_v3_with_a_token_in_place_of_the_key():
    url, headers = v3_handshake(v3.StreamingParameters(sample_rate=16_000), token="t")
    assert url == "wss://streaming.assemblyai.com/v3/ws?sample_rate=16000"
    assert headers == {"Authorization": "t"} | PROTOCOL_VERSION


def test_streaming_v3_of_a_program_that_names_no_host_and_sets_the_vendors_address(monkeypatch):
    monkeypatch.setenv("ASSEMBLYAI_BASE_URL", "https://api.eu.assemblyai.com")
    monkeypatch.setenv("ASSEMBLYAI_API_KEY", "from the environment")
    url, headers = v3_handshake(
        v3.StreamingParameters(sample_rate=8_000, encoding="pcm_mulaw"), options=v3.StreamingClientOptions()
    )
    assert url == "wss://streaming.eu.assemblyai.com/v3/ws?sample_rate=8000&encoding=pcm_mulaw"
    assert headers["Authorization"] == "from the environment"


# --- beside the vendor's own SDK ------------------------------------------------------------------


def parts(url):
    """An address, its query as a set; the vendor's SDK writes True, which servers take for true."""
    split = urlsplit(url)
    query = {
        (name, value.lower() if value in {"True", "False"} else value)
        for name, value in parse_qsl(split.query)
    }
    return split.scheme, split.netloc, split.path, query


@pytest.fixture
def vendor(monkeypatch):
    """The vendor's SDK, and what it dials."""
    assemblyai = pytest.importorskip("assemblyai")
    from assemblyai import transcriber
    from assemblyai.streaming.v3 import client

    dialled = types.SimpleNamespace(sdk=assemblyai)

    def connect(url, additional_headers=None, **_):
        dialled.url, dialled.headers = url, dict(additional_headers or {})
        raise OSError("no server")

    monkeypatch.setattr(transcriber, "websocket_connect", connect)
    monkeypatch.setattr(client, "websocket_connect", connect)
    return dialled


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"word_boost": ["foo bar", "é"]},
        {"token": "t"},
        {"disable_partial_transcripts": True, "on_extra_session_information": print},
    ],
    ids=["plain", "boost", "token", "extra"],
)
@pytest.mark.filterwarnings("ignore:The `copy` method is deprecated")  # the vendor's own
def test_realtime_v2_is_dialled_as_the_vendors_sdk_does(vendor, options):
    sdk = vendor.sdk
    settings = sdk.Settings(api_key="key", base_url="https://api.assemblyai.com")
    errors = []
    sdk.RealtimeTranscriber(
        on_data=print,
        on_error=errors.append,
        sample_rate=16_000,
        encoding=sdk.AudioEncoding.pcm_s16le,
        client=sdk.Client(settings=settings),
        **options,
    ).connect()
    assert errors
    url, headers = v2_handshake(sample_rate=16_000, encoding=aai.AudioEncoding.pcm_s16le, **options)
    assert parts(url) == parts(vendor.url)
    assert headers == vendor.headers


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"format_turns": True, "end_of_turn_confidence_threshold": 0.7, "max_turn_silence": 900},
        {"keyterms_prompt": ["foo bar", "é"], "speech_model": "u3-rt-pro", "min_turn_silence": 160},
        {"min_end_of_turn_silence_when_confident": 160, "filter_profanity": True, "speaker_labels": True},
        {"encoding": "pcm_mulaw", "inactivity_timeout": 60, "language_detection": False},
    ],
    ids=["plain", "turns", "terms", "old-names", "mulaw"],
)
@pytest.mark.parametrize("who", [{"api_key": "key"}, {"token": "t"}], ids=["key", "token"])
def test_streaming_v3_is_dialled_as_the_vendors_sdk_does(vendor, given, who):
    from assemblyai.streaming import v3 as theirs

    options = who | {"api_host": "streaming.assemblyai.com"}
    asked = {"speech_model": "universal-streaming-english", "sample_rate": 16_000} | given
    theirs.StreamingClient(theirs.StreamingClientOptions(**options)).connect(
        theirs.StreamingParameters(**asked)
    )
    url, headers = v3_handshake(v3.StreamingParameters(**asked), options=v3.StreamingClientOptions(**options))
    assert parts(url) == parts(vendor.url)
    agent = vendor.headers.pop("User-Agent")
    assert agent.startswith("AssemblyAI/")  # ours is set where the connection is made
    assert headers == vendor.headers


# --- tokens -----------------------------------------------------------------------------------


@pytest.fixture
def requests(monkeypatch):
    made = []

    def opened(_, request, timeout):
        made.append(request)
        return BytesIO(b'{"token": "abc"}')

    monkeypatch.setattr(urllib.request.OpenerDirector, "open", opened)
    return made


def test_a_token_of_realtime_v2(requests, monkeypatch):
    monkeypatch.setenv("ASSEMBLYAI_API_KEY", "key")
    monkeypatch.setenv("ASSEMBLYAI_BASE_URL", "https://api.assemblyai.com")
    assert aai.RealtimeTranscriber.create_temporary_token(expires_in=60) == "abc"
    (request,) = requests
    assert (request.method, request.full_url) == ("POST", "https://api.assemblyai.com/v2/realtime/token")
    assert request.data == b'{"expires_in":60}'
    assert request.get_header("Authorization") == "key"
    assert request.get_header("Content-type") == "application/json"


def test_a_token_of_streaming_v3(requests):
    options = v3.StreamingClientOptions(api_key="key", api_host="streaming.assemblyai.com")
    client = v3.StreamingClient(options)
    assert client.create_temporary_token(60, max_session_duration_seconds=600) == "abc"
    (request,) = requests
    assert (request.method, request.full_url) == (
        "GET",
        "https://streaming.assemblyai.com/v3/token?expires_in_seconds=60&max_session_duration_seconds=600",
    )
    assert request.get_header("Authorization") == "key"
