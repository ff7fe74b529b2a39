"""Finds out how much memory this process may still use: of its machine, or of its container."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vivavoce.control_groups import group_folders

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["free_memory_bytes"]


def free_memory_bytes(root: Path = Path("/")) -> int | None:
    """Return how much memory this process may still use; None: the system does not say.

    It is what the machine has available, or what is left of the limit of a control group, if that is less.

    Args:
        root: Root of the file system in which the figures are read; see proc(5) and cgroups(7).
    """
    found = [*_of_machine(root), *_of_groups(root)]
    return min(found) if found else None


def _of_machine(root: Path) -> Iterator[int]:
    try:
        lines = (root / "proc/meminfo").read_text().splitlines()
        fields = dict(line.split(":", 1) for line in lines if ":" in line)
        yield int(fields["MemAvailable"].split()[0]) << 10
    except (OSError, KeyError, ValueError, IndexError):
        return


def _of_groups(root: Path) -> Iterator[int]:
    """Yield what is left of each limit. A group may be full of files that it gives up when it needs room."""
    for is_v1, folder in group_folders("memory", root):
        names = ("memory.limit_in_bytes",) if is_v1 else ("memory.max", "memory.high")
        limits = [limit for name in names if (limit := _number(folder / name)) is not None]
        used = _number(folder / ("memory.usage_in_bytes" if is_v1 else "memory.current"))
        if limits and used is not None:
            yield min(limits) - used + _given_up_when_needed(folder)


def _number(path: Path) -> int | None:
    """Read a number; None if there is none, as of a limit that is ``max``."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _given_up_when_needed(folder: Path) -> int:
    """Bytes of files that were read and are not in use, which count as used memory."""
    try:
        lines = (folder / "memory.stat").read_text().splitlines()
        stats = dict(line.split() for line in lines)
        return int(stats.get("total_inactive_file", stats.get("inactive_file", 0)))  # version 1 has both
    except (OSError, ValueError):
        return 0
