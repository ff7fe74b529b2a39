"""Options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from vivavoce.errors import ConfigurationError

__all__ = [
    "MAX_SAMPLE_RATE",
    "MIN_SAMPLE_RATE",
    "ApiKey",
    "Format",
    "FormatOption",
    "Json",
    "Output",
    "Partials",
    "SampleRate",
    "Srt",
    "Url",
    "Vtt",
    "check_output",
]

MIN_SAMPLE_RATE = 8_000
MAX_SAMPLE_RATE = 96_000


class Format(StrEnum):
    """What is written of finished utterances."""

    TEXT = "text"
    JSON = "json"
    SRT = "srt"
    VTT = "vtt"


FormatOption = Annotated[
    Format | None,
    typer.Option(
        "--format",
        "-f",
        show_default=False,
        help="What to write: text unless -o says otherwise.",
        metavar="text|json|srt|vtt",
    ),
]
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
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line: --format json.")]
Partials = Annotated[
    bool, typer.Option("--partials", help="With --json: also what was heard of unfinished utterances.")
]
SampleRate = Annotated[
    int,
    typer.Option(
        "--sample-rate", metavar="HZ", min=MIN_SAMPLE_RATE, max=MAX_SAMPLE_RATE, help="In samples a second."
    ),
]


Output = Annotated[
    str | None,  # not a path, which forgets a slash at its end
    typer.Option(
        "--output",
        "-o",
        metavar="PATH",
        show_default=False,
        help="Write to a file, or to one a recording in a folder (FOLDER/ is made), and not to standard "
        "output. Without --format its ending says the format: .txt, .json, .srt, .vtt.",
    ),
]
Srt = Annotated[
    Path | None, typer.Option("--srt", metavar="FILE", show_default=False, help="Also write SRT captions.")
]
Vtt = Annotated[
    Path | None, typer.Option("--vtt", metavar="FILE", show_default=False, help="Also write WebVTT captions.")
]


def check_output(*, json: bool, partials: bool) -> None:
    """Refuse partials where they would be none.

    Raises:
        ConfigurationError: ``--partials`` without ``--json``.
    """
    if partials and not json:
        raise ConfigurationError("--partials needs --json: all else gets finished utterances only")
