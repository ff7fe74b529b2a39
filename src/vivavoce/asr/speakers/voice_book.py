"""The voices of a session: which turn is of which, told while the session runs and again at its end.

Turns are clustered by the mean cosine of all pairs of their windows (average linkage: R. R. Sokal and
C. D. Michener, "A Statistical Method for Evaluating Systematic Relationships", 1958). For embeddings of
length 1 that is the product of two sums, so a cluster is no more than a sum and a count.

While the session runs, each turn joins the clusters of the turns before it, and clusters that have come to
be alike are joined, too; a label that was shown is not taken back. At the end all turns are clustered anew,
which is right more often: the first turns are then seen beside all others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["VoiceBook", "VoiceTuning"]

Floats = npt.NDArray[np.float32]

_MOST_GROUPS: Final = 300  # turns that are clustered anew; of more, the most alike are joined beforehand


@dataclass(frozen=True, slots=True)
class VoiceTuning:
    """What counts as one voice.

    Attributes:
        alike: Mean cosine from which two groups of windows are of one voice.
        leniency: How much less is enough where one of the groups has a single window; with n windows, an n-th
            part of it.
    """

    alike: float = 0.6
    leniency: float = 0.06


_TUNING: Final = VoiceTuning()


@dataclass(slots=True, eq=False)
class _Group:
    """Turns of one voice.

    Attributes:
        total: Sum of the embeddings of their windows, shape (width,).
        count: Number of these windows.
        label: Number of the voice, from 0; None: not decided.
        turns: The turns.
    """

    total: Floats
    count: int
    label: int | None = None
    turns: list[int] = field(default_factory=list)

    def take(self, other: _Group) -> None:
        """Add the turns of another group; the label of the larger one stays."""
        if self.label is None or (other.label is not None and other.count > self.count):
            self.label = other.label
        self.total = self.total + other.total
        self.count += other.count
        self.turns += other.turns


class VoiceBook:
    """Labels turns by their voices.

    Attributes:
        max_voices: No label is this number or higher; None: there may be any number.
    """

    def __init__(self, max_voices: int | None = None, tuning: VoiceTuning = _TUNING) -> None:
        """Begin without voices.

        Args:
            max_voices: How many there may be, at least 1.
            tuning: What counts as one voice.
        """
        self.max_voices: Final = max_voices
        self._tuning = tuning
        self._voices: list[_Group] = []  # as they are told while the session runs
        self._turns: list[_Group] = []  # for the end: of one turn each, until there are too many
        self._shown: dict[int, int] = {}  # labels by turn
        self._n_labels = 0

    @property
    def shown(self) -> dict[int, int]:
        """The label of each turn, as it was returned."""
        return dict(self._shown)

    def hear(self, turn: int, windows: Floats) -> int | None:
        """Label a turn.

        Args:
            turn: Its number.
            windows: Embeddings of its speech, shape (windows, width), each of length 1.

        Returns:
            The number of its voice, from 0; None if there are no windows.
        """
        if not len(windows):
            return None
        total = windows.sum(axis=0)
        self._turns.append(_Group(total, len(windows), None, [turn]))
        if len(self._turns) > _MOST_GROUPS:
            _join(self._turns, *_closest(self._turns, VoiceTuning(leniency=0.0))[1:])
        new = _Group(total, len(windows), None, [turn])
        self._voices.append(new)
        _join_all(self._voices, self._tuning)
        if new not in self._voices:
            new = next(group for group in self._voices if turn in group.turns)
        if new.label is None and self._n_labels == self.max_voices:
            similarity = _similarities(self._voices, self._tuning)[self._voices.index(new)]
            _join(self._voices, int(similarity.argmax()), self._voices.index(new))
            new = next(group for group in self._voices if turn in group.turns)
        if new.label is None:
            new.label = self._n_labels
            self._n_labels += 1
        self._shown[turn] = new.label
        return new.label

    def revised(self) -> dict[int, int]:
        """Cluster all turns anew; returns the label of each turn.

        A voice keeps the label under which most of its speech was shown.
        """
        groups = [_Group(group.total, group.count, None, list(group.turns)) for group in self._turns]
        _join_all(groups, self._tuning, self.max_voices)
        groups.sort(key=lambda group: -group.count)
        counts = {turn: group.count / len(group.turns) for group in self._turns for turn in group.turns}
        found: dict[int, int] = {}
        taken: set[int] = set()
        for group in groups:
            votes: dict[int, float] = {}
            for turn in group.turns:
                label = self._shown[turn]
                votes[label] = votes.get(label, 0.0) + counts[turn]
            free = [label for label in sorted(votes, key=lambda each: -votes[each]) if label not in taken]
            label = free[0] if free else next(each for each in range(len(counts)) if each not in taken)
            taken.add(label)
            found.update(dict.fromkeys(group.turns, label))
        return found


def _similarities(groups: list[_Group], tuning: VoiceTuning) -> Floats:
    """Mean cosine of all pairs of windows of two groups, with leniency, (groups, groups); -1 with itself."""
    totals = np.stack([group.total for group in groups])
    counts = np.array([group.count for group in groups], np.float32)
    found = totals @ totals.T / np.outer(counts, counts)
    found += np.float32(tuning.leniency) / np.minimum.outer(counts, counts)
    np.fill_diagonal(found, -1)
    return found


def _closest(groups: list[_Group], tuning: VoiceTuning) -> tuple[float, int, int]:
    """The similarity of the two groups that are most alike, and their places, the first one first."""
    similarities = _similarities(groups, tuning)
    first, second = divmod(int(similarities.argmax()), len(groups))
    return float(similarities[first, second]), min(first, second), max(first, second)


def _join_all(groups: list[_Group], tuning: VoiceTuning, most: int | None = None) -> None:
    """Join groups that are alike, and others until there are no more than allowed."""
    while len(groups) > 1:
        similarity, first, second = _closest(groups, tuning)
        if similarity < tuning.alike and (most is None or len(groups) <= most):
            return
        _join(groups, first, second)


def _join(groups: list[_Group], first: int, second: int) -> None:
    """Let one group take another."""
    groups[first].take(groups[second])
    del groups[second]
