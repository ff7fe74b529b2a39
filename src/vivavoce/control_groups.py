"""Finds the control groups whose limits apply to this process: its own, and all that contain them.

A limit of any of them holds, so whoever asks for one takes the smallest. See cgroups(7).
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["group_folders"]


def group_folders(controller: str, root: Path = Path("/")) -> Iterator[tuple[bool, Path]]:
    """Yield the folder of each group that limits this process, and whether it is of version 1.

    Args:
        controller: What the groups limit, such as ``cpu`` or ``memory``.
        root: Root of the file system.

    Returns:
        Nothing where there are no control groups. A group may have no limit, and no file that would name it.
    """
    try:
        groups = list(_groups((root / "proc/self/cgroup").read_text(), controller))
        mounts = list(_mounts((root / "proc/self/mountinfo").read_text(), controller))
    except (OSError, ValueError):  # no Linux
        return
    for is_v1, group in groups:
        for mount_is_v1, top, folder in mounts:
            if is_v1 is mount_is_v1:
                for each in _folders(root / folder.lstrip("/"), group, top):
                    yield is_v1, each


def _groups(text: str, controller: str) -> Iterator[tuple[bool, str]]:
    """Yield whether a group is of version 1, and its path in the hierarchy, if it has the controller."""
    for line in text.splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0" and not controllers:
            yield False, path
        elif controller in controllers.split(","):
            yield True, path


def _mounts(text: str, controller: str) -> Iterator[tuple[bool, str, str]]:
    """Yield whether a mount is of version 1, what of the hierarchy it shows, and where; see proc(5)."""
    for line in text.splitlines():
        mount, _, file_system = line.partition(" - ")
        kind, _, options = file_system.split(" ", 2)
        if kind == "cgroup2" or (kind == "cgroup" and controller in options.split(",")):
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
