"""Packages that only the measurements need, imported when they are used."""

from __future__ import annotations

import importlib
from typing import Any, Final

from vivavoce.errors import ExtrasNotInstalledError

__all__ = ["REQUIRED", "require"]

REQUIRED: Final = ("jiwer", "numpy", "soundfile", "whisper_normalizer.english")
"""What every measurement needs."""


def require(module: str) -> Any:
    """Import a module of the ``bench`` extra.

    Raises:
        ExtrasNotInstalledError: It is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ExtrasNotInstalledError(
            f'{module} is not installed; run: pip install "vivavoce[bench,server,cli]"'
        ) from error
