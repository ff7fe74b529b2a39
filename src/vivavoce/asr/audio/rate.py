"""The sample rate inside the engine."""

from __future__ import annotations

from typing import Final

from vivavoce.types import MODEL_RATE_HZ

__all__ = ["ENGINE_RATE_HZ", "SAMPLES_PER_MS"]

ENGINE_RATE_HZ: Final = MODEL_RATE_HZ
"""Rate of all samples after the intake, and of the input of all models."""

SAMPLES_PER_MS: Final = ENGINE_RATE_HZ // 1000
