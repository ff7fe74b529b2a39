"""Sizes of Silero's network at 16 kHz, as its weights have them."""

from __future__ import annotations

from typing import Final

__all__ = ["CONTEXT_SAMPLES", "FRAME_SAMPLES", "HIDDEN"]

FRAME_SAMPLES: Final = 512
"""Samples of a frame: 32 ms."""
CONTEXT_SAMPLES: Final = 64
"""Samples before a frame that the network takes with it; without them it finds no speech."""
HIDDEN: Final = 128
"""Values of the recurrent state, and as many of its cell."""
