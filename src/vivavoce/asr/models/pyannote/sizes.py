"""Sizes of the segmentation model, as its weights have them."""

from __future__ import annotations

from typing import Final

__all__ = [
    "CLASSES",
    "CONVOLUTION",
    "FIELD_SAMPLES",
    "FILTERS",
    "FILTER_SAMPLES",
    "FILTER_STEP",
    "LAYERS",
    "NARROW",
    "POOLED",
    "STEP_SAMPLES",
    "WIDTH",
]

FILTERS: Final = 80
"""Of the audio: half of them even, half odd."""
FILTER_SAMPLES: Final = 251
FILTER_STEP: Final = 10
NARROW: Final = 60
"""Features after each convolution."""
CONVOLUTION: Final = 5
POOLED: Final = 3
"""Neighbours of which the largest is taken, after the filters and after each of two convolutions."""
LAYERS: Final = 4
WIDTH: Final = 128
"""Of an LSTM in one direction, and of the layers after them."""
CLASSES: Final = 7
STEP_SAMPLES: Final = FILTER_STEP * POOLED**3
FIELD_SAMPLES: Final = FILTER_SAMPLES + FILTER_STEP * (
    POOLED**3 - 1 + (CONVOLUTION - 1) * POOLED + (CONVOLUTION - 1) * POOLED**2
)
"""Samples that the features of a frame are made of."""
