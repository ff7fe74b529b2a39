"""Options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from vivavoce.protocol.query import SAMPLE_RATES_HZ

__all__ = [
    "MAX_SAMPLE_RATE",
    "MIN_SAMPLE_RATE",
    "ApiKeyOption",
    "Format",
    "FormatOption",
    "JsonOption",
    "OutputOption",
    "PartialsOption",
    "SrtOption",
    "UrlOption",
    "VttOption",
]

MIN_SAMPLE_RATE = SAMPLE_RATES_HZ.start
MAX_SAMPLE_RATE = SAMPLE_RATES_HZ.stop - 1


class Format(StrEnum):
    """Format of the transcripts."""

    TEXT = "text"
    JSON = "json"
    SRT = "srt"
    VTT = "vtt"


OutputOption = Annotated[
    str | None,  # not a Path, which would drop a slash at the end
    typer.Option(
        "--output",
        "-o",
        metavar="PATH",
        show_default=False,
        help="Write to this file instead of standard output (-), or to one file per recording in a folder. "
        "FOLDER/ is created. The suffix of a file implies the format: .txt, .json (one JSON array), .ndjson "
        "or .jsonl (one JSON object per line), .srt, .vtt. A recording is never overwritten.",
    ),
]
FormatOption = Annotated[
    Format | None,
    typer.Option(
        "--format",
        "-f",
        metavar="FORMAT",
        show_default=False,
        help="Write text, json, srt or vtt (default: the format that -o implies, or else text).",
    ),
]
SrtOption = Annotated[
    Path | None,
    typer.Option("--srt", metavar="FILE", show_default=False, help="Also write SRT captions to this file."),
]
VttOption = Annotated[
    Path | None,
    typer.Option(
        "--vtt", metavar="FILE", show_default=False, help="Also write WebVTT captions to this file."
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Write one JSON object per line; the same as --format json.")
]
PartialsOption = Annotated[bool, typer.Option("--partials", help="With --json: also write partials.")]
UrlOption = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        show_default=False,
        help="Use this server, for example ws://127.0.0.1:8765 (default: VIVAVOCE_BASE_URL or "
        "ASSEMBLYAI_BASE_URL from the environment or .env, or else a server inside this process).",
    ),
]
ApiKeyOption = Annotated[
    str | None,
    typer.Option(
        "--api-key",
        metavar="KEY",
        show_default=False,
        help="Send this API key (default: VIVAVOCE_API_KEY or ASSEMBLYAI_API_KEY). Other users of this "
        "machine can read command lines; prefer the environment.",
    ),
]
