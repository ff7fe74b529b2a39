"""Giving back memory that is free and that the C library keeps all the same."""

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
    """Glibc's malloc_trim; None elsewhere."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError):  # musl has none
        return None


def give_back_memory() -> None:
    """Give free memory back to the system, which takes some 20 ms; nothing happens where that is not known.

    A long utterance takes tens of megabytes for a moment, on several threads; what lies between such
    blocks would otherwise be kept for good.
    """
    trim = _trim()
    if trim is not None:
        trim(0)
