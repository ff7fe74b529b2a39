"""What the command needs before anything of it loads: a quiet end on Ctrl-C, and NumPy on one thread.

Loading the package takes most of the first tenths of a second of the command, before any code of
`vivavoce.cli` can run. Importing this module changes nothing in other programs.
"""

from __future__ import annotations

import os
import signal
import sys

__all__ = ["exit_at_once", "is_command"]

_EXIT_INTERRUPTED = 130
_SCRIPTS = frozenset({"vivavoce", "vivavoce.exe"})


def exit_at_once(*_: object) -> None:
    """Handle SIGINT: end the process without a traceback. Nothing has been written yet."""
    os._exit(_EXIT_INTERRUPTED)


def is_command(argv: list[str], original_argv: list[str]) -> bool:
    """Return whether the process is the command, and not a program that uses the package.

    Args:
        argv: `sys.argv`; its first item is ``-m`` while Python still searches for the module to run.
        original_argv: `sys.orig_argv`, the arguments of the interpreter.
    """
    if argv[:1] == ["-m"]:
        at = original_argv.index("-m") + 1 if "-m" in original_argv else len(original_argv)
        return original_argv[at : at + 1] == ["vivavoce"]
    return bool(argv) and os.path.basename(argv[0]) in _SCRIPTS  # noqa: PTH119  - pathlib takes long to load


if is_command(getattr(sys, "argv", []), sys.orig_argv):
    # NumPy's products are small here. Threads that wait for a part of one cost more CPU than they save time,
    # and a server has a core for each of its own.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:  # noqa: SIM105  - contextlib takes long to load
        signal.signal(signal.SIGINT, exit_at_once)
    except ValueError:
        pass  # not the main thread
