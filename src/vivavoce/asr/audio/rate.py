"""The sample rate inside the engine, by the millisecond."""

from __future__ import annotations

from typing import Final

from vivavoce.types import MODEL_RATE_HZ

__all__ = ["SAMPLES_PER_MS"]

SAMPLES_PER_MS: Final = MODEL_RATE_HZ // 1000
"""Samples in a millisecond after the intake, and in the input of all models."""
