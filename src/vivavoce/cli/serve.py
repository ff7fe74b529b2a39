"""``vivavoce serve``."""

from __future__ import annotations

import contextlib
import functools
import gc
import math
import os
import stat
from pathlib import Path  # noqa: TC003  - typer reads it
from typing import TYPE_CHECKING, Any, Final

from vivavoce.cli.access_options import (  # noqa: TC001  - typer reads them
    KeyStoreOption,
    RedisOption,
    SharedRoomsOption,
    TrustedProxyOption,
)
from vivavoce.cli.guarded import say
from vivavoce.cli.model_options import (
    DeviceOption,
    ModelOption,
    OfflineOption,
    find_models,
    get_voice_model,
    with_folders,
)
from vivavoce.cli.serve_options import (
    AllowOriginOption,
    ApiKeyFileOption,
    ApiKeyOption,
    DrainOption,
    FinalModelOption,
    FinalWaitOption,
    HostOption,
    KeepDaysOption,
    KnownVoicesOption,
    LimitBurstsOption,
    LogFormat,
    LogFormatOption,
    LogLevel,
    LogLevelOption,
    MaxConnectionsOption,
    MaxReadersOption,
    MaxSessionsOption,
    MaxSessionsPerKeyOption,
    NoAuthOption,
    PortOption,
    PrivateWebhooksOption,
    PublicStatusOption,
    SpeakerModelOption,
    StoreOption,
    StrictChunksOption,
    TlsCertOption,
    TlsKeyOption,
    TlsSelfSignedOption,
    TraceOption,
    TurnModelOption,
    WebhooksOption,
    WorkersOption,
)
from vivavoce.cli.server_choice import server_extra
from vivavoce.configuration import DEFAULT_PORT
from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import ModuleType

    from vivavoce.model_files import ChosenModel

__all__ = ["drain_seconds", "read_keys", "serve"]


def serve(
    *,
    host: HostOption = "127.0.0.1",
    port: PortOption = DEFAULT_PORT,
    api_key: ApiKeyOption = None,
    api_key_file: ApiKeyFileOption = None,
    key_store: KeyStoreOption = None,
    redis: RedisOption = None,
    shared_rooms: SharedRoomsOption = True,
    no_auth: NoAuthOption = False,
    workers: WorkersOption = 1,
    max_sessions: MaxSessionsOption = None,
    limit_bursts: LimitBurstsOption = True,
    max_sessions_per_key: MaxSessionsPerKeyOption = None,
    max_connections_per_address: MaxConnectionsOption = None,
    allow_origin: AllowOriginOption = None,
    trusted_proxy: TrustedProxyOption = None,
    max_readers: MaxReadersOption = 5_000,
    store: StoreOption = None,
    keep_days: KeepDaysOption = None,
    tls_cert: TlsCertOption = None,
    tls_key: TlsKeyOption = None,
    tls_self_signed: TlsSelfSignedOption = False,
    webhooks: WebhooksOption = None,
    private_webhooks: PrivateWebhooksOption = False,
    strict_chunks: StrictChunksOption = False,
    model: ModelOption = None,
    final_model: FinalModelOption = None,
    final_wait: FinalWaitOption = 1.0,
    offline: OfflineOption = False,
    device: DeviceOption = "cpu",
    turn_model: TurnModelOption = "auto",
    speaker_model: SpeakerModelOption = "auto",
    known_voices: KnownVoicesOption = False,
    drain: DrainOption = "30",
    public_status: PublicStatusOption = False,
    log_level: LogLevelOption = LogLevel.INFO,
    log_format: LogFormatOption = LogFormat.TEXT,
    trace: TraceOption = False,
) -> None:
    """Run a server for AssemblyAI's streaming protocols.

    \b
    Examples:
      vivavoce serve
      vivavoce serve --host 0.0.0.0 --key-store keys.db
      vivavoce serve --model moonshine-tiny-en --model whisper-base

    A loopback address needs no keys; any other needs them, or --no-auth. After Ctrl-C or SIGTERM sessions
    may continue for --drain-timeout seconds; a second signal ends them, a third cuts them off. SIGHUP reads
    keys and certificate again.
    """  # noqa: D301  - click keeps the lines after \b as they are
    given = {**locals()}  # the parameters by their names
    keys, server = _keys_reader(api_key, api_key_file), _server_module()
    prepare = functools.partial(server.ServerOptions, api_keys=keys(), **_settings(given))
    options = _options(prepare, model, final_model, max_sessions, device, offline=offline)
    get_voice_model(speaker_model, offline=offline, check=lambda: server.check_start(options))
    _run(server, options, workers, keys)


_SAME_NAMES: Final = (
    "host",
    "port",
    "key_store",
    "redis",
    "shared_rooms",
    "no_auth",
    "webhooks",
    "private_webhooks",
    "strict_chunks",
    "max_readers",
    "limit_bursts",
    "max_sessions_per_key",
    "max_connections_per_address",
    "store",
    "keep_days",
    "device",
    "turn_model",
    "speaker_model",
    "public_status",
    "trace",
    "tls_cert",
    "tls_key",
    "tls_self_signed",
)
"""Parameters of the command that are attributes of the server's options as they are."""


def _run(server: ModuleType, options: Any, workers: int, keys: Callable[[], Sequence[str]]) -> None:
    if workers == 1:
        server.serve(options, read_keys=keys)
    else:
        server.serve_workers(options, workers, read_keys=keys)


def _settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the server's options get from the command, keys, models and limits of sessions apart."""
    from vivavoce.store import known_voices_path

    proxies = {"trusted_proxies": tuple(given["trusted_proxy"])} if given["trusted_proxy"] else {}
    return (
        {name: given[name] for name in _SAME_NAMES}
        | proxies
        | {
            "final_wait_s": given["final_wait"],
            "known_voices": known_voices_path() if given["known_voices"] else None,
            "allow_origins": tuple(given["allow_origin"] or ()),
            "drain_s": drain_seconds(given["drain"]),
            "log_level": given["log_level"].value,
            "log_format": given["log_format"].value,
        }
    )


def drain_seconds(text: str) -> float | None:
    """Return how long open sessions may continue, in seconds; None: until all have ended.

    Raises:
        ConfigurationError: It is neither a number from 0 on nor ``all``.
    """
    if text.strip().lower() == "all":
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise ConfigurationError(
            f"--drain-timeout must be a number of seconds from 0 on, or all, got {text!r}"
        )
    return seconds


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
        expected = _expected(models[0], final, device)
        return {"max_sessions": None} | ({} if expected is None else {"expected_sessions": expected})
    if text != "measured":
        if not text.isascii() or not text.isdecimal() or int(text) < 1:
            raise ConfigurationError(f"--max-sessions must be at least 1, or measured, got {text!r}")
        return {"max_sessions": int(text)}
    held = {model.name: _measured(model, final, device) for model in models}
    return {"max_sessions": max(held.values())} | ({"streams_of_models": held} if len(held) > 1 else {})


def _expected(model: ChosenModel, final: ChosenModel | None, device: str) -> int | None:
    """Return how many sessions of a model this machine is known to hold; None: that was not measured."""
    try:
        return _measured(model, final, device)
    except ConfigurationError:
        return None


def _measured(model: ChosenModel, final: ChosenModel | None, device: str) -> int:
    from vivavoce.cli.capacity_file import figures_name, measured_streams
    from vivavoce.model_files import DEFAULT_MODEL

    better = final if final is not None and final.can_revise(model) else None
    options = [] if model.name == DEFAULT_MODEL else [f"--model {model.given}"]
    options += [] if better is None else [f"--final-model {better.given}"]
    options += [] if device == "cpu" else [f"--device {device}"]
    better_name = None if better is None else figures_name(better)
    return measured_streams(figures_name(model), better_name, " ".join(options), device=device)


def _server_module() -> ModuleType:
    gc.disable()  # nothing becomes garbage while modules load, and looking for it takes a tenth of the time
    try:
        with server_extra():
            from vivavoce import server
    finally:
        gc.enable()
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
