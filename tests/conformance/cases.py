"""The clients, versions and variants that the suite runs; docs/compatible-clients.md has the table."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

__all__ = ["CASES", "UNFUNDED_KEY", "Case", "Environment", "clients_table"]

UNFUNDED_KEY = "unfunded-key"  # the server knows the key and rejects it for insufficient funds
NODE_SDK = "4.41.5"
LIVEKIT = "1.8.9"
PIPECAT = "1.14.0"


@dataclass(frozen=True, slots=True)
class Environment:
    """The environment that a client is installed into; it holds nothing else.

    Attributes:
        name: Name of its folder.
        kind: The installer.
        requirements: The packages to install, with their versions.
    """

    name: str
    kind: Literal["pip", "npm"]
    requirements: tuple[str, ...]


def _python(version: str, websockets: str) -> Environment:
    # Each SDK uses the `websockets` release of its time: their handshakes differ.
    return Environment(f"python-{version}", "pip", (f"assemblyai=={version}", f"websockets=={websockets}"))


_PYTHON = {
    version: _python(version, websockets)
    for version, websockets in {
        "0.20.2": "11.0.3",
        "0.33.0": "12.0",
        "0.63.0": "15.0.1",
        "0.64.2": "17.4",
        "1.0.0": "14.2",  # with it, the SDK's threaded client sends two User-Agent headers
        "1.8.2": "17.4",
    }.items()
}
# Our own SDK runs the same programs. It is installed without extras.
_OWN = Environment("vivavoce", "pip", ("--editable", str(Path(__file__).parents[2])))
_NODE = Environment("node", "npm", (f"assemblyai@{NODE_SDK}",))
_LIVEKIT = Environment(
    "livekit", "pip", (f"livekit-agents=={LIVEKIT}", f"livekit-plugins-assemblyai=={LIVEKIT}")
)
_PIPECAT = Environment("pipecat", "pip", (f"pipecat-ai[assemblyai]=={PIPECAT}",))


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
_LIVEKIT_NAME = "LiveKit Agents: livekit-plugins-assemblyai"
_PIPECAT_NAME = "Pipecat: AssemblyAISTTService"

_HOW_TO_CONNECT: dict[str, str] = {
    _V2_PYTHON: "`ASSEMBLYAI_BASE_URL=ws://HOST:PORT`; over TLS `https://HOST:PORT`",
    _V3_PYTHON: '`StreamingClientOptions(api_host="ws://HOST:PORT")`; over TLS, and for tokens `"HOST:PORT"`',
    _V3_ASYNC: "the same",
    _V3_CHANNELS: "the same, also with `AsyncChannelStreamer`",
    _V2_NODE: '`realtimeUrl: "wss://HOST:PORT/v2/realtime/ws"`; for tokens `baseUrl: "https://HOST:PORT"`',
    _V3_NODE: '`websocketBaseUrl: "wss://HOST:PORT/v3/ws"`; for tokens `streamingBaseUrl: "https://HOST:PORT"`',
    _LIVEKIT_NAME: '`assemblyai.STT(base_url="ws://HOST:PORT")`',
    _PIPECAT_NAME: '`AssemblyAISTTService(api_endpoint_base_url="ws://HOST:PORT/v3/ws")`',
}


def _v2(version: str, variant: str, **options: Any) -> Case:
    events_once = ("begin", "closed") if version == "0.20.2" else ("begin", "information", "closed")
    return Case(_V2_PYTHON, version, "v2", variant, _PYTHON[version], "python_v2.py", events_once, **options)


def _v3(version: str, variant: str, **options: Any) -> Case:
    client = _V3_CHANNELS if options.get("channels") else _V3_PYTHON
    return Case(client, version, "v3", variant, _PYTHON[version], "python_v3.py", ("begin", "end"), **options)


def _v3_async(version: str, variant: str, **options: Any) -> Case:
    client = _V3_CHANNELS if options.get("channels") else _V3_ASYNC
    program = "python_v3_async.py"
    return Case(client, version, "v3", variant, _PYTHON[version], program, ("begin", "end"), **options)


def _own(protocol: Literal["v2", "v3"], variant: str, *, program: str, **options: Any) -> Case:
    events_once = ("begin", "information", "closed") if protocol == "v2" else ("begin", "end", "closed")
    client = f"vivavoce: {'RealtimeTranscriber' if protocol == 'v2' else 'streaming.v3'}"
    return Case(client, "this", protocol, variant, _OWN, program, events_once, sdk="vivavoce", **options)


def _node(protocol: Literal["v2", "v3"], variant: str, **options: Any) -> Case:
    client = _V2_NODE if protocol == "v2" else _V3_NODE
    return Case(
        client, NODE_SDK, protocol, variant, _NODE, f"node_{protocol}.mjs", ("begin",), tls=True, **options
    )


def _livekit(variant: str, **options: Any) -> Case:
    return Case(_LIVEKIT_NAME, LIVEKIT, "v3", variant, _LIVEKIT, "livekit_agents.py", **options)


def _pipecat(variant: str, **options: Any) -> Case:
    return Case(
        _PIPECAT_NAME,
        PIPECAT,
        "v3",
        variant,
        _PIPECAT,
        "pipecat_service.py",
        skips_empty_turns=True,
        **options,
    )


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
    _v2("0.63.0", "token over TLS", tls=True, token=True),
    _v2("0.64.2", "key, forced endpoint", controls=True),
    _v2("0.64.2", "token over TLS", tls=True, token=True),
    _v2("0.64.2", "8 kHz mu-law", encoding="pcm_mulaw", max_wer=0.2),
    _v2("0.64.2", "wrong key", rejected_with=4001, key="wrong"),
    _v2("0.64.2", "key without funds", rejected_with=4002, key=UNFUNDED_KEY),
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
    _node("v2", "key, forced endpoint", controls=True),
    _node("v2", "token", token=True),
    _node("v2", "wrong key", rejected_with=4001, key="wrong"),
    _node("v3", "key, forced endpoint", controls=True),
    _node("v3", "token", token=True),
    _node("v3", "wrong key", rejected_with=1008, key="wrong"),
    _livekit("defaults", model=""),
    _livekit("universal-streaming-english over TLS", tls=True, options={"format_turns": True}),
    _pipecat("defaults, forced endpoint", model="", controls=True),
    _pipecat("server-side turns over TLS", model="", tls=True, options={"vad_force_turn_endpoint": False}),
)


def clients_table() -> str:
    """Return the table of clients for docs/compatible-clients.md, as Markdown."""
    lines = ["| client | versions | protocol | how to point it at the server |", "|---|---|---|---|"]
    for client, how_to_connect in _HOW_TO_CONNECT.items():
        cases = [case for case in CASES if case.client == client]
        versions = ", ".join(dict.fromkeys(case.version for case in cases))
        package, _, class_name = client.partition(": ")
        row = (f"{package}: `{class_name}`", versions, cases[0].protocol, how_to_connect)
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)
