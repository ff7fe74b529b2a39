"""Runs of networks that take means over time, so that only inputs of one length may share a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["run_by_length"]

Floats: TypeAlias = npt.NDArray[np.float32]


def run_by_length(inputs: Sequence[Floats], run: Callable[[Floats], Floats]) -> list[Floats]:
    """Run inputs of equal length together.

    Args:
        inputs: Arrays whose first axis may differ, float32.
        run: Takes inputs of one length, with an axis for them in front, and returns as many results.

    Returns:
        The results, in the order of the inputs.
    """
    found: dict[int, Floats] = {}
    for length in sorted({len(each) for each in inputs}):
        places = [place for place, each in enumerate(inputs) if len(each) == length]
        found |= zip(places, run(np.stack([inputs[place] for place in places])), strict=True)
    return [found[place] for place in range(len(inputs))]
