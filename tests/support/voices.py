"""Sounds for tests that a voice could make, or nearly."""

from __future__ import annotations

import numpy as np

RATE = 16_000


def tone(hz, seconds, level=0.3):
    """A voice of sorts: a fundamental and its harmonics; the frequency may be a curve."""
    n = round(seconds * RATE)
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(hz, n)) / RATE
    wave = sum(np.sin(k * phase) / k for k in range(1, 5))
    return (level * wave).astype(np.float32)
