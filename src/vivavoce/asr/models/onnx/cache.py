"""Graphs that are written from a model's files at first use, and kept in the cache folder."""

from __future__ import annotations

import hashlib
import logging
import platform
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from vivavoce.folders import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["cached", "digest"]

_log = logging.getLogger(__name__)


def digest(*files: Path) -> str:
    """A short name for the content of these files: 16 hexadecimal digits."""
    found = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()[:16]


def cached(name: str, last: str, build: Callable[[Path], None]) -> Path:
    """A folder of the cache; the first call fills it.

    If the cache can't be written, the files are kept in a temporary folder, and a warning is logged.

    Args:
        name: Identifies the content of the folder, down to the last bit; the kind of machine is added.
        last: A file that is in the folder once the folder is complete.
        build: Fills a new folder.

    Returns:
        The complete folder.

    Raises:
        ModelError: From ``build``.
    """
    target = cache_folder() / f"{name}-{platform.machine()}"
    if (target / last).is_file():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="building-", dir=target.parent))
    except OSError as error:
        target = Path(tempfile.mkdtemp(prefix="vivavoce-"))
        _log.warning(
            "the cache %s can't be written (%s): graphs are kept in %s", cache_folder(), error, target
        )
        build(target)
        return target
    try:
        build(folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    try:
        folder.rename(target)  # in one step: no other process sees an incomplete folder
    except OSError:  # another process was faster
        shutil.rmtree(folder, ignore_errors=True)
    return target
