"""Moving memory to huge pages, so that reading a model's weights needs fewer entries of the address tables.

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
_LEAST_USED: Final = 0.75  # part of a mapping; the rest of it would take memory, too
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
    start = end = 0  # of the mapping that the lines are about; both 0 if it is of another kind
    for line in smaps:
        head = _HEAD.match(line)
        if head is not None:
            first, last, mode, inode, name = head.groups()
            is_ours = mode == "rw-p" and inode == "0" and name in {"", "[heap]"}
            start, end = (int(first, 16), int(last, 16)) if is_ours else (0, 0)
        elif line.startswith("Rss:") and int(line.split()[1]) * 1024 >= _LEAST_USED * (end - start):
            whole_start, whole_end = -(-start // _PAGE) * _PAGE, end // _PAGE * _PAGE
            if whole_end > whole_start:
                yield MemoryArea(whole_start, whole_end - whole_start)


def use_huge_pages() -> None:
    """Move the memory that is in use now to huge pages; takes some tenths of a second.

    Does nothing on other systems, before Linux 6.1, or where the administrator has switched huge pages off.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        if "[never]" in Path("/sys/kernel/mm/transparent_hugepage/enabled").read_text():
            return
        smaps = Path("/proc/self/smaps").read_bytes()  # paths in it may be in any encoding
        areas = list(areas_in(smaps.decode("ascii", errors="replace").split("\n")))
        madvise = ctypes.CDLL(None).madvise
    except (AttributeError, OSError):
        return
    madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    for area in areas:  # where it fails, the pages stay as they are
        madvise(area.start, area.size, _MADV_COLLAPSE)
