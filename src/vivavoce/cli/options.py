"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from vivavoce.errors import ConfigurationError

__all__ = [
    "MAX_SAMPLE_RATE",
    "MIN_SAMPLE_RATE",
    "ApiKey",
    "Json",
    "Partials",
    "SampleRate",
    "Url",
    "check_output",
]

MIN_SAMPLE_RATE = 8_000
MAX_SAMPLE_RATE = 96_000

Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        show_default=False,
        help="Server to use, such as ws://127.0.0.1:8765. Without it: VIVAVOCE_BASE_URL or "
        "ASSEMBLYAI_BASE_URL from the environment or .env, and if none is set, a server inside this process.",
    ),
]
ApiKey = Annotated[
    str | None,
    typer.Option(
        "--api-key",
        metavar="KEY",
        show_default=False,
        help="Key for the server. Without it: VIVAVOCE_API_KEY or ASSEMBLYAI_API_KEY. Others on this machine "
        "can see a command line; prefer the environment.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Partials = Annotated[
    bool, typer.Option("--partials", help="With --json: also what was heard of unfinished utterances.")
]
SampleRate = Annotated[
    int,
    typer.Option(
        "--sample-rate", metavar="HZ", min=MIN_SAMPLE_RATE, max=MAX_SAMPLE_RATE, help="In samples a second."
    ),
]


def check_output(*, json: bool, partials: bool) -> None:
    """Refuse options that contradict each other.

    Raises:
        ConfigurationError: ``--partials`` without ``--json``.
    """
    if partials and not json:
        raise ConfigurationError("--partials needs --json: a pipe gets finished utterances only")
