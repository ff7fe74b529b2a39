"""Speech of a turn, and the parts in which it is heard."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from vivavoce.asr.audio import Samples

__all__ = ["LONGEST_SAMPLES", "PART_SAMPLES", "Stretch", "parts_of"]

PART_SAMPLES: Final = 6 * MODEL_RATE_HZ
"""Speech that is heard by itself; the last part of a stretch has 4 to 10 s, unless it is the only one."""
LONGEST_SAMPLES: Final = 10 * MODEL_RATE_HZ
"""No part has so much: the segmentation model was trained with it."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Speech of a turn: from the first word of an utterance to its last.

    Attributes:
        start: Position of its first sample in the session.
        samples: Shape (n,), float32, 16 kHz.
    """

    start: int
    samples: Samples

    @property
    def span(self) -> tuple[int, int]:
        """Positions of its first sample and after its last."""
        return self.start, self.start + len(self.samples)


def parts_of(stretch: Stretch) -> list[Stretch]:
    """Cut a stretch into the parts that are heard by themselves.

    Whatever follows a stretch, all its parts but the last stay as they are: they can be heard while somebody
    still speaks. Each part is its own only part.

    Args:
        stretch: The stretch.

    Returns:
        The parts in order; they share the samples of the stretch. None if it is empty.
    """
    n = len(stretch.samples)
    if not n:
        return []
    edges = [0]
    while n - edges[-1] >= LONGEST_SAMPLES:
        edges.append(edges[-1] + PART_SAMPLES)
    pairs = itertools.pairwise([*edges, n])
    return [Stretch(stretch.start + first, stretch.samples[first:last]) for first, last in pairs]
