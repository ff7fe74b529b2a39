"""The recogniser: turns whole utterances into words with times and confidences."""

from __future__ import annotations

import importlib
import json
import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from vivavoce.asr.models.base import Hypothesis
from vivavoce.asr.models.batches import BatchAtOnce
from vivavoce.asr.models.devices import CPU
from vivavoce.asr.models.onnx.runtime import session_options
from vivavoce.asr.models.onnx_asr.words import words_of
from vivavoce.asr.models.registry import check_installed
from vivavoce.errors import EngineError, ModelError
from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from vivavoce.asr.models.base import RunningBatch, Span
    from vivavoce.asr.models.devices import Device

__all__ = ["OnnxAsrRecogniser"]

_SHORTEST_SAMPLES: Final = MODEL_RATE_HZ // 10  # filters of the front ends are as long as 25 ms


class OnnxAsrRecogniser:
    """NeMo models that the library onnx-asr runs, such as Parakeet; a `Recogniser` for exact spans.

    It can't continue given text, so it is for finals: a span with a prefix is an error. Drafts and expected
    terms are ignored.

    Attributes:
        max_batch: The largest batch that saves time.
        step_samples: Grid of span starts, in samples; nothing is reused between passes.
        joins_running: Whether spans may join others that are being decoded.
        partial_cadence_ms: None: any.
        max_workers: None: one batch for each core.
    """

    max_batch: Final = 1
    joins_running: Final = False
    step_samples: Final = 1
    partial_cadence_ms: Final = None
    max_workers: Final = None

    def __init__(self, folder: Path, *, threads: int = 1, device: Device = CPU) -> None:
        """Open the model; nothing is downloaded.

        Args:
            folder: Holds ``config.json`` with the type of the model, its graphs and ``vocab.txt``. If there
                are graphs with 8-bit weights (``….int8.onnx``), they are used.
            threads: Threads for one run.
            device: Where it runs.

        Raises:
            ModelError: onnx-asr is not installed, or a file is missing or unusable.
        """
        self._name = folder.name
        self._model: Final = _open(folder, threads, device)

    @property
    def name(self) -> str:
        """Name of the model, for people: that of its folder."""
        return self._name

    def open_batch(self) -> RunningBatch:
        """An empty batch."""
        return BatchAtOnce(self._recognise)

    def _recognise(self, spans: Sequence[Span]) -> list[Hypothesis]:
        try:
            return [self._hypothesis(span) for span in spans]
        except Exception as error:
            raise EngineError(f"{self.name} failed: {error}") from error

    def _hypothesis(self, span: Span) -> Hypothesis:
        if span.prefix:
            raise ValueError("it can't continue a text; use it for finals only")
        zeros = max(span.zeros, _SHORTEST_SAMPLES - len(span.samples))
        samples = np.pad(span.samples, (0, zeros)) if zeros > 0 else span.samples
        found = self._model.recognize(samples, sample_rate=MODEL_RATE_HZ)
        tokens = found.tokens or []
        if not tokens:
            return Hypothesis()
        words = words_of(
            tokens, found.timestamps, found.logprobs, duration_s=len(span.samples) / MODEL_RATE_HZ
        )
        if not words:
            return Hypothesis()
        # The library returns no numbers of tokens. These tell them apart, and no pass continues from them.
        numbers: dict[str, int] = {}
        ids = tuple(numbers.setdefault(token, len(numbers)) for token in tokens)
        return Hypothesis(ids, words, min(1.0, math.exp(found.logprobs[-1])))


def _open(folder: Path, threads: int, device: Device) -> Any:
    """Open a model with the library."""
    check_installed("onnx-asr")
    onnx_asr = importlib.import_module("onnx_asr")
    try:
        kind = json.loads((folder / "config.json").read_bytes())["model_type"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelError(f"{folder / 'config.json'} must name the `model_type` of the model") from error
    quantisation = "int8" if any(folder.glob("*int8.onnx")) else None
    try:
        model = onnx_asr.load_model(
            kind,
            folder,
            quantization=quantisation,
            sess_options=session_options(threads=threads),
            providers=device.providers,
        )
    except Exception as error:  # of the library, of ONNX Runtime, of Python
        raise ModelError(f"{folder} can't be loaded: {error}") from error
    return model.with_timestamps()
