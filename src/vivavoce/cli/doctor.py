"""``vivavoce doctor``."""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from vivavoce.cli.doctor_checks import Finding

__all__ = ["doctor", "format_finding"]

_COLOURS = {"ok": "32", "note": "36", "problem": "33", "broken": "31"}
_INDENT = 8
_MIN_TEXT_WIDTH = 20


def format_finding(finding: Finding, *, colour: bool = False, width: int | None = None) -> str:
    """Return a finding as text.

    Args:
        finding: The finding.
        colour: Whether its status is coloured.
        width: Width of the terminal, in cells; None: lines are not wrapped.
    """
    status = finding.status.value
    mark = f"{status:<{_INDENT}}"
    lines = [f"{finding.title}: {' '.join(finding.detail.split())}"]
    if finding.advice:
        lines.append(f"-> {finding.advice}")
    if width is not None:
        room = max(_MIN_TEXT_WIDTH, width - _INDENT)
        lines = [part for line in lines for part in textwrap.wrap(line, room, break_on_hyphens=False)]
    text = mark + f"\n{'':<{_INDENT}}".join(lines)
    return text.replace(status, f"\x1b[{_COLOURS[status]}m{status}\x1b[0m", 1) if colour else text


def doctor(context: typer.Context) -> None:
    """Check the installation and say how to fix what is missing.

    \b
    Examples:
      vivavoce doctor
      VIVAVOCE_BASE_URL=ws://server:8765 vivavoce doctor

    The check of the model loads it and transcribes a few seconds of speech. Keys are never shown. The
    exit code is 1 if transcription can't work.
    """  # noqa: D301  - click keeps the lines after \b as they are
    from vivavoce.cli.doctor_checks import Status, all_checks, run_checks
    from vivavoce.printing.terminal import terminal_width, uses_colour

    colour = uses_colour()
    width = terminal_width() if sys.stdout.isatty() else None
    broken = 0
    for finding in run_checks(all_checks(context.find_root().command)):  # type: ignore[arg-type]
        print(format_finding(finding, colour=colour, width=width), flush=True)
        broken += finding.status is Status.BROKEN
    if broken:
        raise typer.Exit(1)
