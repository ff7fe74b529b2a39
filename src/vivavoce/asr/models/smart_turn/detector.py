"""smart-turn 3 on ONNX Runtime: the probability that a turn is over, from its last 8 seconds of sound.

The model is Daily's (BSD-2-Clause); its file comes inside the package ``pipecat-ai``, of which nothing else
is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from vivavoce.asr.models.onnx.packages import package_file
from vivavoce.asr.models.onnx.runtime import open_model
from vivavoce.asr.models.smart_turn.mel import log_mel
from vivavoce.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from vivavoce.asr.audio import Samples

__all__ = ["SmartTurn", "has_smart_turn"]

_PACKAGE: Final = "pipecat"
_FILE: Final = "audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx"
_INSTALL: Final = "pipecat-ai"
_WINDOW_SAMPLES: Final = 16_000 * 8
_VARIANCE_FLOOR: Final = 1e-7


class SmartTurn:
    """Scores turns one by one: rows of a batch gain nothing on a CPU, and are scored the same alone."""

    name: Final = "smart-turn-v3.2"

    def __init__(self, model: Path | None = None, *, threads: int = 1) -> None:
        """Open the model.

        Args:
            model: The ONNX file; by default the one inside ``pipecat-ai``.
            threads: Threads for one run.

        Raises:
            ModelError: The file is missing or no model.
        """
        self._session = open_model(model or _shipped_file(), threads=threads)

    def end_probabilities(self, turns: Sequence[Samples]) -> list[float]:
        """Probability that each turn is over; see `TurnDetector.end_probabilities`."""
        return [self._score(samples) for samples in turns]

    def _score(self, samples: Samples) -> float:
        output = self._session.run(None, {"input_features": _features(samples)[None]})[0]
        return float(output[0, 0])  # called logits by the file, but its last node is a sigmoid


def has_smart_turn() -> bool:
    """Whether the package that holds the model is installed."""
    try:
        _shipped_file()
    except ModelError:
        return False
    return True


def _shipped_file() -> Path:
    return package_file(_PACKAGE, _FILE, install=_INSTALL)


def _features(samples: Samples) -> npt.NDArray[np.float32]:
    """What the model was trained on: the last 8 s, silence in front, mean 0 and variance 1."""
    window = np.zeros(_WINDOW_SAMPLES, dtype=np.float32)
    tail = samples[-_WINDOW_SAMPLES:]
    window[_WINDOW_SAMPLES - len(tail) :] = tail
    window -= window.mean()
    window /= np.sqrt(window.var() + np.float32(_VARIANCE_FLOOR))
    return log_mel(window)
