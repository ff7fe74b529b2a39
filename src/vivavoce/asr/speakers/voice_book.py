"""The voices of a session: which speech is of which, told while the session runs and again at its end.

Pieces are clustered by the mean cosine of all pairs of their embeddings (average linkage: R. R. Sokal and
C. D. Michener, "A Statistical Method for Evaluating Systematic Relationships", 1958). For embeddings of
length 1 that is the product of two sums, so a cluster is no more than a sum and a weight.

While the session runs, each piece joins the clusters of the pieces before it, and clusters that have come to
be alike are joined, too; a label that was shown is not taken back. At the end all pieces are clustered anew,
which is right more often: the first pieces are then seen beside all others. Short pieces say too little to
found a cluster: they take the most similar one, or wait for the end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Told", "VoiceBook", "VoiceTuning"]

Floats = npt.NDArray[np.float32]

_MOST_GROUPS: Final = 300  # pieces that are clustered anew; of more, the most alike are joined beforehand
_KNOWN_WEIGHT: Final = 4.0  # of a voice that is known beforehand: as much as four windows say
_LEAST_WEIGHT: Final = 0.3  # that leniency is divided by
_CERTAINTY: Final = 0.06  # difference of similarities that is worth a factor of e in the odds


@dataclass(frozen=True, slots=True)
class VoiceTuning:
    """What counts as one voice. Speech is weighed in windows of 1.6 s.

    Attributes:
        alike: Mean cosine from which two groups are of one voice while the session runs.
        alike_at_end: The same at its end.
        leniency: How much less is enough where one of the groups has the weight 1; with the weight w, a w-th
            part of it.
        founding: The least weight of a piece that may found a voice.
        inherited: The least mean cosine with a voice from which a shorter piece takes it.
    """

    alike: float = 0.6
    alike_at_end: float = 0.6
    leniency: float = 0.06
    founding: float = 0.3
    inherited: float = 0.5


_TUNING: Final = VoiceTuning()


@dataclass(frozen=True, slots=True)
class Told:
    """What a piece of speech was told to be.

    Attributes:
        voice: The number of the voice, from 0; those that are known beforehand come first.
        confidence: Estimated probability that it is right, 0 to 1: from how much more the piece resembles
            this voice than the next one.
    """

    voice: int
    confidence: float


@dataclass(slots=True, eq=False)
class _Group:
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

    def take(self, other: _Group) -> None:
        """Add the pieces of another group; the label of a known voice stays, else that of the larger one."""
        is_other_better = (other.is_known, other.weight) > (self.is_known, self.weight)
        if self.label is None or (other.label is not None and is_other_better):
            self.label = other.label
        self.total = self.total + other.total
        self.weight += other.weight
        self.pieces += other.pieces
        self.is_known |= other.is_known

    def copy(self) -> _Group:
        return _Group(self.total, self.weight, None, list(self.pieces))


class VoiceBook:
    """Tells pieces of speech apart by their voices.

    Attributes:
        max_voices: There are never more, known ones that were not heard aside; None: there may be any number.
    """

    def __init__(
        self, max_voices: int | None = None, tuning: VoiceTuning = _TUNING, known: Sequence[Floats] = ()
    ) -> None:
        """Begin without pieces.

        Args:
            max_voices: How many voices there may be, at least 1.
            tuning: What counts as one voice.
            known: Embeddings of voices that may be heard, shape (width,): means of those of windows, so of
                length 1 at most. Their numbers are their places.
        """
        self.max_voices: Final = max_voices
        self._tuning = tuning
        self._known = tuple(
            _Group(voice * np.float32(_KNOWN_WEIGHT), _KNOWN_WEIGHT, place, [], is_known=True)
            for place, voice in enumerate(known)
        )
        self._voices: list[_Group] = [  # as they are told while the session runs
            _Group(each.total, each.weight, each.label, [], is_known=True) for each in self._known
        ]
        self._pieces: list[_Group] = []  # for the end: of one piece each, until there are too many
        self._short: list[_Group] = []  # pieces that may not found a voice
        self._shown: dict[int, Told] = {}  # by piece
        self._n_labels = len(known)

    @property
    def shown(self) -> dict[int, int]:
        """The voice of each piece, as it was returned; those without one are left out."""
        return {piece: told.voice for piece, told in self._shown.items()}

    def hear(self, piece: int, windows: Floats, weights: Floats | None = None) -> Told | None:
        """Tell whose voice a piece of speech is.

        Args:
            piece: Its number.
            windows: Embeddings of its speech, shape (windows, width), each of length 1.
            weights: How much speech each stands for, in windows of 1.6 s, shape (windows,); None: 1 each.

        Returns:
            The voice; None if there are no windows, or too little speech for a voice that was not heard yet.
        """
        if not len(windows):
            return None
        by_weight = np.ones(len(windows), np.float32) if weights is None else weights
        total, weight = by_weight @ windows, float(by_weight.sum())
        told = self._hear(_Group(total, weight, None, [piece]))
        if told is not None:
            self._shown[piece] = told
        return told

    def _hear(self, new: _Group) -> Told | None:
        is_full = self._n_heard == self.max_voices
        if new.weight < self._tuning.founding:
            self._short.append(new)
            return self._inherited(new, least=-1.0 if is_full else self._tuning.inherited)
        self._pieces.append(_Group(new.total, new.weight, None, list(new.pieces)))
        if len(self._pieces) > _MOST_GROUPS:
            _join(self._pieces, *_closest(self._pieces, VoiceTuning(leniency=0.0))[1:])
        confidence, piece = self._confidence(new), new.pieces[0]
        # When there are enough voices, known ones that were not heard can't be heard any more.
        heard = set(self.shown.values())
        unheard = [each for each in self._voices if each.label not in heard] if is_full else []
        voices = [each for each in self._voices if each not in unheard]
        voices.append(new)
        _join_all(voices, self._tuning, self._tuning.alike)
        if new in voices and is_full:
            voices.remove(new)
            max(voices, key=lambda each: _mean_cosine(each, new)).take(new)
        self._voices = [*voices, *unheard]
        group = next(each for each in voices if piece in each.pieces)
        if group.label is None:
            group.label = self._n_labels
            self._n_labels += 1
        return Told(group.label, confidence)

    @property
    def _n_heard(self) -> int:
        """Voices that have been shown."""
        return len({told.voice for told in self._shown.values()})

    def _inherited(self, new: _Group, least: float) -> Told | None:
        """The voice that a short piece takes."""
        heard = set(self.shown.values())
        candidates = [group for group in self._voices if least >= 0 or group.label in heard]
        best = max(candidates, key=lambda each: _mean_cosine(each, new), default=None)
        if best is None or best.label is None or _mean_cosine(best, new) < least:
            return None
        return Told(best.label, self._confidence(new))

    def _confidence(self, new: _Group) -> float:
        """How certain the choice between the most similar voice and the next one, or a new one, is."""
        similar = sorted((_mean_cosine(group, new) for group in self._voices), reverse=True)
        if not similar:
            return 1.0
        bound = self._tuning.alike - self._tuning.leniency / max(_LEAST_WEIGHT, new.weight)
        if similar[0] < bound and new.weight >= self._tuning.founding:
            margin = bound - similar[0]  # it founds a voice
        else:
            margin = similar[0] - (similar[1] if len(similar) > 1 else min(bound, similar[0]))
        return 1 / (1 + math.exp(-max(0.0, margin) / _CERTAINTY))

    def revision(self) -> Callable[[], dict[int, int]]:
        """Prepare to cluster all pieces anew.

        Returns:
            Does it; may be called on another thread, since it works on copies. It returns the voice of each
            piece. A voice keeps the number under which most of its speech was shown. Short pieces are left
            out where there is no voice.
        """
        groups = [group.copy() for group in self._pieces]
        weights = {piece: group.weight / len(group.pieces) for group in groups for piece in group.pieces}
        short = [group.copy() for group in self._short]
        known = [_Group(each.total, each.weight, each.label, [], is_known=True) for each in self._known]
        shown = self.shown

        def revise() -> dict[int, int]:
            voices = [*known, *groups]
            _join_all(voices, self._tuning, self._tuning.alike_at_end, self.max_voices)
            by_short = {shown.get(piece.pieces[0]) for piece in short}
            unheard = [each for each in voices if not each.pieces and each.label in by_short]
            voices = [each for each in voices if each.pieces]
            found = _labels(voices, weights, shown, first=len(known))
            for voice in voices:
                voice.label = found[voice.pieces[0]]
            voices += unheard[: None if self.max_voices is None else max(0, self.max_voices - len(voices))]
            for piece in short if voices else ():
                best = max(voices, key=lambda each: _mean_cosine(each, piece))
                if best.label is not None:
                    found[piece.pieces[0]] = best.label
            return found

        return revise

    def revised(self) -> dict[int, int]:
        """Cluster all pieces anew; see `revision`."""
        return self.revision()()


def _labels(
    voices: list[_Group], weights: dict[int, float], shown: dict[int, int], first: int
) -> dict[int, int]:
    """Name clusters by the labels under which most of their speech was shown, the largest first.

    Args:
        voices: The clusters.
        weights: Of their pieces.
        shown: Labels of pieces.
        first: The first number that is free for voices that are not known.
    """
    found: dict[int, int] = {}
    taken = {voice.label for voice in voices if voice.is_known}
    for voice in sorted(voices, key=lambda each: -each.weight):
        label = voice.label if voice.is_known else None
        if label is None:
            votes: dict[int, float] = {}
            for piece in voice.pieces:
                if piece in shown and shown[piece] >= first:
                    votes[shown[piece]] = votes.get(shown[piece], 0.0) + weights[piece]
            free = [each for each in sorted(votes, key=lambda one: -votes[one]) if each not in taken]
            unused = (each for each in range(first, first + len(weights) + 1) if each not in taken)
            label = free[0] if free else next(unused)
        taken.add(label)
        found.update(dict.fromkeys(voice.pieces, label))
    return found


def _mean_cosine(group: _Group, other: _Group) -> float:
    return float(group.total @ other.total) / (group.weight * other.weight)


def _similarities(groups: list[_Group], tuning: VoiceTuning) -> Floats:
    """Mean cosine of all pairs of embeddings of two groups, with leniency, (groups, groups).

    Known voices are the last ones to be joined, so theirs is less by 4; that of a group with itself is -9.
    """
    totals = np.stack([group.total for group in groups])
    weights = np.array([group.weight for group in groups], np.float32)
    found: Floats = totals @ totals.T / np.outer(weights, weights)
    least = np.maximum(np.minimum.outer(weights, weights), np.float32(_LEAST_WEIGHT))
    found += np.float32(tuning.leniency) / least
    is_known = np.array([group.is_known for group in groups])
    found[np.logical_and.outer(is_known, is_known)] -= 4
    np.fill_diagonal(found, -9)
    return found


def _closest(groups: list[_Group], tuning: VoiceTuning) -> tuple[float, int, int]:
    """The similarity of the two groups that are most alike, and their places, the first one first."""
    similarities = _similarities(groups, tuning)
    first, second = divmod(int(similarities.argmax()), len(groups))
    return float(similarities[first, second]), min(first, second), max(first, second)


def _join_all(groups: list[_Group], tuning: VoiceTuning, alike: float, most: int | None = None) -> None:
    """Join groups that are alike, and others until no more were heard than allowed."""
    while len(groups) > 1:
        similarity, first, second = _closest(groups, tuning)
        if similarity < alike:
            heard = [group for group in groups if group.pieces]
            if most is None or len(heard) <= most:
                return
            _, first, second = _closest(heard, tuning)
            first, second = groups.index(heard[first]), groups.index(heard[second])
        _join(groups, first, second)


def _join(groups: list[_Group], first: int, second: int) -> None:
    """Let one group take another."""
    groups[first].take(groups[second])
    del groups[second]
