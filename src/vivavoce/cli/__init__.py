"""The ``vivavoce`` command.

A bare install contains only this entry point. The commands need the ``cli`` extra; each command imports
its heavy parts (the server, the SDK, PortAudio) when it runs.
"""

from __future__ import annotations

import signal
import sys

from vivavoce.command_start import exit_at_once

__all__ = ["main"]

_PACKAGES_OF_EXTRA = frozenset({"typer", "rich", "platformdirs"})


def main() -> None:
    """Run the command line and exit with its code."""
    signal.signal(signal.SIGINT, exit_at_once)  # while it loads
    try:
        from vivavoce.cli.app import run
    except ModuleNotFoundError as error:
        if error.name not in _PACKAGES_OF_EXTRA:
            raise
        print(
            'vivavoce: the command line is not installed; run: pip install "vivavoce[cli]"', file=sys.stderr
        )
        sys.exit(1)
    code = run(sys.argv[1:])
    signal.signal(signal.SIGINT, exit_at_once)  # the interpreter's own cleanup follows
    sys.exit(code)
