"""Groups of pieces of speech, and how alike they are: kept while groups are added and joined.

A group is a sum of embeddings and a weight, so the mean cosine of all pairs of two groups is one product.
What is added or joined changes one row of these products, not all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Crowd", "Group", "Leniency", "mean_cosine"]

Floats = npt.NDArray[np.float32]

_LEAST_WEIGHT: Final = np.float32(0.3)  # that leniency is divided by
_MUCH_WEIGHT: Final = np.float32(16.0)  # of a voice: from here on, leniency grows
_MOST_TIMES: Final = np.float32(16.0)  # up to so many times that, seven minutes
_NEVER: Final = np.float32(-9.0)  # similarity of a group with itself, and of a free place
_BOTH_KNOWN: Final = np.float32(
    4.0
)  # by how much less alike known voices are: they are the last to be joined


@dataclass(frozen=True, slots=True)
class Leniency:
    """How much less alike two groups may be and still be of one voice.

    The cosines of little speech say little. And the more a voice has said, the likelier it is that it is the
    one that speaks again, and the more of its speech was compared, so that some of it is unlike the rest by
    chance: the odds of a voice that was not heard yet fall as its weight grows, as in a Chinese restaurant
    process (D. J. Aldous, "Exchangeability and related topics", 1985).

    Attributes:
        of_one: Where the lighter group has the weight 1; where it has w, a w-th part of it.
        growth: By what part of that it grows with the logarithm of the heavier weight, from 16 to 256.
    """

    of_one: float = 0.0
    growth: float = 0.0

    def between(self, weights: npt.ArrayLike, others: npt.ArrayLike) -> Floats:
        """Return the leniency between groups of such weights, which are broadcast; float32."""
        least = np.maximum(np.minimum(weights, others), _LEAST_WEIGHT)
        growth = np.log(np.clip(np.maximum(weights, others) / _MUCH_WEIGHT, 1, _MOST_TIMES))
        found: Floats = np.asarray(self.of_one * (1 + self.growth * growth) / least, np.float32)
        return found


_NO_LENIENCY: Final = Leniency()


@dataclass(slots=True, eq=False)
class Group:
    """Pieces of one voice.

    Attributes:
        total: Sum of their embeddings, each times its weight, shape (width,).
        weight: Sum of these weights.
        label: Number of the voice, from 0; None: not decided.
        pieces: The pieces.
        is_known: Whether it is a voice that was known beforehand.
    """

    total: Floats
    weight: float
    label: int | None = None
    pieces: list[int] = field(default_factory=list)
    is_known: bool = False

    def take(self, other: Group) -> None:
        """Add the pieces of another group; the label of a known voice stays, else that of the larger one."""
        is_other_better = (other.is_known, other.weight) > (self.is_known, self.weight)
        if self.label is None or (other.label is not None and is_other_better):
            self.label = other.label
        self.total = self.total + other.total
        self.weight += other.weight
        self.pieces += other.pieces
        self.is_known |= other.is_known

    def copy(self) -> Group:
        """Return a group of the same pieces, without a label unless the voice is known."""
        label = self.label if self.is_known else None
        return Group(self.total, self.weight, label, list(self.pieces), self.is_known)


def mean_cosine(group: Group, other: Group) -> float:
    """Mean cosine of all pairs of embeddings of two groups."""
    return float(group.total @ other.total) / (group.weight * other.weight)


class Crowd:
    """Groups with the similarity of each two: their mean cosine, with leniency."""

    def __init__(self, groups: Sequence[Group], leniency: Leniency = _NO_LENIENCY, room: int = 0) -> None:
        """Begin with some groups.

        Args:
            groups: At least one. They are changed when they are joined.
            leniency: How much more alike groups count than they are, unless one is a known voice.
            room: How many groups may be added.
        """
        self._groups: list[Group | None] = [*groups, *[None] * room]  # None: the place is free
        self._leniency = leniency
        n = len(self._groups)
        self._totals = np.zeros((n, len(groups[0].total)), np.float32)
        self._weights = np.ones(n, np.float32)
        self._is_known = np.zeros(n, np.bool_)
        for place, group in enumerate(groups):
            self._copy_in(place, group)
        self._is_free = np.arange(n) >= len(groups)
        self._similar = self._rows(np.arange(n))  # (places, places)

    @property
    def groups(self) -> list[Group]:
        """The groups, in order of their places."""
        return [group for group in self._groups if group is not None]

    def __len__(self) -> int:
        return len(self._groups) - int(self._is_free.sum())

    def add(self, group: Group) -> None:
        """Add a group, for which there must be room."""
        self._put(int(self._is_free.argmax()), group)

    def closest(self, *, with_pieces: bool = False) -> tuple[float, int, int]:
        """Return the similarity of the two groups that are most alike, and their places, the first one first.

        Args:
            with_pieces: Whether voices that were not heard are left out.
        """
        similar = self._similar
        if with_pieces:
            unheard = [group is None or not group.pieces for group in self._groups]
            similar = similar.copy()
            similar[unheard] = similar[:, unheard] = _NEVER
        first, second = divmod(int(similar.argmax()), len(similar))
        return float(similar[first, second]), min(first, second), max(first, second)

    def join(self, first: int, second: int) -> None:
        """Let the group at one place take that at another, which becomes free."""
        taking, taken = self._groups[first], self._groups[second]
        if taking is None or taken is None:
            raise ValueError(f"there must be groups at both places, got {first} and {second}")
        taking.take(taken)
        self._groups[second] = None
        self._is_free[second] = True
        self._similar[second] = self._similar[:, second] = _NEVER
        self._put(first, taking)

    def _put(self, place: int, group: Group) -> None:
        self._groups[place] = group
        self._is_free[place] = False
        self._copy_in(place, group)
        row = self._rows(np.array([place]))[0]
        self._similar[place] = self._similar[:, place] = row

    def _copy_in(self, place: int, group: Group) -> None:
        self._totals[place], self._weights[place] = group.total, group.weight
        self._is_known[place] = group.is_known

    def _rows(self, places: npt.NDArray[np.intp]) -> Floats:
        """Similarities of the groups at some places with all, (places, groups)."""
        weights = self._weights[places]
        found: Floats = self._totals[places] @ self._totals.T / np.outer(weights, self._weights)
        if self._leniency.of_one:
            lenient = self._leniency.between(weights[:, None], self._weights)
            # A name says more than a letter: nobody gets one by leniency.
            found += np.where(np.logical_or.outer(self._is_known[places], self._is_known), 0, lenient)
        found[np.logical_and.outer(self._is_known[places], self._is_known)] -= _BOTH_KNOWN
        found[:, self._is_free] = _NEVER
        found[self._is_free[places]] = _NEVER
        found[np.arange(len(places)), places] = _NEVER
        return found
