"""The voices of a session: which speech is of which, told while the session runs and again at its end.

Pieces are clustered by the mean cosine of all pairs of their embeddings (average linkage: R. R. Sokal and
C. D. Michener, "A Statistical Method for Evaluating Systematic Relationships", 1958). For embeddings of
length 1 that is the product of two sums, so a cluster is no more than a sum and a weight.

While the session runs, each piece joins the clusters of the pieces before it, and clusters that have come to
be alike are joined, too; a label that was shown is not taken back. At the end all pieces are clustered anew,
which is right more often: the first pieces are then seen beside all others. Short pieces say too little to
found a cluster: they take the most similar one, or wait for the end. A piece that may be of a new voice, but
not surely, is told to be the most similar one, too, and is a cluster without a label until others join it.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from vivavoce.asr.speakers.groups import Crowd, Group, Leniency, mean_cosine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Told", "VoiceBook", "VoicePiece", "VoiceTuning"]

Floats = npt.NDArray[np.float32]

_MOST_GROUPS: Final = 300  # pieces that are clustered anew; of more, the most alike are joined beforehand
_KNOWN_WEIGHT: Final = 4.0  # of a voice that is known beforehand: as much as four windows say
_MOST_DOUBTFUL: Final = 20  # clusters without a label
_CERTAINTY: Final = 0.06  # difference of similarities that is worth a factor of e in the odds


_LITTLE: Final = Leniency(0.06)


@dataclass(frozen=True, slots=True)
class VoiceTuning:
    """What counts as one voice, for the embeddings of a voice encoder. Speech is weighed in windows of 1.6 s.

    Attributes:
        alike: Mean cosine from which two groups are of one voice.
        leniency: How much less is enough for a piece to join others.
        leniency_of_new: By how much it must be undercut to found a voice; in revisions, how much is enough.
        founding: The least weight of a piece that may found a voice.
        inherited: The least mean cosine with a voice from which a shorter piece takes it.
        apart: The cosine below which two windows of one stretch of speech are of two speakers.
        pools: Whether several windows of a piece of speech make one embedding, their mean.
    """

    alike: float = 0.6
    leniency: Leniency = _LITTLE
    leniency_of_new: Leniency = _LITTLE
    founding: float = 0.3
    inherited: float = 0.5
    apart: float = 0.5
    pools: bool = False


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


@dataclass(frozen=True, slots=True)
class VoicePiece:
    """A piece of speech.

    Attributes:
        number: Names it.
        windows: Embeddings of its speech, shape (windows, width), each of length 1.
        weights: How much speech each stands for, in windows of 1.6 s, shape (windows,); None: 1 each.
    """

    number: int
    windows: Floats
    weights: Floats | None = None


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
            Group(voice * np.float32(_KNOWN_WEIGHT), _KNOWN_WEIGHT, place, [], is_known=True)
            for place, voice in enumerate(known)
        )
        self._voices = [each.copy() for each in self._known]  # as they are told now; without their pieces
        self._crowd: Crowd | None = (
            None  # for revisions: one piece each, until there are many; None: no piece
        )
        self._short: list[Group] = []  # pieces that may not found a voice
        self._shown: dict[int, int] = {}  # the voice of each piece that has one
        self._heard: set[int] = set()  # the voices among them

    @property
    def shown(self) -> dict[int, int]:
        """The voice of each piece, as it was returned or adopted; those without one are left out."""
        return dict(self._shown)

    def hear(self, piece: int, windows: Floats, weights: Floats | None = None) -> Told | None:
        """Tell whose voice one piece of speech is; see `hear_turn`."""
        return self.hear_turn([VoicePiece(piece, windows, weights)]).get(piece)

    def hear_turn(self, pieces: Sequence[VoicePiece]) -> dict[int, Told]:
        """Tell whose voices the pieces of a turn are, all at once: each is seen beside all others.

        Args:
            pieces: In order.

        Returns:
            The voice of each piece. Left out are those without windows or with windows that are not finite,
            and those that are too short for a voice that was not heard yet.
        """
        new = [each for each in map(_group_of, pieces) if each is not None]
        long = [each for each in new if each.weight >= self._tuning.founding]
        # Where known voices compete with new ones for the labels that are left, who comes first has one.
        competes = self.max_voices is not None and any(each.label not in self._heard for each in self._known)
        found: dict[int, Told] = {}
        for turn in [[each] for each in long] if competes else [long]:
            found |= self._hear_long(turn)
        return found | self._hear_short([each for each in new if each.weight < self._tuning.founding])

    @property
    def _is_full(self) -> bool:
        return self.max_voices is not None and len(self._heard) >= self.max_voices

    def _hear_long(self, new: Sequence[Group]) -> dict[int, Told]:
        """Tell whose voices pieces are that may found one."""
        if not new:
            return {}
        # When there are enough voices, known ones that were not heard can't be heard any more.
        is_full = self._is_full
        voices = [each for each in self._voices if not is_full or each.label in self._heard]
        similar = [(each, self._similarities(each, voices)) for each in new]
        for each in new:
            self._keep(each)
        groups = _joined([*voices, *(each.copy() for each in new)], self._tuning.leniency, self._tuning.alike)
        labels: dict[int, int] = {}
        founding: dict[int, float] = {}  # how certain it is that these pieces are of a new voice
        for group in sorted(
            (each for each in groups if each.pieces),
            key=lambda each: (each.label not in self._heard, each.pieces[0]),
        ):
            label = self._label(group, groups, new)
            if label is None:
                label, certainty = self._found(group, groups)
                founding |= dict.fromkeys(group.pieces, certainty)
            labels |= dict.fromkeys(group.pieces, label)
            self._heard.add(label)
            group.pieces = []
        doubtful = [each for each in groups if each.label is None][:-_MOST_DOUBTFUL]
        self._voices = [each for each in groups if each not in doubtful]
        self._shown |= labels
        found: dict[int, Told] = {}
        for piece, before in similar:
            [number] = piece.pieces
            certainty = founding.get(number) or _confidence(before, labels[number], may_found=not is_full)
            found[number] = Told(labels[number], certainty)
        return found

    def _label(self, group: Group, groups: list[Group], new: Sequence[Group]) -> int | None:
        """The label of a group that new pieces are in; None if it is surely a new voice."""
        if group.label is not None and (group.label in self._heard or not self._is_full):
            return group.label
        near = self._nearest_heard(group, groups)
        if near is None or near.label is None:
            return None
        if self._is_full:  # its pieces belong to the nearest one
            groups.remove(group)
            for each in new:
                if each.pieces[0] in group.pieces:
                    near.take(each.copy())
            near.pieces = []
            return near.label
        return near.label if self._margin(near, group) >= 0 else None

    def _found(self, group: Group, groups: Sequence[Group]) -> tuple[int, float]:
        """Give a group a label of its own; returns it, and how certain it is that it is a new voice."""
        near = self._nearest_heard(group, groups)
        numbers = itertools.count(len(self._known))
        group.label = next(each for each in numbers if each not in self._heard)
        return group.label, 1.0 if near is None else _odds(-self._margin(near, group))

    def _nearest_heard(self, group: Group, groups: Sequence[Group]) -> Group | None:
        """The voice that a group is most like: doubtful speech never gets the name of somebody not heard."""
        return _most_similar(group, [each for each in groups if each.label in self._heard])

    def _hear_short(self, new: Sequence[Group]) -> dict[int, Told]:
        """Tell whose voices pieces are that may not found one; those that resemble none are left out."""
        self._short += new
        found: dict[int, Told] = {}
        for piece in new:
            is_full = self._is_full
            voices = [each for each in self._voices if not is_full or each.label in self._heard]
            best = _most_similar(piece, _labelled(voices))
            least = -math.inf if is_full else self._tuning.inherited
            if best is None or best.label is None or mean_cosine(best, piece) < least:
                continue
            confidence = _confidence(self._similarities(piece, voices), best.label, may_found=not is_full)
            [number] = piece.pieces
            found[number] = Told(best.label, confidence)
            self._shown[number] = best.label
            self._heard.add(best.label)
        return found

    def _similarities(self, new: Group, voices: Sequence[Group]) -> dict[int, tuple[float, float]]:
        """How much a piece is like each voice that has a label: its mean cosine, and the margin."""
        return {
            each.label: (mean_cosine(each, new), self._margin(each, new))
            for each in voices
            if each.label is not None
        }

    def _margin(self, voice: Group, new: Group) -> float:
        """How much more alike a voice and a group are than two people; below 0, the group is a new voice."""
        heavier = max(voice.weight, new.weight)  # it is the new speech that may say too little
        leniency = float(self._tuning.leniency_of_new.between(new.weight, heavier))
        return mean_cosine(voice, new) - self._tuning.alike + leniency

    def _keep(self, new: Group) -> None:
        """Keep a piece for revisions."""
        if self._crowd is None:
            self._crowd = Crowd([new.copy()], room=_MOST_GROUPS)
            return
        self._crowd.add(new.copy())
        if len(self._crowd) > _MOST_GROUPS:
            self._crowd.join(*self._crowd.closest()[1:])

    def revised(self) -> dict[int, int]:
        """Cluster all pieces anew; nothing that is told changes until `adopt`.

        It may run on another thread if nothing is heard meanwhile.

        Returns:
            The voice of each piece. A voice keeps the number under which most of its speech was shown. Short
            pieces are left out where there is no voice.
        """
        groups = [] if self._crowd is None else [group.copy() for group in self._crowd.groups]
        weights = {piece: group.weight / len(group.pieces) for group in groups for piece in group.pieces}
        known = [each.copy() for each in self._known]
        tuning = self._tuning
        voices = _joined([*known, *groups], tuning.leniency_of_new, tuning.alike, self.max_voices)
        by_short = {self._shown.get(piece.pieces[0]) for piece in self._short}
        unheard = [each for each in voices if not each.pieces and each.label in by_short]
        voices = [each for each in voices if each.pieces]
        found = _labels(voices, weights, self._shown, first=len(known))
        for voice in voices:
            voice.label = found[voice.pieces[0]]
        voices += unheard[: None if self.max_voices is None else max(0, self.max_voices - len(voices))]
        for piece in self._short if voices else ():
            best = _most_similar(piece, voices)
            if best is not None and best.label is not None:
                found[piece.pieces[0]] = best.label
        return found

    def adopt(self, found: Mapping[int, int]) -> None:
        """Take what `revised` returned for what is shown: later pieces are told the same voices.

        Else a voice that a revision has found would be told another number, and a voice that it has dropped
        would be told again: more voices than `max_voices` could be shown.

        Args:
            found: The voice of each piece.
        """
        if not found:
            return
        self._shown.update(found)
        self._heard = set(self._shown.values())
        voices = {each.label: each.copy() for each in self._known}
        for group in [] if self._crowd is None else self._crowd.groups:
            label = found[group.pieces[0]]
            if label in voices:
                voices[label].take(group)
            else:
                voices[label] = Group(group.total, group.weight, label)
        for voice in voices.values():
            voice.pieces = []
        self._voices = list(voices.values())


def _group_of(piece: VoicePiece) -> Group | None:
    """A group of one piece; None if it says nothing."""
    weights = np.ones(len(piece.windows), np.float32) if piece.weights is None else piece.weights
    total, weight = weights @ piece.windows, float(weights.sum())
    return Group(total, weight, None, [piece.number]) if weight > 0 and np.isfinite(total).all() else None


def _confidence(similar: Mapping[int, tuple[float, float]], label: int, *, may_found: bool) -> float:
    """How certain it is that a piece is of one of the voices before it, not of another or of a new one.

    Args:
        similar: By label, how much the piece is like the voices before it, and by how much more than a new
            voice would be.
        label: The voice.
        may_found: Whether it may be a new voice.
    """
    if label not in similar:  # it was heard in the same turn for the first time
        return 0.5
    most, margin = similar[label]
    others = [cosine for other, (cosine, _) in similar.items() if other != label]
    certainty = _odds(most - max(others, default=most - max(0.0, margin)))
    # Where no label is left it may be somebody else. That there are no more people is only a promise, so a
    # piece that resembles nobody is right half as often.
    return certainty if may_found else certainty * (0.5 + min(0.5, _odds(margin)))


def _labelled(groups: Sequence[Group]) -> list[Group]:
    return [each for each in groups if each.label is not None]


def _most_similar(group: Group, voices: Sequence[Group]) -> Group | None:
    """The voice that a group is most like; None if there is none."""
    return max(voices, key=lambda each: mean_cosine(each, group), default=None)


def _odds(margin: float) -> float:
    """The probability that a choice is right, from a difference of similarities."""
    return 1 / (1 + math.exp(-margin / _CERTAINTY))


def _labels(
    voices: list[Group], weights: dict[int, float], shown: dict[int, int], first: int
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
    for is_shown in (True, False):  # labels that were shown first, so that no other voice takes them
        for voice in sorted(voices, key=lambda each: -each.weight):
            if voice.pieces[0] in found:
                continue
            label = voice.label if voice.is_known else None
            if label is None:
                votes: dict[int, float] = {}
                for piece in voice.pieces:
                    if piece in shown and shown[piece] >= first:
                        votes[shown[piece]] = votes.get(shown[piece], 0.0) + weights[piece]
                free = [each for each in sorted(votes, key=lambda one: -votes[one]) if each not in taken]
                if is_shown and not free:
                    continue
                label = (
                    free[0] if free else next(each for each in itertools.count(first) if each not in taken)
                )
            taken.add(label)
            found.update(dict.fromkeys(voice.pieces, label))
    return found


def _joined(groups: list[Group], leniency: Leniency, alike: float, most: int | None = None) -> list[Group]:
    """Join groups that are alike, and others until no more were heard than allowed."""
    if not groups:
        return []
    crowd = Crowd(groups, leniency)
    while len(crowd) > 1:
        similarity, first, second = crowd.closest()
        if similarity < alike:
            if most is None or sum(1 for group in crowd.groups if group.pieces) <= most:
                break
            _, first, second = crowd.closest(with_pieces=True)
        crowd.join(first, second)
    return crowd.groups
