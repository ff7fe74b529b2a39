"""Embeddings of voices by an ONNX file that takes filter banks and returns an embedding."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from vivavoce.asr.models.by_length import run_by_length
from vivavoce.asr.models.campplus.embedder import TUNING
from vivavoce.asr.models.filter_banks import N_BANDS, filter_banks, long_enough
from vivavoce.asr.models.onnx.cache import digest
from vivavoce.asr.models.onnx.runtime import open_model
from vivavoce.errors import EngineError, ModelError
from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from vivavoce.asr.audio import Samples

__all__ = ["WespeakerEmbedder"]

_FULL_SCALE: Final = np.float32(32_768)  # the networks were trained on integers of 16 bits
_TRIAL_FRAMES: Final = 148
_SHORTEST: Final = 1e-6  # of an embedding, so that none divides by 0


class WespeakerEmbedder:
    """A voice encoder of WeSpeaker; a `SpeakerEmbedder`. Not yet run with real weights.

    Attributes:
        window_samples: More speech in one embedding says little more.
        hop_samples: Every other window of long speech is enough.
        shortest_samples: Less than this says little about a voice.
        tuning: What counts as one voice: a guess, from that of CAM++.
    """

    window_samples: Final = MODEL_RATE_HZ * 3 // 2
    hop_samples: Final = 2 * window_samples
    shortest_samples: Final = MODEL_RATE_HZ // 2
    tuning: Final = dataclasses.replace(TUNING, apart=0.35)

    def __init__(self, model: Path | None = None, *, threads: int = 1) -> None:
        """Open the network.

        Args:
            model: An ONNX file with one input, float32 (voices, frames, 80), Kaldi's filter banks with
                Hamming's window; its first output has the embeddings, float32 (voices, width).
            threads: Threads for one run.

        Raises:
            ModelError: No file is given, it is missing, or it is not such a model.
        """
        if model is None:
            raise ModelError("no package carries a model of WeSpeaker: name its ONNX file")
        self._session = open_model(model, threads=threads)
        self._name = f"wespeaker-{digest(model)[:8]}"  # embeddings of two files can't be compared
        inputs = self._session.get_inputs()
        self._input = inputs[0].name
        self._takes_one = inputs[0].shape[:1] == [1]  # voice in a run, however many there are
        try:
            found = self._run(np.zeros((1, _TRIAL_FRAMES, N_BANDS), np.float32))
        except EngineError as error:
            raise ModelError(f"{model.name} is no voice encoder that takes filter banks: {error}") from error
        if found.shape[:-1] != (1,):
            raise ModelError(
                f"{model.name} is no voice encoder: its output must be (voices, width), got {found.shape}"
            )
        self._width: int = found.shape[1]

    @property
    def name(self) -> str:
        """The family, and a short name of the file's content; see `SpeakerEmbedder.name`."""
        return self._name

    @property
    def width(self) -> int:
        """Values of an embedding; see `SpeakerEmbedder.width`."""
        return self._width

    @property
    def typical(self) -> npt.NDArray[np.float32]:
        """Nothing is subtracted; see `SpeakerEmbedder.typical`."""
        return np.zeros(self._width, np.float32)

    def embed(self, voices: Sequence[Samples]) -> npt.NDArray[np.float32]:
        """Compute an embedding of each stretch of speech; see `SpeakerEmbedder.embed`."""
        if not voices:
            return np.zeros((0, self._width), np.float32)
        bands = [filter_banks(long_enough(each) * _FULL_SCALE, "hamming") for each in voices]
        found = np.stack(run_by_length(bands, self._run))
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        embeddings: npt.NDArray[np.float32] = found / np.maximum(lengths, _SHORTEST)
        return embeddings

    def _run(self, bands: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Embeddings as the network gives them.

        Raises:
            EngineError: The network fails.
        """
        parts = np.split(bands, len(bands)) if self._takes_one else [bands]
        try:
            found = [self._session.run(None, {self._input: each})[0] for each in parts]
        except Exception as error:  # ONNX Runtime raises a dozen types of its own
            raise EngineError(f"the voice encoder failed: {' '.join(str(error).split())}") from error
        together: npt.NDArray[np.float32] = np.concatenate(found)
        return together
