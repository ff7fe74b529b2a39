"""CAM++: an embedding of a voice from a second or two of speech.

Source: H. Wang et al., "CAM++: A Fast and Efficient Network for Speaker Verification Using Context-Aware
Masking", 2023.
"""

from __future__ import annotations

from vivavoce.asr.models.campplus.embedder import CampplusEmbedder

__all__ = ["CampplusEmbedder"]
