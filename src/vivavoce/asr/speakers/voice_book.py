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

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from vivavoce.asr.speakers.groups import Crowd, Group, mean_cosine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Told", "VoiceBook", "VoiceTuning"]

Floats = npt.NDArray[np.float32]

_MOST_GROUPS: Final = 300  # pieces that are clustered anew; of more, the most alike are joined beforehand
_KNOWN_WEIGHT: Final = 4.0  # of a voice that is known beforehand: as much as four windows say
_LEAST_WEIGHT: Final = 0.3  # that leniency is divided by
_CERTAINTY: Final = 0.06  # difference of similarities that is worth a factor of e in the odds


@dataclass(frozen=True, slots=True)
class VoiceTuning:
    """What counts as one voice, for the embeddings of a voice encoder. Speech is weighed in windows of 1.6 s.

    Attributes:
        alike: Mean cosine from which two groups are of one voice while the session runs.
        alike_at_end: The same at its end.
        leniency: How much less is enough where one of the groups has the weight 1; with the weight w, a w-th
            part of it.
        founding: The least weight of a piece that may found a voice.
        inherited: The least mean cosine with a voice from which a shorter piece takes it.
        apart: The cosine below which two windows of one stretch of speech are of two speakers.
        pools: Whether several windows of a piece of speech make one embedding, their mean.
    """

    alike: float = 0.6
    alike_at_end: float = 0.6
    leniency: float = 0.06
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
        """Tell whose voice a piece of speech is.

        Args:
            piece: Its number.
            windows: Embeddings of its speech, shape (windows, width), each of length 1.
            weights: How much speech each stands for, in windows of 1.6 s, shape (windows,); None: 1 each.

        Returns:
            The voice; None if there are no windows, if they are not finite, or if there is too little speech
            for a voice that was not heard yet.
        """
        by_weight = np.ones(len(windows), np.float32) if weights is None else weights
        total, weight = by_weight @ windows, float(by_weight.sum())
        if not (weight > 0 and np.isfinite(total).all()):
            return None
        told = self._hear(Group(total, weight, None, [piece]))
        if told is not None:
            self._shown[piece] = told.voice
            self._heard.add(told.voice)
        return told

    def _hear(self, new: Group) -> Told | None:
        is_full = self.max_voices is not None and len(self._heard) >= self.max_voices
        # When there are enough voices, known ones that were not heard can't be heard any more.
        unheard = [each for each in self._voices if is_full and each.label not in self._heard]
        voices = [each for each in self._voices if each not in unheard]
        confidence = self._confidence(new, voices, may_found=not is_full)
        if new.weight < self._tuning.founding:
            self._short.append(new)
            best = max(voices, key=lambda each: mean_cosine(each, new), default=None)
            least = -math.inf if is_full else self._tuning.inherited
            if best is None or best.label is None or mean_cosine(best, new) < least:
                return None
            return Told(best.label, confidence)
        self._keep(new)
        voices = _joined([*voices, new], self._tuning.leniency, self._tuning.alike)
        if new in voices and is_full:
            voices.remove(new)
            max(voices, key=lambda each: mean_cosine(each, new)).take(new)
        group = next(each for each in voices if each.pieces)
        group.pieces = []
        if group.label is None:
            group.label = next(each for each in itertools.count(len(self._known)) if each not in self._heard)
        self._voices = [*voices, *unheard]
        return Told(group.label, confidence)

    def _keep(self, new: Group) -> None:
        """Keep a piece for revisions."""
        if self._crowd is None:
            self._crowd = Crowd([new.copy()], room=_MOST_GROUPS)
            return
        self._crowd.add(new.copy())
        if len(self._crowd) > _MOST_GROUPS:
            self._crowd.join(*self._crowd.closest()[1:])

    def _confidence(self, new: Group, voices: Sequence[Group], *, may_found: bool) -> float:
        """How certain the choice between the most similar voice and the next one, or a new one, is."""
        similar = sorted((mean_cosine(group, new) for group in voices), reverse=True)
        if not similar:
            return 1.0
        bound = self._tuning.alike - self._tuning.leniency / max(_LEAST_WEIGHT, new.weight)
        if may_found and similar[0] < bound and new.weight >= self._tuning.founding:
            return _odds(bound - similar[0])  # it founds a voice
        next_one = similar[1] if len(similar) > 1 else min(bound, similar[0])
        certainty = _odds(similar[0] - next_one)
        # Where no label is left it may be somebody else. That there are no more people is only a promise, so
        # a piece that resembles nobody is right half as often.
        return certainty if may_found else certainty * (0.5 + min(0.5, _odds(similar[0] - bound)))

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
        voices = _joined([*known, *groups], tuning.leniency, tuning.alike_at_end, self.max_voices)
        by_short = {self._shown.get(piece.pieces[0]) for piece in self._short}
        unheard = [each for each in voices if not each.pieces and each.label in by_short]
        voices = [each for each in voices if each.pieces]
        found = _labels(voices, weights, self._shown, first=len(known))
        for voice in voices:
            voice.label = found[voice.pieces[0]]
        voices += unheard[: None if self.max_voices is None else max(0, self.max_voices - len(voices))]
        for piece in self._short if voices else ():
            best = max(voices, key=lambda each: mean_cosine(each, piece))
            if best.label is not None:
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


def _joined(groups: list[Group], leniency: float, alike: float, most: int | None = None) -> list[Group]:
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
