"""Synthetic voices."""

from __future__ import annotations

import numpy as np

RATE = 16_000


def tone(hz, seconds, level=0.3):
    """Return samples of a fundamental with three harmonics, float32 at 16 kHz.

    Args:
        hz: The fundamental frequency: a number, or an array with one value per sample.
        seconds: Duration.
        level: Amplitude of the fundamental, 0 to 1.
    """
    n = round(seconds * RATE)
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(hz, n)) / RATE
    wave = sum(np.sin(k * phase) / k for k in range(1, 5))
    return (level * wave).astype(np.float32)
