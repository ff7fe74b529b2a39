"""The one sample rate inside the engine."""

from __future__ import annotations

from typing import Final

__all__ = ["ENGINE_RATE_HZ", "SAMPLES_PER_MS"]

ENGINE_RATE_HZ: Final = 16_000
"""Rate of all samples after the intake: what the detectors and the recogniser take."""

SAMPLES_PER_MS: Final = ENGINE_RATE_HZ // 1000
