"""How every program of this folder ends."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from vivavoce.errors import VivavoceError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["exit_code_of"]


def exit_code_of(work: Callable[[], int | None]) -> int:
    """Run a program and return its exit code; an error becomes one line on standard error.

    Args:
        work: The program; returns its exit code, None means 0.
    """
    try:
        return work() or 0
    except OSError as error:
        sys.stderr.write(f"{error.filename}: {error.strerror}\n")
        return 1
    except VivavoceError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
