"""``vivavoce doctor``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from vivavoce.cli.checks import Check

__all__ = ["doctor", "lines_of"]

_COLOURS = {"ok": "32", "note": "36", "problem": "33", "broken": "31"}


def lines_of(check: Check, *, colour: bool) -> str:
    """A finding as text."""
    mark = f"{check.status.value:<8}"
    if colour:
        mark = f"\x1b[{_COLOURS[check.status.value]}m{mark}\x1b[0m"
    text = f"{mark}{check.title}: {' '.join(check.detail.split())}"
    return f"{text}\n        -> {check.advice}" if check.advice else text


def doctor() -> None:
    """Look for what is missing or broken, and say what to do.

    \b
    Examples:
      vivavoce doctor
      VIVAVOCE_BASE_URL=ws://server:8765 vivavoce doctor

    Loads the model and lets it transcribe a few seconds, so it takes some itself. Keys are never
    shown. Exits with 1 if something is broken that transcription needs.
    """  # noqa: D301  - click keeps what follows \b as it is
    from vivavoce.cli.checks import Status, run_checks

    colour = (
        sys.stdout.isatty()
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM", "") not in {"dumb", ""}
    )
    broken = 0
    for check in run_checks():
        print(lines_of(check, colour=colour), flush=True)
        broken += check.status is Status.BROKEN
    if broken:
        raise typer.Exit(1)
