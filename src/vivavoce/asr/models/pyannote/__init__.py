"""pyannote's segmentation 3.0: which of up to three speakers speak at each moment of ten seconds.

Sources: H. Bredin and A. Laurent, "End-to-end speaker segmentation for overlap-aware resegmentation", 2021;
A. Plaquet and H. Bredin, "Powerset multi-class cross entropy loss for neural speaker diarization", 2023.
"""

from __future__ import annotations

from vivavoce.asr.models.pyannote.segmenter import PyannoteSegmenter

__all__ = ["PyannoteSegmenter"]
