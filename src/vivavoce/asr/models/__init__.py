"""Models behind small interfaces: recognisers, and detectors of speech, turn ends and speakers.

`base` has the interfaces, `registry` the families, each of which is a folder. Nothing else runs ONNX Runtime.
"""

from __future__ import annotations

from vivavoce.asr.models.base import (
    Frames,
    Hypothesis,
    HypothesisWord,
    Recogniser,
    RunningBatch,
    Span,
    SpeechDetector,
    SpeechState,
    TurnDetector,
)
from vivavoce.asr.models.batches import BatchAtOnce, recognise, recognise_in
from vivavoce.asr.models.devices import DEVICE_CHOICES, check_device
from vivavoce.asr.models.onnx.huge_pages import use_huge_pages
from vivavoce.asr.models.onnx.memory import give_back_memory
from vivavoce.asr.models.registry import (
    PACKAGED_EMBEDDERS,
    check_embedder,
    check_installed,
    has_embedder,
    has_segmenter,
    load_detector,
    load_embedder,
    load_recogniser,
    load_segmenter,
    load_turn_detector,
    warm_up,
)
from vivavoce.asr.models.turn_aware import TurnAwareRecogniser

__all__ = [
    "DEVICE_CHOICES",
    "PACKAGED_EMBEDDERS",
    "BatchAtOnce",
    "Frames",
    "Hypothesis",
    "HypothesisWord",
    "Recogniser",
    "RunningBatch",
    "Span",
    "SpeechDetector",
    "SpeechState",
    "TurnAwareRecogniser",
    "TurnDetector",
    "check_device",
    "check_embedder",
    "check_installed",
    "give_back_memory",
    "has_embedder",
    "has_segmenter",
    "load_detector",
    "load_embedder",
    "load_recogniser",
    "load_segmenter",
    "load_turn_detector",
    "recognise",
    "recognise_in",
    "use_huge_pages",
    "warm_up",
]
