"""``vivavoce serve``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path  # noqa: TC003  - typer reads the annotation
from typing import Annotated

import typer

from vivavoce.errors import ConfigurationError, ExtrasNotInstalledError
from vivavoce.settings import DEFAULT_PORT

__all__ = ["LogLevel", "read_keys", "serve"]


class LogLevel(StrEnum):
    """How much the server says."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def read_keys(options: list[str], environment: str | None, file: Path | None) -> tuple[str, ...]:
    """Every key that was given, once.

    Args:
        options: From the command line.
        environment: Keys separated by commas or spaces.
        file: One key a line, which may have a standing behind it; empty lines and lines that begin with #
            don't count.

    Raises:
        ConfigurationError: The file can't be read or holds no key.
    """
    keys = [*options, *(environment or "").replace(",", " ").split()]
    if file is not None:
        try:
            lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a text file"
            raise ConfigurationError(f"{file}: {reason.lower()}") from None
        found = [line for line in lines if line and not line.startswith("#")]
        if not found:
            raise ConfigurationError(f"{file}: there is no key in it")
        keys += found
    return tuple(dict.fromkeys(key for key in keys if key))


def serve(
    *,
    host: Annotated[
        str,
        typer.Option(
            metavar="HOST", envvar="VIVAVOCE_HOST", help="Address to listen on; 0.0.0.0 for every network."
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            metavar="PORT", envvar="VIVAVOCE_PORT", min=0, max=65_535, help="Port; 0 takes a free one."
        ),
    ] = DEFAULT_PORT,
    api_key: Annotated[
        list[str] | None,
        typer.Option(
            "--api-key",
            metavar="KEY",
            show_default=False,
            help="A key that clients may use; repeatable. Also VIVAVOCE_API_KEYS, separated by commas.",
        ),
    ] = None,
    api_key_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            envvar="VIVAVOCE_API_KEY_FILE",
            show_default=False,
            help="A file with one key a line; one with no-funds, unpaid or disabled behind it is refused.",
        ),
    ] = None,
    no_auth: Annotated[
        bool,
        typer.Option(
            "--no-auth", envvar="VIVAVOCE_NO_AUTH", help="Serve everyone, on any address, without a key."
        ),
    ] = False,
    max_sessions: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            envvar="VIVAVOCE_MAX_SESSIONS",
            min=1,
            show_default=False,
            help="Refuse more at a time.",
        ),
    ] = None,
    tls_cert: Annotated[
        Path | None,
        typer.Option(
            "--tls-cert",
            metavar="FILE",
            envvar="VIVAVOCE_TLS_CERT",
            show_default=False,
            help="Speak TLS with the certificate in this PEM file, followed by those of its authorities.",
        ),
    ] = None,
    tls_key: Annotated[
        Path | None,
        typer.Option(
            "--tls-key",
            metavar="FILE",
            envvar="VIVAVOCE_TLS_KEY",
            show_default=False,
            help="Its private key, unless that is in the same file.",
        ),
    ] = None,
    tls_self_signed: Annotated[
        bool,
        typer.Option(
            "--tls-self-signed",
            envvar="VIVAVOCE_TLS_SELF_SIGNED",
            help="Speak TLS with a certificate made here, for development.",
        ),
    ] = False,
    max_sessions_per_key: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            envvar="VIVAVOCE_MAX_SESSIONS_PER_KEY",
            min=1,
            show_default=False,
            help="Refuse more at a time with one key, or with tokens of it.",
        ),
    ] = None,
    webhooks: Annotated[
        bool,
        typer.Option(
            envvar="VIVAVOCE_WEBHOOKS", help="Post finished turns where a client wants; never without keys."
        ),
    ] = True,
    turn_model: Annotated[
        str,
        typer.Option(
            "--turn-model",
            metavar="auto|none|FILE",
            envvar="VIVAVOCE_TURN_MODEL",
            help="Who hears whether a turn is over: smart-turn if pipecat-ai is there, nobody, or this file.",
        ),
    ] = "auto",
    log_level: Annotated[
        LogLevel, typer.Option(envvar="VIVAVOCE_LOG_LEVEL", help="How much to say on standard error.")
    ] = LogLevel.INFO,
) -> None:
    """Run a server that speaks AssemblyAI's streaming protocols.

    \b
    Examples:
      vivavoce serve
      vivavoce serve --host 0.0.0.0 --api-key-file keys.txt
      ASSEMBLYAI_BASE_URL=ws://127.0.0.1:8765 python main.py
      vivavoce serve --tls-cert fullchain.pem --tls-key privkey.pem

    On a loopback address no key is needed. On any other the server refuses to start without keys,
    unless --no-auth says that this is meant. Ctrl-C or SIGTERM lets sessions finish first; a second
    one stops at once.

    --tls-self-signed makes a certificate for localhost and the host that is listened on, keeps it in
    the cache folder, and says where, so that clients can be told to trust it.
    """  # noqa: D301  - click keeps what follows \b as it is
    import os

    keys = read_keys(api_key or [], os.environ.get("VIVAVOCE_API_KEYS"), api_key_file)
    try:
        from vivavoce import server
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("vivavoce"):
            raise
        raise ExtrasNotInstalledError(
            'the server is not installed; run: pip install "vivavoce[server]"'
        ) from error
    server.serve(
        server.ServerOptions(
            host=host,
            port=port,
            api_keys=keys,
            no_auth=no_auth,
            max_sessions=max_sessions,
            max_sessions_per_key=max_sessions_per_key,
            turn_model=turn_model,
            webhooks=webhooks,
            tls_cert=tls_cert,
            tls_key=tls_key,
            tls_self_signed=tls_self_signed,
            log_level=log_level.value,
        )
    )
