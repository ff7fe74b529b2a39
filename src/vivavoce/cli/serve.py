"""``vivavoce serve``."""

from __future__ import annotations

import contextlib
import functools
import os
import stat
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vivavoce.cli.guarded import say
from vivavoce.cli.model_options import DeviceOption, ModelOption, OfflineOption, find_models, with_folders
from vivavoce.cli.server_choice import server_extra
from vivavoce.configuration import DEFAULT_PORT
from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

    from vivavoce.model_files import ChosenModel

__all__ = ["LogLevel", "LogLevelOption", "PortOption", "StoreOption", "read_keys", "serve"]


class LogLevel(StrEnum):
    """Least severe level of messages that the server logs."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


_HostOption = Annotated[
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
_ApiKeyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--api-key",
        metavar="KEY",
        show_default=False,
        help="Accept this API key; repeatable. VIVAVOCE_API_KEYS adds keys, separated by commas.",
    ),
]
_ApiKeyFileOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        envvar="VIVAVOCE_API_KEY_FILE",
        show_default=False,
        help="Accept the API keys in this file, one per line. A key followed by no-funds, unpaid or "
        "disabled is refused with that reason.",
    ),
]
_NoAuthOption = Annotated[
    bool,
    typer.Option(
        "--no-auth",
        envvar="VIVAVOCE_NO_AUTH",
        help="Accept clients without a key, on any address.",
    ),
]
_MaxSessionsOption = Annotated[
    str | None,
    typer.Option(
        metavar="N|measured",
        envvar="VIVAVOCE_MAX_SESSIONS",
        show_default=False,
        help="Allow this many sessions at a time, or as many as vivavoce capacity measured with each model "
        "(default: no limit).",
    ),
]
_MaxSessionsPerKeyOption = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        envvar="VIVAVOCE_MAX_SESSIONS_PER_KEY",
        min=1,
        show_default=False,
        help="Allow this many sessions at a time for one key and its tokens (default: no limit).",
    ),
]
_AllowOriginOption = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-origin",
        metavar="ORIGIN",
        show_default=False,
        help="Let web pages from this origin, such as https://example.org, open sessions without a key and "
        "read rooms; repeatable; * allows all.",
    ),
]
_MaxReadersOption = Annotated[
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
_KeepDaysOption = Annotated[
    float | None,
    typer.Option(
        metavar="DAYS",
        envvar="VIVAVOCE_KEEP_DAYS",
        min=0,
        show_default=False,
        help="Delete kept transcripts after this many days (default: never).",
    ),
]
_TlsCertOption = Annotated[
    Path | None,
    typer.Option(
        "--tls-cert",
        metavar="FILE",
        envvar="VIVAVOCE_TLS_CERT",
        show_default=False,
        help="Use TLS with the certificate chain in this PEM file.",
    ),
]
_TlsKeyOption = Annotated[
    Path | None,
    typer.Option(
        "--tls-key",
        metavar="FILE",
        envvar="VIVAVOCE_TLS_KEY",
        show_default=False,
        help="Read the private key from this PEM file (default: the file of --tls-cert).",
    ),
]
_TlsSelfSignedOption = Annotated[
    bool,
    typer.Option(
        "--tls-self-signed",
        envvar="VIVAVOCE_TLS_SELF_SIGNED",
        help="Use TLS with a certificate for localhost and HOST that is created in the cache folder, for "
        "development; the log has its path.",
    ),
]
_WebhooksOption = Annotated[
    bool,
    typer.Option(
        envvar="VIVAVOCE_WEBHOOKS",
        help="Post finished turns to the URL that a client names. A public server without keys never does.",
    ),
]
_StrictChunksOption = Annotated[
    bool,
    typer.Option(
        "--strict-chunks",
        envvar="VIVAVOCE_STRICT_CHUNKS",
        help="Refuse v2 messages of less than 100 ms of audio, as the protocol documents (default: of less "
        "than 10 ms).",
    ),
]
_FinalModelOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|FOLDER",
        envvar="VIVAVOCE_FINAL_MODEL",
        show_default=False,
        help="Let this model hear finished turns again, for better finals (default: no second model).",
    ),
]
_FinalWaitOption = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        envvar="VIVAVOCE_FINAL_WAIT",
        min=0,
        help="Wait this long for --final-model after the end of a turn, then send the turn without it.",
    ),
]
_TurnModelOption = Annotated[
    str,
    typer.Option(
        "--turn-model",
        metavar="MODEL",
        envvar="VIVAVOCE_TURN_MODEL",
        help="Detect the end of a turn from audio with this model: auto (smart-turn if pipecat-ai is "
        "installed), none, or an ONNX file.",
    ),
]
_SpeakerModelOption = Annotated[
    str,
    typer.Option(
        "--speaker-model",
        metavar="MODEL",
        envvar="VIVAVOCE_SPEAKER_MODEL",
        help="Tell speakers apart for sessions that ask for it, with this voice encoder: auto (that of "
        "resemblyzer, if it is installed), none, or its file pretrained.pt.",
    ),
]
_DrainOption = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        envvar="VIVAVOCE_DRAIN",
        min=0,
        help="Let open sessions continue for this long at SIGTERM or Ctrl-C, then end them with their last "
        "words.",
    ),
]
_PublicStatusOption = Annotated[
    bool,
    typer.Option(
        "--public-status",
        envvar="VIVAVOCE_PUBLIC_STATUS",
        help="Serve /metrics and the figures of /readyz to everyone (default: on a public address to this "
        "machine, and with an API key).",
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


def serve(
    *,
    host: _HostOption = "127.0.0.1",
    port: PortOption = DEFAULT_PORT,
    api_key: _ApiKeyOption = None,
    api_key_file: _ApiKeyFileOption = None,
    no_auth: _NoAuthOption = False,
    max_sessions: _MaxSessionsOption = None,
    max_sessions_per_key: _MaxSessionsPerKeyOption = None,
    allow_origin: _AllowOriginOption = None,
    max_readers: _MaxReadersOption = 5_000,
    store: StoreOption = None,
    keep_days: _KeepDaysOption = None,
    tls_cert: _TlsCertOption = None,
    tls_key: _TlsKeyOption = None,
    tls_self_signed: _TlsSelfSignedOption = False,
    webhooks: _WebhooksOption = True,
    strict_chunks: _StrictChunksOption = False,
    model: ModelOption = None,
    final_model: _FinalModelOption = None,
    final_wait: _FinalWaitOption = 1.0,
    offline: OfflineOption = False,
    device: DeviceOption = "cpu",
    turn_model: _TurnModelOption = "auto",
    speaker_model: _SpeakerModelOption = "auto",
    drain: _DrainOption = 5.0,
    public_status: _PublicStatusOption = False,
    log_level: LogLevelOption = LogLevel.INFO,
) -> None:
    """Run a server for AssemblyAI's streaming protocols.

    \b
    Examples:
      vivavoce serve
      vivavoce serve --host 0.0.0.0 --api-key-file keys.txt
      vivavoce serve --model moonshine-tiny-en --model whisper-base

    A loopback address needs no keys; any other needs them, or --no-auth. After Ctrl-C or SIGTERM sessions
    may continue for --drain seconds; a second signal stops at once. SIGHUP reads keys and certificate again.
    """  # noqa: D301  - click keeps the lines after \b as they are
    keys, server = _keys_reader(api_key, api_key_file), _server_module()
    prepare = functools.partial(
        server.ServerOptions,
        host=host,
        port=port,
        api_keys=keys(),
        no_auth=no_auth,
        final_wait_s=final_wait,
        webhooks=webhooks,
        strict_chunks=strict_chunks,
        allow_origins=tuple(allow_origin or ()),
        max_readers=max_readers,
        **_kept(store, keep_days),
        public_status=public_status,
        log_level=log_level.value,
        max_sessions_per_key=max_sessions_per_key,
        **_running(device, turn_model, speaker_model, drain),
        **_tls(tls_cert, tls_key, is_self_signed=tls_self_signed),
    )
    server.serve(_options(prepare, model, final_model, max_sessions, device, offline=offline), read_keys=keys)


def _options(
    prepare: Callable[..., Any],
    names: Sequence[str] | None,
    final_name: str | None,
    max_sessions: str | None,
    device: str,
    *,
    offline: bool,
) -> Any:
    """Return the options of the server; models are downloaded only if nothing else is wrong with them."""
    models = find_models(names)
    finals = find_models([final_name]) if final_name else ()
    limits = _limits(max_sessions, models, *finals, device=device)

    def with_(found: Sequence[ChosenModel]) -> Any:
        final = found[-1] if finals else None
        return prepare(models=tuple(found[: len(models)]), final_model=final, **limits)

    found = [*models, *finals]
    return with_(
        with_folders(found, offline=offline, check=lambda: _server_module().check_start(with_(found)))
    )


def _limits(
    text: str | None, models: Sequence[ChosenModel], final: ChosenModel | None = None, *, device: str = "cpu"
) -> dict[str, Any]:
    """Return how many sessions there may be; several models share what was measured with each alone.

    Raises:
        ConfigurationError: It is no number, or was not measured here with one of the models.
    """
    if text is None:
        return {"max_sessions": None}
    if text != "measured":
        if not text.isascii() or not text.isdecimal() or int(text) < 1:
            raise ConfigurationError(f"--max-sessions must be at least 1, or measured, got {text!r}")
        return {"max_sessions": int(text)}
    held = {model.name: _measured(model, final, device) for model in models}
    return {"max_sessions": max(held.values())} | ({"streams_of_models": held} if len(held) > 1 else {})


def _measured(model: ChosenModel, final: ChosenModel | None, device: str) -> int:
    from vivavoce.cli.capacity_file import figures_name, measured_streams
    from vivavoce.model_files import DEFAULT_MODEL

    better = final if final is not None and final.can_revise(model) else None
    options = [] if model.name == DEFAULT_MODEL else [f"--model {model.given}"]
    options += [] if better is None else [f"--final-model {better.given}"]
    options += [] if device == "cpu" else [f"--device {device}"]
    better_name = None if better is None else figures_name(better)
    return measured_streams(figures_name(model), better_name, " ".join(options), device=device)


def _kept(store: Path | None, keep_days: float | None) -> dict[str, Any]:
    return {"store": store, "keep_days": keep_days}


def _running(device: str, turn_model: str, speaker_model: str, drain: float) -> dict[str, Any]:
    models = {"turn_model": turn_model, "speaker_model": speaker_model}
    return {**models, "device": device, "drain_s": drain}


def _tls(cert: Path | None, key: Path | None, *, is_self_signed: bool) -> dict[str, Any]:
    return {"tls_cert": cert, "tls_key": key, "tls_self_signed": is_self_signed}


def _server_module() -> ModuleType:
    with server_extra():
        from vivavoce import server
    return server


def _keys_reader(options: list[str] | None, file: Path | None) -> Callable[[], tuple[str, ...]]:
    """Return what reads all API keys; a file that every user can read is warned of."""
    with contextlib.suppress(OSError):  # reading it reports it
        if file is not None and file.stat().st_mode & stat.S_IROTH:
            say(f"vivavoce: every user of this machine can read {file}: chmod o-r {file}")
    return functools.partial(read_keys, options or [], os.environ.get("VIVAVOCE_API_KEYS"), file)


def read_keys(options: list[str], environment: str | None, file: Path | None) -> tuple[str, ...]:
    """Return all API keys without duplicates.

    Args:
        options: Keys from the command line.
        environment: Keys separated by commas or spaces.
        file: File with one key per line, optionally followed by its status. Empty lines and lines that
            start with # are ignored.

    Raises:
        ConfigurationError: The file can't be read or contains no key.
    """
    keys = [*options, *(environment or "").replace(",", " ").split()]
    if file is not None:
        try:
            lines = [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines()]
        except OSError as error:
            raise ConfigurationError(f"{file}: {(error.strerror or str(error)).lower()}") from None
        except UnicodeDecodeError:
            raise ConfigurationError(f"{file}: not UTF-8 text; save it as UTF-8") from None
        file_keys = [line for line in lines if line and not line.startswith("#")]
        if not file_keys:
            raise ConfigurationError(f"{file}: the file contains no key; write one key per line")
        keys += file_keys
    return tuple(dict.fromkeys(keys))
