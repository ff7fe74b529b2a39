"""Which clients are run, in which versions and ways; docs/compatible-clients.md has their table."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

__all__ = ["BROKE_KEY", "CASES", "Case", "Environment", "clients_table"]

BROKE_KEY = "broke-key"  # the server knows it, and that there are no funds behind it
NODE_SDK = "4.41.5"
LIVEKIT = "1.8.9"
PIPECAT = "1.14.0"


@dataclass(frozen=True, slots=True)
class Environment:
    """Where a client is installed, apart from everything else.

    Attributes:
        name: Of its folder.
        kind: What installs it.
        requirements: What is installed.
    """

    name: str
    kind: Literal["pip", "npm"]
    requirements: tuple[str, ...]


def _python(version: str, websockets: str) -> Environment:
    # Each with a library of its time: their handshakes differ.
    return Environment(f"python-{version}", "pip", (f"assemblyai=={version}", f"websockets=={websockets}"))


_PYTHON = {
    version: _python(version, websockets)
    for version, websockets in {
        "0.20.2": "11.0.3",
        "0.33.0": "12.0",
        "0.63.0": "15.0.1",
        "0.64.2": "17.4",
        "1.0.0": "14.2",  # its threaded client then sends two User-Agent headers
        "1.8.2": "17.4",
    }.items()
}
# The same programs with our own SDK, installed without extras.
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
        client: As the tables name it.
        version: Of the client.
        protocol: ``v2`` or ``v3``.
        way: What is special about this run, for people.
        environment: Where the client is.
        program: In the folder ``clients``.
        tells: Events that the client shows once in every session.
        sdk: The Python module that the program is to use.
        tls: Whether the server is reached over TLS.
        token: Whether a temporary token opens the session, not the key.
        controls: Whether an end is forced, and options are changed, on the way.
        channels: Who speaks, in turn; empty: one channel.
        refusal: The close code of a session that must be refused; None: it must go well.
        key: Shown instead of the server's; empty: the server's.
        tells_partials: Whether unfinished turns are told; with redaction they must not be.
        webhook: Whether the finished turns are to be posted afterwards.
        encoding: Of the sound, as the protocols name it.
        hears: Names of other events that the client must show.
        hides_empty: Whether the client keeps turns without words to itself.
        model: What is asked for as ``speech_model``; empty: the client's own default.
        options: More, for the client program.
        max_wer: Highest word error rate that passes, 0 to 1.
    """

    client: str
    version: str
    protocol: Literal["v2", "v3"]
    way: str
    environment: Environment
    program: str
    tells: tuple[str, ...] = ()
    sdk: str = "assemblyai"
    tls: bool = False
    token: bool = False
    controls: bool = False
    channels: tuple[str, ...] = ()
    refusal: int | None = None
    key: str = ""
    tells_partials: bool = True
    webhook: bool = False
    encoding: str = "pcm_s16le"
    hears: tuple[str, ...] = ()
    hides_empty: bool = False
    model: str = "universal-streaming-english"
    options: dict[str, Any] = field(default_factory=dict)
    max_wer: float = 0.15

    @property
    def name(self) -> str:
        """For files and for choosing."""
        return re.sub(r"[^\w.]+", "-", f"{self.client} {self.version} {self.protocol} {self.way}")


_V2_PYTHON = "assemblyai for Python: RealtimeTranscriber"
_V3_PYTHON = "assemblyai for Python: StreamingClient"
_V3_ASYNC = "assemblyai for Python: AsyncStreamingClient"
_V3_CHANNELS = "assemblyai for Python: ChannelStreamer"
_V2_NODE = "assemblyai for Node: RealtimeTranscriber"
_V3_NODE = "assemblyai for Node: StreamingTranscriber"
_LIVEKIT_NAME = "LiveKit Agents: livekit-plugins-assemblyai"
_PIPECAT_NAME = "Pipecat: AssemblyAISTTService"

_POINTED_AT: dict[str, str] = {
    _V2_PYTHON: "`ASSEMBLYAI_BASE_URL=ws://HOST:PORT`; over TLS `https://HOST:PORT`",
    _V3_PYTHON: '`StreamingClientOptions(api_host="ws://HOST:PORT")`; over TLS, and for tokens `"HOST:PORT"`',
    _V3_ASYNC: "the same",
    _V3_CHANNELS: "the same, also with `AsyncChannelStreamer`",
    _V2_NODE: '`realtimeUrl: "wss://HOST:PORT/v2/realtime/ws"`; for tokens `baseUrl: "https://HOST:PORT"`',
    _V3_NODE: '`websocketBaseUrl: "wss://HOST:PORT/v3/ws"`; for tokens `streamingBaseUrl: "https://HOST:PORT"`',
    _LIVEKIT_NAME: '`assemblyai.STT(base_url="ws://HOST:PORT")`',
    _PIPECAT_NAME: '`AssemblyAISTTService(api_endpoint_base_url="ws://HOST:PORT/v3/ws")`',
}


def _v2(version: str, way: str, **options: Any) -> Case:
    tells = ("begin", "closed") if version == "0.20.2" else ("begin", "information", "closed")
    return Case(_V2_PYTHON, version, "v2", way, _PYTHON[version], "python_v2.py", tells, **options)


def _v3(version: str, way: str, **options: Any) -> Case:
    client = _V3_CHANNELS if options.get("channels") else _V3_PYTHON
    return Case(client, version, "v3", way, _PYTHON[version], "python_v3.py", ("begin", "end"), **options)


def _v3_async(version: str, way: str, **options: Any) -> Case:
    client = _V3_CHANNELS if options.get("channels") else _V3_ASYNC
    program = "python_v3_async.py"
    return Case(client, version, "v3", way, _PYTHON[version], program, ("begin", "end"), **options)


def _own(protocol: Literal["v2", "v3"], way: str, *, program: str, **options: Any) -> Case:
    tells = ("begin", "information", "closed") if protocol == "v2" else ("begin", "end", "closed")
    client = f"vivavoce: {'RealtimeTranscriber' if protocol == 'v2' else 'streaming.v3'}"
    return Case(client, "this", protocol, way, _OWN, program, tells, sdk="vivavoce", **options)


def _node(protocol: Literal["v2", "v3"], way: str, **options: Any) -> Case:
    client = _V2_NODE if protocol == "v2" else _V3_NODE
    return Case(
        client, NODE_SDK, protocol, way, _NODE, f"node_{protocol}.mjs", ("begin",), tls=True, **options
    )


def _livekit(way: str, **options: Any) -> Case:
    return Case(_LIVEKIT_NAME, LIVEKIT, "v3", way, _LIVEKIT, "livekit_agents.py", **options)


def _pipecat(way: str, **options: Any) -> Case:
    return Case(
        _PIPECAT_NAME, PIPECAT, "v3", way, _PIPECAT, "pipecat_service.py", hides_empty=True, **options
    )


# A turn of two speakers has one channel: the pause between them has to end it.
_CHANNELS: dict[str, Any] = {"channels": ("mic", "system"), "options": {"max_turn_silence": 400}}
_REDACTED: dict[str, Any] = {
    "redact_pii": True,
    "redact_pii_policies": ["phone_number", "date", "email_address"],
    "redact_pii_sub": "entity_name",
}
# But for redaction, with which nothing is told of unfinished turns, and webhooks.
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
    _v2("0.33.0", "key, forced end", controls=True),
    _v2("0.33.0", "token over TLS", tls=True, token=True),
    _v2("0.63.0", "token over TLS", tls=True, token=True),
    _v2("0.64.2", "key, forced end", controls=True),
    _v2("0.64.2", "token over TLS", tls=True, token=True),
    _v2("0.64.2", "8 kHz mu-law", encoding="pcm_mulaw", max_wer=0.2),
    _v2("0.64.2", "wrong key", refusal=4001, key="wrong"),
    _v2("0.64.2", "key without funds", refusal=4002, key=BROKE_KEY),
    _v3("0.63.0", "key"),
    _v3("0.63.0", "token over TLS", tls=True, token=True),
    _v3("1.0.0", "key, forced end", controls=True),
    _v3("1.0.0", "token over TLS", tls=True, token=True),
    _v3_async("1.0.0", "key"),
    _v3("1.0.0", "threaded", **_CHANNELS),
    _v3("1.8.2", "key, forced end", controls=True),
    _v3("1.8.2", "token over TLS", tls=True, token=True),
    _v3("1.8.2", "8 kHz mu-law", encoding="pcm_mulaw", max_wer=0.2),
    _v3("1.8.2", "Opus in Ogg", encoding="ogg_opus"),
    _v3("1.8.2", "AAC", encoding="aac"),
    _v3("1.8.2", "redaction", options=_REDACTED, tells_partials=False),
    _v3("1.8.2", "webhook", webhook=True),
    _v3("1.8.2", "wrong key", refusal=1008, key="wrong"),
    _v3("1.8.2", "key without funds", refusal=1008, key=BROKE_KEY),
    _v3(
        "1.8.2",
        "redaction of what rules can't find",
        refusal=3006,
        options=_REDACTED | {"redact_pii_policies": ["person_name"]},
    ),
    _v3_async("1.8.2", "key, forced end", controls=True),
    _v3_async("1.8.2", "token over TLS", tls=True, token=True),
    _v3_async(
        "1.8.2",
        "nearly every option",
        model="universal-3-6-pro",
        options=_EVERY_OPTION,
        hears=("Heartbeat", "SpeechStarted", "Silence"),
    ),
    _v3_async("1.8.2", "webhook over TLS", tls=True, webhook=True),
    _v3_async("1.8.2", "wrong key", refusal=1008, key="wrong"),
    _v3("1.8.2", "threaded", **_CHANNELS),
    _v3_async("1.8.2", "asynchronous", **_CHANNELS),
    _own("v2", "key, forced end", program="python_v2.py", controls=True),
    _own("v2", "token over TLS", program="python_v2.py", tls=True, token=True),
    _own("v3", "key, forced end", program="python_v3.py", controls=True),
    _own("v3", "token over TLS", program="python_v3.py", tls=True, token=True),
    _own("v3", "asynchronous, key, forced end", program="python_v3_async.py", controls=True),
    _own("v3", "asynchronous, token over TLS", program="python_v3_async.py", tls=True, token=True),
    _own("v3", "redaction", program="python_v3.py", options=_REDACTED, tells_partials=False),
    _own("v3", "webhook", program="python_v3_async.py", webhook=True),
    _own("v3", "channels", program="python_v3.py", **_CHANNELS),
    _own("v3", "channels, asynchronous", program="python_v3_async.py", **_CHANNELS),
    _node("v2", "key, forced end", controls=True),
    _node("v2", "token", token=True),
    _node("v2", "wrong key", refusal=4001, key="wrong"),
    _node("v3", "key, forced end", controls=True),
    _node("v3", "token", token=True),
    _node("v3", "wrong key", refusal=1008, key="wrong"),
    _livekit("its defaults", model=""),
    _livekit("universal-streaming-english over TLS", tls=True, options={"format_turns": True}),
    _pipecat("its defaults, forced end", model="", controls=True),
    _pipecat("the server's turns, over TLS", model="", tls=True, options={"vad_force_turn_endpoint": False}),
)


def clients_table() -> str:
    """The table of clients for docs/compatible-clients.md."""
    lines = ["| client | versions | protocol | how to point it at the server |", "|---|---|---|---|"]
    for client, how in _POINTED_AT.items():
        of_client = [case for case in CASES if case.client == client]
        versions = ", ".join(dict.fromkeys(case.version for case in of_client))
        name, _, what = client.partition(": ")
        lines.append(f"| {name}: `{what}` | {versions} | {of_client[0].protocol} | {how} |")
    return "\n".join(lines)
