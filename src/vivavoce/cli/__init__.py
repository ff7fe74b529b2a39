"""The ``vivavoce`` command.

Only this entry point is loaded by a bare install; the commands need the ``cli`` extra and import what
is heavier (the server, the SDK, PortAudio) when they run.
"""

from __future__ import annotations

import sys

__all__ = ["main"]

_PARTS_OF_EXTRA = frozenset({"typer", "rich", "platformdirs"})


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        from vivavoce.cli.app import run
    except ModuleNotFoundError as error:
        if error.name not in _PARTS_OF_EXTRA:
            raise
        print(
            'vivavoce: the command line is not installed; run: pip install "vivavoce[cli]"', file=sys.stderr
        )
        sys.exit(1)
    sys.exit(run(sys.argv[1:]))
