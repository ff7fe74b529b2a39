"""The recording that comes with the model: the opening of *A Tale of Two Cities*."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from vivavoce.cli.demo_latency import ReferenceWord
from vivavoce.errors import ExtrasNotInstalledError

__all__ = ["demo_recording_path", "demo_reference"]


def demo_recording_path() -> Path:
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


def demo_reference() -> list[ReferenceWord]:
    """The words that are said in it, and when."""
    lines = Path(__file__).with_name("two_cities.tsv").read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return [ReferenceWord(text, int(start_ms) / 1000, int(end_ms) / 1000) for text, start_ms, end_ms in rows]
