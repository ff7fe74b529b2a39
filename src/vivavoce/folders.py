"""Folders of the user in which Vivavoce keeps files."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["cache_folder"]


def cache_folder() -> Path:
    """Folder of files that can be created again: ``VIVAVOCE_HOME``/cache, or the user's cache folder.

    It may not exist yet.
    """
    if home := os.environ.get("VIVAVOCE_HOME"):
        return Path(home) / "cache"
    from platformdirs import user_cache_path  # noqa: PLC0415 - in extras

    return user_cache_path("vivavoce")
