"""Sizes and marks of Moonshine: what all sizes share, and those of the packaged tiny model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = [
    "BLOCKS",
    "END",
    "FRAME_SAMPLES",
    "HEADS",
    "HEAD_SIZE",
    "HIDDEN",
    "ROW_SAMPLES",
    "START",
    "STATES",
    "STEP_SAMPLES",
    "TINY_DECODER",
    "TINY_ENCODER",
    "VOCABULARY",
    "WORD_HEADS",
    "DecoderSizes",
    "EncoderSizes",
]

BLOCKS: Final = 6
"""Blocks of the encoder, and of the decoder."""
HEADS: Final = 8
HEAD_SIZE: Final = 36
HIDDEN: Final = HEADS * HEAD_SIZE
STATES: Final = 2 * BLOCKS
"""Arrays of attention states: for each block its keys, then its values."""

VOCABULARY: Final = 32768
START: Final = 1
"""Token in front of every text."""
END: Final = 2
"""Token after the last one of a text."""

STEP_SAMPLES: Final = 64
"""Samples between two rows of the first convolution."""
ROW_SAMPLES: Final = 3 * STEP_SAMPLES
"""Samples between two rows of the second convolution."""
FRAME_SAMPLES: Final = 2 * ROW_SAMPLES
"""Samples between two frames of the encoder: 24 ms."""

WORD_HEADS: Final = ((4, 6), (3, 1))
"""Cross-attention heads (block, head) from which word times are read, chosen by measurement.

While a token is written, the first head attends to the word of that token, and the second to the end of the
word before it.
"""


@dataclass(frozen=True, slots=True)
class EncoderSizes:
    """Sizes of an encoder.

    Attributes:
        blocks: Its blocks.
        heads: Attention heads of each block.
        head_size: Features of a head.
    """

    blocks: int
    heads: int
    head_size: int

    @property
    def states(self) -> int:
        """Arrays of attention states: for each block its keys, then its values."""
        return 2 * self.blocks

    @property
    def inner(self) -> int:
        """Features of all heads."""
        return self.heads * self.head_size


@dataclass(frozen=True, slots=True)
class DecoderSizes:
    """Sizes and marks of a decoder.

    Attributes:
        blocks: Its blocks.
        heads: Attention heads of each block.
        head_size: Features of a head.
        word_rows: Rows of attention from which word times are read.
        start: Token in front of every text.
        end: Token after the last one of a text.
    """

    blocks: int
    heads: int
    head_size: int
    word_rows: int
    start: int = START
    end: int = END

    @property
    def states(self) -> int:
        """Arrays of attention states: for each block its keys, then its values."""
        return 2 * self.blocks


TINY_ENCODER: Final = EncoderSizes(BLOCKS, HEADS, HEAD_SIZE)
TINY_DECODER: Final = DecoderSizes(BLOCKS, HEADS, HEAD_SIZE, len(WORD_HEADS))
