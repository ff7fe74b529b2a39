"""Returning free memory to the system, which the C library would keep."""

from __future__ import annotations

import ctypes
import functools
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["give_back_memory"]


@functools.cache
def _trim() -> Callable[[int], int] | None:
    """Glibc's malloc_trim; None with other C libraries."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError):  # musl has none
        return None


def give_back_memory() -> None:
    """Return free memory to the system. Takes about 20 ms; does nothing without glibc.

    A long utterance takes tens of megabytes for a moment, on several threads. The C library would keep the
    free memory between such blocks for the life of the process.
    """
    trim = _trim()
    if trim is not None:
        trim(0)
