"""Graphs that are written from a model's files at first use, and kept in the cache folder."""

from __future__ import annotations

import atexit
import contextlib
import errno
import fcntl
import hashlib
import json
import logging
import os
import platform
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vivavoce.errors import ModelError
from vivavoce.folders import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["cached", "digest"]

_log = logging.getLogger(__name__)

_DIGESTS: Final = "digests.json"
_BUILDING: Final = "building-"
_LEFT_AFTER_S: Final = 3_600.0  # building takes seconds
_READABLE_FOLDER: Final = 0o755
_READABLE_FILE: Final = 0o644


def digest(*files: Path) -> str:
    """A short name for the content of these files: 16 hexadecimal digits."""
    found = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()[:16]


def cached(name: str, last: str, build: Callable[[Path], None]) -> Path:
    """A folder of the cache, complete and undamaged; it is filled when it is not.

    The digests of its files are kept beside them: a graph with a flipped bit gives wrong words, or none, in
    silence. If the cache can't be written, the files are kept in a temporary folder until the process ends,
    and a warning is logged.

    Args:
        name: Identifies the content of the folder, down to the last bit; the kind of machine is added.
        last: A file that must be in the folder.
        build: Fills a new folder.

    Returns:
        The complete folder.

    Raises:
        ModelError: From ``build``, or there is no room for the files anywhere.
    """
    target = cache_folder() / f"{name}-{platform.machine()}"
    fault = _fault_of(target, last)
    if fault is None:
        return target
    if target.exists():
        _log.warning("%s: %s, graphs are written again", target, fault)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(target.parent)
        with _alone(target.parent):
            if _fault_of(target, last) is not None:  # another process has not filled it meanwhile
                _fill(target, build)
    except OSError as error:
        _log.warning(
            "the cache %s can't be written (%s): graphs go to a temporary folder", cache_folder(), error
        )
        target = Path(tempfile.mkdtemp(prefix="vivavoce-"))
        atexit.register(shutil.rmtree, target, ignore_errors=True)
        try:
            build(target)
        except OSError as failure:
            raise ModelError(f"no room for the graphs of a model in {target}: {failure}") from failure
    return target


def _fault_of(folder: Path, last: str) -> str | None:
    """What is wrong with a folder of the cache; None: nothing is."""
    try:
        digests: dict[str, str] = json.loads((folder / _DIGESTS).read_text(encoding="utf-8"))
        if last not in digests:
            return f"{last} is missing"
        for name, expected in digests.items():
            if digest(folder / name) != expected:
                return f"{name} is damaged"
    except (OSError, ValueError, AttributeError) as error:
        return str(error) or type(error).__name__
    return None


def _fill(target: Path, build: Callable[[Path], None]) -> None:
    """Build a folder beside its place and move it there, in one step: no other process sees a part of it.

    Raises:
        OSError: The disk is full, or the place can't be written.
    """
    folder = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=target.parent))
    try:
        build(folder)
        files = [path for path in folder.rglob("*") if path.is_file()]
        digests = {str(path.relative_to(folder)): digest(path) for path in files}
        (folder / _DIGESTS).write_text(json.dumps(digests), encoding="utf-8")
        for path in (*files, folder / _DIGESTS, folder):
            path.chmod(_READABLE_FOLDER if path.is_dir() else _READABLE_FILE)  # another user may run it next
            _sync(path)
        if target.exists():
            before = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=target.parent))
            target.rename(before / "damaged")
            shutil.rmtree(before, ignore_errors=True)
        try:
            folder.rename(target)
        except OSError as error:
            if error.errno not in {errno.EEXIST, errno.ENOTEMPTY}:  # another process was faster
                raise
            shutil.rmtree(folder, ignore_errors=True)
        _sync(target.parent)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


@contextlib.contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """Let one process at a time write graphs: several workers would each need the memory for it."""
    descriptor = os.open(cache, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks: the same graphs are written twice
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)  # which ends the lock


def _sync(path: Path) -> None:
    """Have a file or folder written: a machine that loses power must not keep a name without content."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_leftovers(cache: Path) -> None:
    """Remove what processes that were killed have left."""
    for path in cache.glob(f"{_BUILDING}*"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _LEFT_AFTER_S:
                shutil.rmtree(path, ignore_errors=True)
