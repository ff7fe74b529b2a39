"""Embeddings of voices: near each other if one person speaks, whatever is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from vivavoce.asr.models.ge2e.sizes import BANDS, FRAME_SAMPLES, HOP_SAMPLES, WIDTH
from vivavoce.asr.models.log_mel import mel_power
from vivavoce.asr.models.onnx.packages import package_file
from vivavoce.asr.models.onnx.written import open_written
from vivavoce.asr.speakers import VoiceTuning
from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from vivavoce.asr.audio import Samples

__all__ = ["Ge2eEmbedder"]

# Part of the cache's key: raise it with each change of the written graph.
_BUILD: Final = 2
_LOUDNESS: Final = 10 ** (-30 / 20)  # of the training, full scale 1: quieter speech is made as loud


class Ge2eEmbedder:
    """Resemblyzer's voice encoder; a `SpeakerEmbedder`.

    Attributes:
        window_samples: The length of speech it was trained with.
        hop_samples: Windows overlap by half.
        shortest_samples: Less than this says little about a voice.
        width: Values of an embedding.
        tuning: What counts as one voice; see `benchmarks/studies/speakers.md`.
    """

    name: Final = "ge2e"
    window_samples: Final = 160 * HOP_SAMPLES + FRAME_SAMPLES - HOP_SAMPLES
    hop_samples: Final = window_samples // 2
    shortest_samples: Final = MODEL_RATE_HZ // 2
    width: Final = WIDTH
    tuning: Final = VoiceTuning(alike=0.6, founding=0.3, inherited=0.6, apart=0.5, pools=False)

    def __init__(self, model: Path | None = None, *, threads: int = 1) -> None:
        """Open the network.

        Args:
            model: The file ``pretrained.pt``; by default the one inside the package ``resemblyzer``.
            threads: Threads for one run.

        Raises:
            ModelError: The file is missing or is not such a model.
        """
        path = model or package_file("resemblyzer", "pretrained.pt", install="--no-deps resemblyzer")

        def write(source: Path, target: Path) -> None:
            from vivavoce.asr.models.ge2e.graph import build_encoder  # noqa: PLC0415 - loads onnx

            build_encoder(source, target)

        self._session = open_written("ge2e", _BUILD, path, write, threads=threads)

    @property
    def typical(self) -> npt.NDArray[np.float32]:
        """Nothing is subtracted; see `SpeakerEmbedder.typical`."""
        return np.zeros(WIDTH, np.float32)

    def embed(self, voices: Sequence[Samples]) -> npt.NDArray[np.float32]:
        """Compute an embedding of each stretch of speech; see `SpeakerEmbedder.embed`."""
        bands = [_bands(samples) for samples in voices]
        if not bands:
            return np.zeros((0, WIDTH), np.float32)
        lengths = np.array([len(each) for each in bands], np.int32)
        together = np.zeros((len(bands), lengths.max(), BANDS), np.float32)
        for row, each in enumerate(bands):
            together[row, : len(each)] = each
        found: npt.NDArray[np.float32] = self._session.run(None, {"bands": together, "lengths": lengths})[0]
        return found


def _bands(samples: Samples) -> npt.NDArray[np.float32]:
    """Powers of the mel bands, shape (frames, 40), float32, of speech that is loud enough."""
    padded = np.pad(samples, (0, max(0, FRAME_SAMPLES - len(samples))))
    loudness = (
        float(np.sqrt(np.mean(np.square(padded)))) or _LOUDNESS
    )  # squares of what is inaudible may be 0
    return mel_power(padded * max(1.0, _LOUDNESS / loudness), BANDS)
