"""The sample recording in the model's package: the opening of *A Tale of Two Cities*, 44 s."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from vivavoce.cli.demo_latency import ReferenceWord
from vivavoce.errors import ExtrasNotInstalledError

__all__ = ["demo_recording_path", "demo_reference"]


def demo_recording_path() -> Path:
    """Return the path of the recording without importing the package that contains it.

    Raises:
        ExtrasNotInstalledError: The package is missing.
    """
    spec = importlib.util.find_spec("moonshine_voice")
    path = Path(spec.origin).parent / "assets" / "two_cities.wav" if spec and spec.origin else None
    if path is None or not path.is_file():
        raise ExtrasNotInstalledError(
            "the sample recording comes with the model, which is not installed; "
            'run: pip install "vivavoce[server]"'
        )
    return path


def demo_reference() -> list[ReferenceWord]:
    """Return the words of the recording with their times, in order."""
    lines = Path(__file__).with_name("two_cities.tsv").read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return [ReferenceWord(text, int(start_ms) / 1000, int(end_ms) / 1000) for text, start_ms, end_ms in rows]
