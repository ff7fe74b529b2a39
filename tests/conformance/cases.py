"""The clients, versions and variants that the suite runs; docs/compatible-clients.md has the table."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from conformance.packages import (
    LIVEKIT,
    NODE,
    OWN,
    PIPECAT,
    PYTHON,
    VOCODE,
    WEBSOCKET_CLIENT,
    WEBSOCKETS,
    WS,
    Environment,
)

__all__ = ["CASES", "UNFUNDED_KEY", "Case", "clients_table"]

UNFUNDED_KEY = "unfunded-key"  # the server knows the key and rejects it for insufficient funds


@dataclass(frozen=True, slots=True)
class Case:
    """One run of one client program.

    Attributes:
        client: Its name in the tables.
        version: Version of the client.
        protocol: ``v2`` or ``v3``.
        variant: What this run covers, in words.
        environment: Where the client is installed.
        program: File in the folder ``clients``.
        events_once: Events that the program must report exactly once in a session.
        sdk: The Python module that the program imports.
        tls: Whether the program connects over TLS.
        token: Whether it connects with a temporary token instead of the key.
        controls: Whether it forces an endpoint, and changes options, in the middle of the audio.
        channels: The channels in the order in which they speak; empty: the audio has one channel.
        rejected_with: The close code with which the server must reject the session; None: it must accept it.
        key: The API key if it is not the server's.
        sends_partials: Whether the server sends partials; with redaction it must not.
        webhook: Whether the server posts the finished turns to a webhook.
        encoding: Encoding of the audio, as the protocols name it.
        other_events: Names of further events that the program must report.
        skips_empty_turns: Whether the client drops turns without words.
        model: Value of ``speech_model``; empty: the client's default.
        options: Further options of the client program.
        max_wer: Highest word error rate that passes, 0 to 1.
        chunk_ms: Duration of the chunks that the program sends.
        max_close_s: Longest time from the last audio to the end, in seconds.
        sessions: How many sessions the program opens, one after the other.
    """

    client: str
    version: str
    protocol: Literal["v2", "v3"]
    variant: str
    environment: Environment
    program: str
    events_once: tuple[str, ...] = ()
    sdk: str = "assemblyai"
    tls: bool = False
    token: bool = False
    controls: bool = False
    channels: tuple[str, ...] = ()
    rejected_with: int | None = None
    key: str = ""
    sends_partials: bool = True
    webhook: bool = False
    encoding: str = "pcm_s16le"
    other_events: tuple[str, ...] = ()
    skips_empty_turns: bool = False
    model: str = "universal-streaming-english"
    options: dict[str, Any] = field(default_factory=dict)
    max_wer: float = 0.15
    chunk_ms: int = 100
    max_close_s: float = 4.0
    sessions: int = 1

    @property
    def name(self) -> str:
        """Names its files, and selects it on the command line."""
        return re.sub(r"[^\w.]+", "-", f"{self.client} {self.version} {self.protocol} {self.variant}")


_V2_PYTHON = "assemblyai for Python: RealtimeTranscriber"
_V3_PYTHON = "assemblyai for Python: StreamingClient"
_V3_ASYNC = "assemblyai for Python: AsyncStreamingClient"
_V3_CHANNELS = "assemblyai for Python: ChannelStreamer"
_V2_NODE = "assemblyai for Node: RealtimeTranscriber"
_V3_NODE = "assemblyai for Node: StreamingTranscriber"
_LIVEKIT = "LiveKit Agents: livekit-plugins-assemblyai"
_PIPECAT = "Pipecat: AssemblyAISTTService"
_VOCODE = "Vocode: AssemblyAITranscriber"
_PUBLISHED = "the vendor's published programs: "
_WEBSOCKET_CLIENT = f"{_PUBLISHED}websocket-client"
_WEBSOCKETS = f"{_PUBLISHED}websockets"
_WS = f"{_PUBLISHED}ws"
_BROWSER = f"{_PUBLISHED}ws in place of a browser"

_HOW_TO_CONNECT: dict[str, str] = {
    _V2_PYTHON: "`ASSEMBLYAI_BASE_URL=ws://HOST:PORT`; over TLS `https://HOST:PORT`",
    _V3_PYTHON: '`StreamingClientOptions(api_host="ws://HOST:PORT")`; over TLS, and for tokens `"HOST:PORT"`',
    _V3_ASYNC: "the same",
    _V3_CHANNELS: "the same, also with `AsyncChannelStreamer`",
    _V2_NODE: '`realtimeUrl: "wss://HOST:PORT/v2/realtime/ws"`; for tokens `baseUrl: "https://HOST:PORT"`',
    _V3_NODE: '`websocketBaseUrl: "wss://HOST:PORT/v3/ws"`; for tokens `streamingBaseUrl: "https://HOST:PORT"`',
    _LIVEKIT: '`assemblyai.STT(base_url="ws://HOST:PORT")`; see below',
    _PIPECAT: '`AssemblyAISTTService(api_endpoint_base_url="ws://HOST:PORT/v3/ws")`; see below',
    _VOCODE: 'the constant `ASSEMBLY_AI_URL = "ws://HOST:PORT/v2/realtime/ws"` of its module',
    _WEBSOCKET_CLIENT: "the host in the URL",
    _WEBSOCKETS: "the same",
    _WS: "the same",
    _BROWSER: "the same",
}


def _v2(version: str, variant: str, **options: Any) -> Case:
    events_once = ("begin", "closed") if version == "0.20.2" else ("begin", "information", "closed")
    return Case(_V2_PYTHON, version, "v2", variant, PYTHON[version], "python_v2.py", events_once, **options)


def _v3(version: str, variant: str, **options: Any) -> Case:
    client = _V3_CHANNELS if options.get("channels") else _V3_PYTHON
    return Case(client, version, "v3", variant, PYTHON[version], "python_v3.py", ("begin", "end"), **options)


def _v3_async(version: str, variant: str, **options: Any) -> Case:
    client = _V3_CHANNELS if options.get("channels") else _V3_ASYNC
    program = "python_v3_async.py"
    return Case(client, version, "v3", variant, PYTHON[version], program, ("begin", "end"), **options)


def _own(protocol: Literal["v2", "v3"], variant: str, *, program: str, **options: Any) -> Case:
    events_once = ("begin", "information", "closed") if protocol == "v2" else ("begin", "end", "closed")
    client = f"vivavoce: {'RealtimeTranscriber' if protocol == 'v2' else 'streaming.v3'}"
    return Case(client, "this", protocol, variant, OWN, program, events_once, sdk="vivavoce", **options)


def _voice_agent(client: str, version: str, environment: Environment, **options: Any) -> Case:
    variant = "voice agent that closes and reopens in its handler"
    events = ("begin", "closed")
    return Case(
        client, version, "v2", variant, environment, "voice_agent_v2.py", events, sessions=2, **options
    )


def _node(version: str, protocol: Literal["v2", "v3"], variant: str, **options: Any) -> Case:
    client = _V2_NODE if protocol == "v2" else _V3_NODE
    program = f"node_{protocol}.mjs"
    return Case(client, version, protocol, variant, NODE[version], program, ("begin",), tls=True, **options)


def _livekit(version: str, variant: str, **options: Any) -> Case:
    protocol: Literal["v2", "v3"] = "v2" if version == "0.2.4" else "v3"
    return Case(_LIVEKIT, version, protocol, variant, LIVEKIT[version], "livekit_agents.py", **options)


def _pipecat(version: str, variant: str, **options: Any) -> Case:
    protocol: Literal["v2", "v3"] = "v2" if version == "0.0.67" else "v3"
    program = "pipecat_0_0.py" if version.startswith("0.0.") else "pipecat_service.py"
    environment = PIPECAT[version]
    return Case(
        _PIPECAT,
        version,
        protocol,
        variant,
        environment,
        program,
        model="",
        skips_empty_turns=True,
        **options,
    )


def _vocode(version: str, variant: str) -> Case:
    # It ends a session after 5 s without audio.
    environment = VOCODE[version]
    return Case(_VOCODE, version, "v2", variant, environment, "vocode_transcriber.py", max_close_s=9.0)


def _published(
    client: str,
    protocol: Literal["v2", "v3"],
    variant: str,
    environment: Environment,
    program: str,
    **options: Any,
) -> Case:
    (requirement,) = environment.requirements
    version = re.split("[=@]+", requirement)[1]
    events = ("begin", "end") if protocol == "v3" else ("begin",)
    return Case(client, version, protocol, variant, environment, program, events, **options)


def _websocket_client(protocol: Literal["v2", "v3"], variant: str, **options: Any) -> Case:
    # Closed by another thread, it may wait 10 s for a socket that is closed already.
    program = "published_websocket_client.py"
    limits: dict[str, Any] = {"max_close_s": 4.0 + 10.0}
    return _published(_WEBSOCKET_CLIENT, protocol, variant, WEBSOCKET_CLIENT, program, **limits, **options)


# A turn has one channel, so the pause between two speakers must end the first one's turn.
_CHANNELS: dict[str, Any] = {"channels": ("mic", "system"), "options": {"max_turn_silence": 400}}
_REDACTED: dict[str, Any] = {
    "redact_pii": True,
    "redact_pii_policies": ["phone_number", "date", "email_address"],
    "redact_pii_sub": "entity_name",
}
# Except redaction, which suppresses partials, and webhooks.
_EVERY_OPTION: dict[str, Any] = {
    "acknowledge_silence": True,
    "agent_context": "Would you read to me?",
    "continuous_partials": True,
    "customer_support_audio_capture": True,
    "domain": "medical-v1",
    "end_of_turn_confidence_threshold": 0.5,
    "filter_profanity": True,
    "inactivity_timeout": 30,
    "include_partial_turns": True,
    "interruption_delay": 500,
    "keyterms_prompt": ["epoch", "incredulity"],
    "language_codes": ["en"],
    "language_detection": True,
    "llm_gateway": {
        "model": "any",
        "messages": [{"role": "user", "content": "Sum it up."}],
        "max_tokens": 10,
    },
    "max_speakers": 2,
    "max_turn_silence": 1280,
    "min_turn_silence": 400,
    "mode": "balanced",
    "prompt": "The beginning of a novel.",
    "session_heartbeat": True,
    "speaker_labels": True,
    "speaker_labels_revision_interval_ms": 300_000,
    "turn_left_pad_ms": 100,
    "vad_threshold": 0.4,
    "voice_focus": "near-field",
    "voice_focus_threshold": 0.5,
}

CASES: tuple[Case, ...] = (
    _v2("0.20.2", "key"),
    _v2("0.33.0", "key, forced endpoint", controls=True),
    _v2("0.33.0", "token over TLS", tls=True, token=True),
    _v2("0.40.2", "key"),
    _v2("0.58.0", "key, forced endpoint", controls=True),
    _v2("0.63.0", "token over TLS", tls=True, token=True),
    _v2("0.64.2", "key, forced endpoint", controls=True),
    _v2("0.64.2", "token over TLS", tls=True, token=True),
    _v2("0.64.2", "8 kHz mu-law", encoding="pcm_mulaw", max_wer=0.2),
    _v2("0.64.2", "wrong key", rejected_with=4001, key="wrong"),
    _v2("0.64.2", "key without funds", rejected_with=4002, key=UNFUNDED_KEY),
    _v3("0.58.0", "key over TLS, forced endpoint", tls=True, controls=True),
    _v3("0.58.0", "token over TLS", tls=True, token=True),
    _v3("0.63.0", "key"),
    _v3("0.63.0", "token over TLS", tls=True, token=True),
    _v3("1.0.0", "key, forced endpoint", controls=True),
    _v3("1.0.0", "token over TLS", tls=True, token=True),
    _v3_async("1.0.0", "key"),
    _v3("1.0.0", "threaded", **_CHANNELS),
    _v3("1.8.2", "key, forced endpoint", controls=True),
    _v3("1.8.2", "token over TLS", tls=True, token=True),
    _v3("1.8.2", "8 kHz mu-law", encoding="pcm_mulaw", max_wer=0.2),
    _v3("1.8.2", "Opus in Ogg", encoding="ogg_opus"),
    _v3("1.8.2", "AAC", encoding="aac"),
    _v3("1.8.2", "redaction", options=_REDACTED, sends_partials=False),
    _v3("1.8.2", "webhook", webhook=True),
    _v3("1.8.2", "wrong key", rejected_with=1008, key="wrong"),
    _v3("1.8.2", "key without funds", rejected_with=1008, key=UNFUNDED_KEY),
    _v3(
        "1.8.2",
        "unsupported redaction policy",
        rejected_with=3006,
        options=_REDACTED | {"redact_pii_policies": ["person_name"]},
    ),
    _v3_async("1.8.2", "key, forced endpoint", controls=True),
    _v3_async("1.8.2", "token over TLS", tls=True, token=True),
    _v3_async(
        "1.8.2",
        "nearly every option",
        model="universal-3-6-pro",
        options=_EVERY_OPTION,
        other_events=("Heartbeat", "SpeechStarted", "Silence"),
    ),
    _v3_async("1.8.2", "webhook over TLS", tls=True, webhook=True),
    _v3_async("1.8.2", "wrong key", rejected_with=1008, key="wrong"),
    _v3("1.8.2", "threaded", **_CHANNELS),
    _v3_async("1.8.2", "asynchronous", **_CHANNELS),
    _own("v2", "key, forced endpoint", program="python_v2.py", controls=True),
    _own("v2", "token over TLS", program="python_v2.py", tls=True, token=True),
    _own("v3", "key, forced endpoint", program="python_v3.py", controls=True),
    _own("v3", "token over TLS", program="python_v3.py", tls=True, token=True),
    _own("v3", "asynchronous, key, forced endpoint", program="python_v3_async.py", controls=True),
    _own("v3", "asynchronous, token over TLS", program="python_v3_async.py", tls=True, token=True),
    _own("v3", "redaction", program="python_v3.py", options=_REDACTED, sends_partials=False),
    _own("v3", "webhook", program="python_v3_async.py", webhook=True),
    _own("v3", "channels", program="python_v3.py", **_CHANNELS),
    _own("v3", "channels, asynchronous", program="python_v3_async.py", **_CHANNELS),
    _voice_agent(_V2_PYTHON, "0.64.2", PYTHON["0.64.2"]),
    _voice_agent("vivavoce: RealtimeTranscriber", "this", OWN, sdk="vivavoce"),
    _node("4.4.7", "v2", "key, forced endpoint", controls=True),
    _node("4.29.0", "v2", "key"),
    _node("4.41.5", "v2", "key, forced endpoint", controls=True),
    _node("4.41.5", "v2", "token", token=True),
    _node("4.41.5", "v2", "wrong key", rejected_with=4001, key="wrong"),
    _node("4.29.0", "v3", "key, forced endpoint", controls=True),
    _node("4.41.5", "v3", "key, forced endpoint", controls=True),
    _node("4.41.5", "v3", "token", token=True),
    _node("4.41.5", "v3", "wrong key", rejected_with=1008, key="wrong"),
    _livekit("0.2.4", "defaults", model=""),
    _livekit("1.1.7", "defaults", model=""),
    _livekit("1.1.7", "formatted", model="", options={"format_turns": True}),
    _livekit("1.7.1", "defaults", model=""),
    _livekit("1.8.9", "defaults", model=""),
    _livekit("1.8.9", "universal-streaming-english over TLS", tls=True, options={"format_turns": True}),
    _pipecat("0.0.67", "frames of 20 ms", chunk_ms=20),
    _pipecat("0.0.86", "frames of 20 ms, forced endpoint", chunk_ms=20, controls=True),
    _pipecat("1.14.0", "defaults, forced endpoint", controls=True),
    _pipecat("1.14.0", "server-side turns over TLS", tls=True, options={"vad_force_turn_endpoint": False}),
    _vocode("0.1.111", "end of session in a binary frame"),
    _vocode("0.1.113", "defaults"),
    _websocket_client("v2", "microphone"),
    _websocket_client("v3", "formatted turns", chunk_ms=50),
    _published(
        _WEBSOCKETS, "v2", "audio in JSON", WEBSOCKETS["11.0.3"], "published_websockets.py", chunk_ms=200
    ),
    _published(
        _WEBSOCKETS,
        "v3",
        "every message a turn",
        WEBSOCKETS["15.0.1"],
        "published_websockets.py",
        options={"speech_model": "universal-streaming-english", "format_turns": "true"},
    ),
    _published(_WS, "v2", "microphone with a WAV header", WS, "published_ws.mjs"),
    _published(
        _WS,
        "v3",
        "microphone with a WAV header",
        WS,
        "published_ws.mjs",
        chunk_ms=50,
        options={"format_turns": "true"},
    ),
    _published(_BROWSER, "v3", "token in the query", WS, "published_browser.mjs", tls=True),
)


def clients_table() -> str:
    """Return the table of clients for docs/compatible-clients.md, as Markdown."""
    lines = ["| client | versions | protocol | how to point it at the server |", "|---|---|---|---|"]
    for client, how_to_connect in _HOW_TO_CONNECT.items():
        cases = [case for case in CASES if case.client == client]
        versions = ", ".join(dict.fromkeys(case.version for case in cases))
        package, _, class_name = client.partition(": ")
        protocols = ", ".join(sorted({case.protocol for case in cases}))
        row = (f"{package}: `{class_name}`", versions, protocols, how_to_connect)
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)
