"""``vivavoce doctor``."""

from __future__ import annotations

import os
import sys
import textwrap
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from vivavoce.cli.doctor_checks import Finding

__all__ = ["doctor", "lines_of"]

_COLOURS = {"ok": "32", "note": "36", "problem": "33", "broken": "31"}
_INDENT = 8


def lines_of(check: Finding, *, colour: bool = False, width: int | None = None) -> str:
    """A finding as text.

    Args:
        check: The finding.
        colour: Whether its status is coloured.
        width: Of the terminal, in cells; None leaves lines as long as they are.
    """
    status = check.status.value
    mark = f"{status:<{_INDENT}}"
    lines = [f"{check.title}: {' '.join(check.detail.split())}"]
    if check.advice:
        lines.append(f"-> {check.advice}")
    if width is not None:
        room = max(20, width - _INDENT)
        lines = [part for line in lines for part in textwrap.wrap(line, room, break_on_hyphens=False)]
    text = mark + f"\n{'':<{_INDENT}}".join(lines)
    return text.replace(status, f"\x1b[{_COLOURS[status]}m{status}\x1b[0m", 1) if colour else text


def doctor() -> None:
    """Look for what is missing or broken, and say what to do.

    \b
    Examples:
      vivavoce doctor
      VIVAVOCE_BASE_URL=ws://server:8765 vivavoce doctor

    Loads the model and lets it transcribe a few seconds, so it takes some itself. Keys are never
    shown. Exits with 1 if something is broken that transcription needs.
    """  # noqa: D301  - click keeps what follows \b as it is
    from vivavoce.cli.doctor_checks import Status, run_checks
    from vivavoce.cli.sinks import terminal_width

    colour = (
        sys.stdout.isatty()
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM", "") not in {"dumb", ""}
    )
    width = terminal_width() if sys.stdout.isatty() else None
    broken = 0
    for check in run_checks():
        print(lines_of(check, colour=colour, width=width), flush=True)
        broken += check.status is Status.BROKEN
    if broken:
        raise typer.Exit(1)
