"""Sizes of CAM++, as its weights have them."""

from __future__ import annotations

from typing import Final

__all__ = ["BLOCKS", "FRONT_CHANNELS", "GROWTH", "INITIAL", "NARROW", "SEGMENT_FRAMES", "WIDTH"]

FRONT_CHANNELS: Final = 32
"""Of the convolutions over time and frequency."""
INITIAL: Final = 128
"""Features of a frame before the first block."""
GROWTH: Final = 32
"""Features that each layer of a block adds."""
NARROW: Final = 128
"""Features that a layer looks at its neighbours with."""
BLOCKS: Final = ((12, 1), (24, 2), (16, 2))
"""Layers, and frames between the neighbours that a layer sees."""
SEGMENT_FRAMES: Final = 100
"""A mask depends on means over so many frames, and over all."""
WIDTH: Final = 192
