"""Graphs that are made of a model's files at first use, and where they are kept."""

from __future__ import annotations

import hashlib
import logging
import os
import platform
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["cache_folder", "cached", "digest"]

_log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Where things that can be made again are kept: ``VIVAVOCE_HOME``/cache or the user's cache folder."""
    home = os.environ.get("VIVAVOCE_HOME")
    return Path(home) / "cache" if home else Path(platformdirs.user_cache_dir("vivavoce"))


def digest(*files: Path) -> str:
    """A short name for what is in these files."""
    found = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()[:16]


def cached(name: str, last: str, build: Callable[[Path], None]) -> Path:
    """A folder of the cache; it is filled the first time.

    Args:
        name: Says what is in it, down to the last bit; the kind of machine is added.
        last: A file that is in it once it is whole.
        build: Fills a new folder.

    Raises:
        ModelError: By ``build``.
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
    build(folder)
    try:
        folder.rename(target)  # in one step: another process never sees half of it
    except OSError:  # another process was quicker
        shutil.rmtree(folder, ignore_errors=True)
    return target
