"""Models behind small interfaces: recognisers, speech and turn detectors. ONNX Runtime is used only here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vivavoce.asr.models.base import (
    Frames,
    Hypothesis,
    HypothesisWord,
    Recogniser,
    Span,
    SpeechDetector,
    SpeechState,
)
from vivavoce.asr.models.onnx.memory import give_back_memory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.models.smart_turn import TurnDetector

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
    "load_turn_detector",
]


def load_recogniser(*, threads: int = 1, turn_model: str = "auto") -> Recogniser:
    """Load the default recogniser. Takes about a second.

    Args:
        threads: Threads for one run.
        turn_model: As for `load_turn_detector`.

    Raises:
        ModelError: A file is missing.
    """
    from vivavoce.asr.models.moonshine import MoonshineRecogniser  # noqa: PLC0415 - loads ONNX Runtime
    from vivavoce.asr.models.smart_turn import TurnAwareRecogniser  # noqa: PLC0415 - only needed here

    recogniser = MoonshineRecogniser(threads=threads)
    turns = load_turn_detector(turn_model, threads=threads)
    return recogniser if turns is None else TurnAwareRecogniser(recogniser, turns)


def load_turn_detector(turn_model: str, *, threads: int = 1) -> TurnDetector | None:
    """Load a model that hears from the sound whether a turn is over.

    Args:
        turn_model: ``auto``: smart-turn if ``pipecat-ai`` is installed; ``none``: none; else its file.
        threads: Threads for one run.

    Raises:
        ModelError: There is no such file, or it is no model.
    """
    if turn_model == "none":
        return None
    from vivavoce.asr.models.smart_turn.detector import SmartTurn, has_smart_turn  # noqa: PLC0415 - loads ONNX Runtime

    if turn_model == "auto":
        return SmartTurn(threads=threads) if has_smart_turn() else None
    return SmartTurn(Path(turn_model), threads=threads)


def load_detector(*, threads: int = 1) -> SpeechDetector:
    """Load the default speech detector.

    Raises:
        ModelError: Its file is missing.
    """
    from vivavoce.asr.models.silero.detector import SileroDetector  # noqa: PLC0415 - loads ONNX Runtime

    return SileroDetector(threads=threads)


def warm_up(recogniser: Recogniser, lengths_samples: Sequence[int] = (16_000, 80_000)) -> None:
    """Run a recogniser on silence of some lengths, so that the first speaker does not wait."""
    import numpy as np  # noqa: PLC0415 - not needed to import the interfaces

    for length in lengths_samples:
        recogniser.recognise([Span(np.zeros(length, dtype=np.float32))])
