"""Voice encoders of WeSpeaker, and others in the same form, as ONNX files.

Source: H. Wang et al., "Wespeaker: A Research and Production Oriented Speaker Embedding Learning Toolkit",
2023.
"""

from __future__ import annotations

from vivavoce.asr.models.wespeaker.embedder import WespeakerEmbedder

__all__ = ["WespeakerEmbedder"]
