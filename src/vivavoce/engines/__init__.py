"""Models behind two small interfaces: recognisers and speech detectors. Only here is ONNX Runtime used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vivavoce.engines.base import (
    Frames,
    Hypothesis,
    HypothesisWord,
    Recogniser,
    Span,
    SpeechDetector,
    SpeechState,
)
from vivavoce.engines.memory import give_back_memory

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Frames",
    "Hypothesis",
    "HypothesisWord",
    "Recogniser",
    "Span",
    "SpeechDetector",
    "SpeechState",
    "give_back_memory",
    "load_detector",
    "load_recogniser",
]


def load_recogniser(*, threads: int = 1) -> Recogniser:
    """Load the default recogniser. Takes about a second.

    Raises:
        ModelError: Its files are missing.
    """
    from vivavoce.engines.moonshine import MoonshineRecogniser  # noqa: PLC0415 - loads ONNX Runtime

    return MoonshineRecogniser(threads=threads)


def load_detector(*, threads: int = 1) -> SpeechDetector:
    """Load the default speech detector.

    Raises:
        ModelError: Its file is missing.
    """
    from vivavoce.engines.silero import SileroDetector  # noqa: PLC0415 - loads ONNX Runtime

    return SileroDetector(threads=threads)


def warm_up(recogniser: Recogniser, lengths_samples: Sequence[int] = (16_000, 80_000)) -> None:
    """Run a recogniser on silence of some lengths, so that the first speaker does not wait."""
    import numpy as np  # noqa: PLC0415 - not needed to import the interfaces

    for length in lengths_samples:
        recogniser.recognise([Span(np.zeros(length, dtype=np.float32))])
