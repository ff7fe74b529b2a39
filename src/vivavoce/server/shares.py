"""Sessions of several models on one machine: how many of each it holds beside the others."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["SharedMachine"]


class SharedMachine:
    """A machine whose capacity was measured with each model alone.

    If it holds N streams of a model, each of them takes 1/N of it, and all sessions together take 1 at most.
    """

    def __init__(self, streams_of_models: Mapping[str, int]) -> None:
        """Note what was measured.

        Args:
            streams_of_models: Streams by the name of the model, each at least 1; empty: nothing was measured,
                and the machine is never full.
        """
        self._shares = {name: Fraction(1, n) for name, n in streams_of_models.items()}

    def holds(self, models: Iterable[str]) -> bool:
        """Return whether it holds sessions at the same time.

        Args:
            models: The model of each; one that was not measured takes nothing.
        """
        return sum(self._shares.get(name, Fraction(0)) for name in models) <= 1

    def is_full(self, models: Iterable[str]) -> bool:
        """Return whether it holds no other session, whatever its model.

        Args:
            models: The model of each session that is open.
        """
        if not self._shares:
            return False
        smallest = min(self._shares, key=lambda name: self._shares[name])
        return not self.holds([*models, smallest])
