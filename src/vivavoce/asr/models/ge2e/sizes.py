"""Sizes of the voice encoder, as its weights have them."""

from __future__ import annotations

from typing import Final

__all__ = ["BANDS", "FRAME_SAMPLES", "HOP_SAMPLES", "LAYERS", "WIDTH"]

BANDS: Final = 40
LAYERS: Final = 3
WIDTH: Final = 256
"""Of each LSTM, and of an embedding."""
FRAME_SAMPLES: Final = 400
HOP_SAMPLES: Final = 160
