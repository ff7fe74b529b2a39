"""smart-turn 3 on ONNX Runtime: the probability that a turn is over, from its last 8 seconds of audio.

The model is Daily's (BSD-2-Clause). Its file is in the package ``pipecat-ai``, of which nothing else is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from vivavoce.asr.models.log_mel import log_mel
from vivavoce.asr.models.onnx.packages import package_file
from vivavoce.asr.models.onnx.runtime import open_model
from vivavoce.errors import ModelError
from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from vivavoce.asr.audio import Samples

__all__ = ["SmartTurn"]

_PACKAGE: Final = "pipecat"
_FILE: Final = "audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx"
_INSTALL: Final = "pipecat-ai"
_WINDOW_SAMPLES: Final = 8 * MODEL_RATE_HZ
_VARIANCE_FLOOR: Final = 1e-7


class SmartTurn:
    """Scores turns one by one, because a batch saves no time on a CPU; a `TurnDetector`."""

    name: Final = "smart-turn-v3.2"

    def __init__(self, model: Path | None = None, *, threads: int = 1) -> None:
        """Open the model.

        Args:
            model: The ONNX file; by default the one inside ``pipecat-ai``.
            threads: Threads for one run.

        Raises:
            ModelError: The file is missing or is not a model.
        """
        self._session = open_model(model or _shipped_file(), threads=threads)

    @staticmethod
    def is_installed() -> bool:
        """Whether the package that contains the model is installed."""
        try:
            _shipped_file()
        except ModelError:
            return False
        return True

    def end_probabilities(self, turns: Sequence[Samples]) -> list[float]:
        """Compute the probability that each turn is over; see `TurnDetector.end_probabilities`."""
        return [self._score(samples) for samples in turns]

    def _score(self, samples: Samples) -> float:
        output = self._session.run(None, {"input_features": _features(samples)[None]})[0]
        return float(output[0, 0])  # the file calls it logits, but its last node is a sigmoid


def _shipped_file() -> Path:
    return package_file(_PACKAGE, _FILE, install=_INSTALL)


def _features(samples: Samples) -> npt.NDArray[np.float32]:
    """Features as in training: the last 8 s, silence before them, mean 0 and variance 1; shape (80, 800)."""
    window = np.zeros(_WINDOW_SAMPLES, dtype=np.float32)
    tail = samples[-_WINDOW_SAMPLES:]
    window[_WINDOW_SAMPLES - len(tail) :] = tail
    window -= window.mean()
    window /= np.sqrt(window.var() + np.float32(_VARIANCE_FLOOR))
    return log_mel(window)
