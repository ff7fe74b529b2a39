"""What an output can do: a terminal, a notebook, or a pipe or file."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from typing import Final, TextIO

__all__ = ["has_escapes", "is_notebook", "is_terminal", "terminal_width", "uses_colour"]

_STANDARD_OUTPUT_OF_WINDOWS: Final = -11
_ESCAPES_OF_WINDOWS: Final = 0x0004  # ENABLE_VIRTUAL_TERMINAL_PROCESSING


def is_terminal(out: TextIO) -> bool:
    """Return whether an output is a terminal."""
    with contextlib.suppress(AttributeError, OSError, ValueError):  # an object of a program; closed
        return out.isatty()
    return False


def is_notebook(out: TextIO) -> bool:
    """Return whether an output is the cell of a notebook: a carriage return works there, escapes do not."""
    return type(out).__module__.partition(".")[0] == "ipykernel"


def terminal_width(out: TextIO | None = None) -> int:
    """Return the width of a terminal, in cells.

    Unlike `shutil.get_terminal_size`, this asks the terminal before it reads COLUMNS: a live line must
    fit where the terminal wraps, and COLUMNS is what a parent process assumed.

    Args:
        out: The terminal; standard output if None.
    """
    with contextlib.suppress(AttributeError, OSError, ValueError):
        if columns := os.get_terminal_size((out or sys.stdout).fileno()).columns:
            return columns
    return shutil.get_terminal_size().columns


def has_escapes() -> bool:
    """Return whether the terminal on standard output supports escape sequences."""
    if sys.platform == "win32":
        return _turn_on_windows_escapes()
    return os.environ.get("TERM", "") not in {"dumb", ""}


def _turn_on_windows_escapes() -> bool:
    import ctypes  # noqa: PLC0415  - for Windows only

    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009  - known to Windows only
    handle = kernel.GetStdHandle(_STANDARD_OUTPUT_OF_WINDOWS)
    mode = ctypes.c_ulong()
    return bool(
        kernel.GetConsoleMode(handle, ctypes.byref(mode))
        and kernel.SetConsoleMode(handle, mode.value | _ESCAPES_OF_WINDOWS)
    )


def uses_colour(out: TextIO | None = None) -> bool:
    """Return whether an output is a terminal that supports colour and the user allows it.

    Args:
        out: The output; standard output if None.
    """
    return is_terminal(out or sys.stdout) and has_escapes() and not os.environ.get("NO_COLOR")
