"""What the terminal on standard output can do."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys

__all__ = ["has_escapes", "terminal_width", "uses_colour"]


def terminal_width() -> int:
    """Return the width of the terminal, in cells.

    Unlike `shutil.get_terminal_size`, this asks the terminal before it reads COLUMNS: a live line must
    fit where the terminal wraps, and COLUMNS is what a parent process assumed.
    """
    with contextlib.suppress(OSError, ValueError):
        if columns := os.get_terminal_size(sys.stdout.fileno()).columns:
            return columns
    return shutil.get_terminal_size().columns


def has_escapes() -> bool:
    """Return whether the terminal supports escape sequences."""
    return os.environ.get("TERM", "") not in {"dumb", ""}


def uses_colour() -> bool:
    """Return whether standard output is a terminal that supports colour and the user allows it."""
    return sys.stdout.isatty() and has_escapes() and not os.environ.get("NO_COLOR")
