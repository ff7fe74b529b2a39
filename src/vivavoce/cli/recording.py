"""The recording that comes with the model: the opening of *A Tale of Two Cities*."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from vivavoce.errors import ExtrasNotInstalledError

__all__ = ["demo_recording"]


def demo_recording() -> Path:
    """Where the recording lies. Its package is looked up, not loaded.

    Raises:
        ExtrasNotInstalledError: The package is not there.
    """
    found = importlib.util.find_spec("moonshine_voice")
    path = Path(found.origin).parent / "assets" / "two_cities.wav" if found and found.origin else None
    if path is None or not path.is_file():
        raise ExtrasNotInstalledError(
            'the recording comes with the model, which is not installed; run: pip install "vivavoce[server]"'
        )
    return path
