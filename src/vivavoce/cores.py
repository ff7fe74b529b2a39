"""Counts the processors that this process may keep busy.

A container sees every core of its machine, but its CPU quota may be less than one. More threads than the
quota allows cost memory, and the kernel stops all of them for the rest of each period.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

from vivavoce.control_groups import group_folders

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["limit_cores", "usable_cores", "visible_cores"]

_limit: int | None = None  # of this process, which shares the machine with others of its kind; None: none


def usable_cores(root: Path = Path("/")) -> int:
    """Return how many threads can compute at the same time; at least 1.

    It is the number of processors of this process, its CPU quota, rounded up, or the limit of `limit_cores`:
    the least of them.

    Args:
        root: Root of the file system in which the quota of the control group is read; see cgroups(7).
    """
    n_visible = len(visible_cores()) or os.cpu_count() or 1
    limits = [] if _limit is None else [_limit]
    return max(1, min([n_visible, *limits, *map(math.ceil, _quotas(root))]))


def limit_cores(n_threads: int) -> None:
    """Let `usable_cores` return no more than this, for the life of the process.

    Args:
        n_threads: The share of this process among several that use the machine together; at least 1.
    """
    global _limit  # noqa: PLW0603 - what a process may use is a property of the process
    _limit = n_threads


def visible_cores() -> tuple[int, ...]:
    """Return the numbers of the processors of this process; empty where the system does not say (macOS)."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return ()


def _quotas(root: Path) -> Iterator[float]:
    """Yield each quota of this process, in cores: of its groups, and of the groups that contain them."""
    for is_v1, folder in group_folders("cpu", root):
        quota = _v1_quota(folder) if is_v1 else _v2_quota(folder)
        if quota is not None:
            yield quota


def _v2_quota(folder: Path) -> float | None:
    """Read ``cpu.max``: the quota and its period in microseconds; a quota may be ``max``."""
    try:
        quota, period = (folder / "cpu.max").read_text().split()
        return int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _v1_quota(folder: Path) -> float | None:
    """Read ``cpu.cfs_quota_us`` and ``cpu.cfs_period_us``; without a limit the quota is -1."""
    try:
        quota = int((folder / "cpu.cfs_quota_us").read_text())
        period = int((folder / "cpu.cfs_period_us").read_text())
        return quota / period if quota > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None
