"""Moving a model's weights to huge pages, so that reading them needs fewer entries of the address tables.

A step of the decoder reads 18 MB of weights and does little else. In pages of 4 KiB that takes more table
entries than a core keeps, and each miss waits for memory. See madvise(2), MADV_COLLAPSE.
"""

from __future__ import annotations

import ctypes
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["MemoryArea", "areas_in", "use_huge_pages"]

_MADV_COLLAPSE: Final = 25
_PAGE: Final = 2**21  # of x86-64, and of ARM with base pages of 4 KiB
_LEAST_USED: Final = 0.75  # part of an area; the rest of it would take memory, too
_HEAD: Final = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ (\d+)\s*(.*)")


class MemoryArea(NamedTuple):
    """A private area of memory without a file, cut to whole huge pages.

    Attributes:
        start: Address of its first byte.
        size: In bytes.
    """

    start: int
    size: int


def areas_in(smaps: Iterable[str]) -> Iterator[MemoryArea]:
    """Yield the areas that are worth huge pages: private, without a file, and mostly in use.

    Args:
        smaps: Lines of ``/proc/self/smaps``.
    """
    area = None
    for line in smaps:
        head = _HEAD.match(line)
        if head is not None:
            area = _area(*head.groups())
        elif area is not None and line.startswith("Rss:"):
            if int(line.split()[1]) * 1024 >= _LEAST_USED * area.size:
                yield area
            area = None


def _area(start: str, end: str, mode: str, inode: str, name: str) -> MemoryArea | None:
    if mode != "rw-p" or inode != "0" or name not in {"", "[heap]"}:
        return None
    first = -(-int(start, 16) // _PAGE) * _PAGE
    size = int(end, 16) // _PAGE * _PAGE - first
    return MemoryArea(first, size) if size > 0 else None


def use_huge_pages() -> None:
    """Move the memory that is in use now to huge pages; takes some tenths of a second.

    Does nothing but on Linux from 6.1 on, or where the administrator has switched huge pages off.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        if "[never]" in Path("/sys/kernel/mm/transparent_hugepage/enabled").read_text():
            return
        areas = list(areas_in(Path("/proc/self/smaps").read_text().splitlines()))
        madvise = ctypes.CDLL(None).madvise
    except (AttributeError, OSError):
        return
    madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    for area in areas:  # where it fails, the pages stay as they are
        madvise(area.start, area.size, _MADV_COLLAPSE)
