"""Folders of the user in which Vivavoce keeps files."""

from __future__ import annotations

import functools
import os
import stat
import tempfile
from pathlib import Path

__all__ = ["cache_folder", "config_folder", "data_folder"]


def config_folder() -> Path | None:
    """Folder of the configuration file: ``VIVAVOCE_HOME``, or the user's configuration folder.

    It may not exist. None: the user has no home folder, as in a container with an unknown user.
    """
    if home := os.environ.get("VIVAVOCE_HOME"):
        return Path(home)
    from platformdirs import user_config_path  # noqa: PLC0415 - in extras

    try:
        return _absolute(user_config_path("vivavoce", appauthor=False))
    except RuntimeError:
        return None


def data_folder() -> Path | None:
    """Folder of files that nothing can create again.

    It is ``VIVAVOCE_DATA``, ``VIVAVOCE_HOME``/data, or the user's data folder, and may not exist. None: the
    user has no home folder.
    """
    if data := os.environ.get("VIVAVOCE_DATA"):
        return Path(data)
    if home := os.environ.get("VIVAVOCE_HOME"):
        return Path(home) / "data"
    from platformdirs import user_data_path  # noqa: PLC0415 - in extras

    try:
        return _absolute(user_data_path("vivavoce", appauthor=False))
    except RuntimeError:
        return None


def cache_folder() -> Path:
    """Folder of files that can be created again: ``VIVAVOCE_HOME``/cache, or the user's cache folder.

    It may not exist yet. A user without a home folder has it among the temporary files.
    """
    if home := os.environ.get("VIVAVOCE_HOME"):
        return Path(home) / "cache"
    from platformdirs import user_cache_path  # noqa: PLC0415 - in extras

    try:
        return _absolute(user_cache_path("vivavoce"))
    except RuntimeError:
        return _temporary_folder()


def _absolute(path: Path) -> Path:
    """Return an absolute path as it is.

    Raises:
        RuntimeError: It is relative: the home folder is unknown, and would become a folder named ``~``.
    """
    if not path.is_absolute():
        raise RuntimeError(f"no home folder: {path}")
    return path


@functools.cache
def _temporary_folder() -> Path:
    """Return a folder that no other user can write to: the same one each time, if that is possible."""
    folder = Path(tempfile.gettempdir()) / f"vivavoce-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return Path(tempfile.mkdtemp(prefix="vivavoce-"))
    return folder if _is_own(found) else Path(tempfile.mkdtemp(prefix="vivavoce-"))


def _is_own(found: os.stat_result) -> bool:
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022
