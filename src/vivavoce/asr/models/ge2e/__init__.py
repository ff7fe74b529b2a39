"""Resemblyzer's voice encoder: an embedding of a voice from a second or two of speech.

Source: L. Wan et al., "Generalized End-to-End Loss for Speaker Verification", 2018.
"""

from __future__ import annotations

from vivavoce.asr.models.ge2e.embedder import Ge2eEmbedder

__all__ = ["Ge2eEmbedder"]
