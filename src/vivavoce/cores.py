"""Counts the processors that this process may keep busy.

A container sees every core of its machine, but its CPU quota may be less than one. More threads than the
quota allows cost memory, and the kernel stops all of them for the rest of each period.
"""

from __future__ import annotations

import math
import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["usable_cores"]

_V1_CONTROLLER: Final = "cpu"


def usable_cores(root: Path = Path("/")) -> int:
    """Return how many threads can compute at the same time; at least 1.

    It is the number of processors of this process, or its CPU quota, rounded up, if that is less.

    Args:
        root: Root of the file system in which the quota of the control group is read; see cgroups(7).
    """
    visible = _visible_cores()
    return max(1, min([visible, *map(math.ceil, _quotas(root))]))


def _visible_cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quotas(root: Path) -> Iterator[float]:
    """Yield each quota of this process, in cores: of its groups, and of the groups that contain them."""
    try:
        groups = list(_groups((root / "proc/self/cgroup").read_text()))
        mounts = list(_mounts((root / "proc/self/mountinfo").read_text()))
    except (OSError, ValueError):  # no Linux
        return
    for is_v1, group in groups:
        for mount_is_v1, top, folder in mounts:
            if is_v1 is mount_is_v1:
                for each in _folders(root / folder.lstrip("/"), group, top):
                    quota = _v1_quota(each) if is_v1 else _v2_quota(each)
                    if quota is not None:
                        yield quota


def _groups(text: str) -> Iterator[tuple[bool, str]]:
    """Yield whether a group is of version 1, and its path in the hierarchy, if it limits the CPU."""
    for line in text.splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0" and not controllers:
            yield False, path
        elif _V1_CONTROLLER in controllers.split(","):
            yield True, path


def _mounts(text: str) -> Iterator[tuple[bool, str, str]]:
    """Yield whether a mount is of version 1, what of the hierarchy it shows, and where; see proc(5)."""
    for line in text.splitlines():
        mount, _, file_system = line.partition(" - ")
        kind, _, options = file_system.split(" ", 2)
        if kind == "cgroup2" or (kind == "cgroup" and _V1_CONTROLLER in options.split(",")):
            top, folder = mount.split(" ")[3:5]
            yield kind == "cgroup", top, folder.replace("\\040", " ")


def _folders(mount: Path, group: str, top: str) -> Iterator[Path]:
    """Yield the folder of a group and of the groups that contain it, as far as the mount shows them."""
    path = PurePosixPath(group)
    # A mount may show a part of the hierarchy only: that of a container which has the paths of its host.
    inner = path.relative_to(top) if path.is_relative_to(top) else PurePosixPath()
    if ".." in inner.parts:  # outside the namespace
        inner = PurePosixPath()
    for each in (inner, *inner.parents):
        yield mount / each


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
