"""Where the speaker changes within a turn: pieces of one voice each, and the words that belong to them.

A segmentation model returns for each short frame the most probable set of local speakers. Source of such
sets: A. Plaquet and H. Bredin, "Powerset multi-class cross entropy loss for neural speaker diarization",
2023.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Sequence


__all__ = ["SPEAKER_SETS", "Owner", "Piece", "Span", "owners", "pieces_of"]

Span: TypeAlias = tuple[int, int]
"""Start and end, in samples of a session at 16 kHz."""

SPEAKER_SETS: Final[tuple[tuple[int, ...], ...]] = ((), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2))
"""The local speakers of each class that a segmentation model has."""

_LEAST_RUN: Final = MODEL_RATE_HZ // 5  # what is shorter is a flaw of the model: it is filled or dropped
_PAUSE: Final = MODEL_RATE_HZ  # a silence from here on is no speech of a voice
_LEAST_PIECE: Final = MODEL_RATE_HZ * 2 // 5  # a voice with less speech of its own is none


@dataclass(frozen=True, slots=True)
class Piece:
    """Speech of one voice.

    Attributes:
        alone: Where nobody else speaks, in order.
        shared: Where somebody else speaks, too, in order.
    """

    alone: tuple[Span, ...]
    shared: tuple[Span, ...] = ()

    def share_of(self, start: int, end: int) -> tuple[int, int]:
        """How much of a span it speaks: alone, and together with others; in samples."""
        return _common(self.alone, start, end), _common(self.shared, start, end)

    @property
    def length(self) -> int:
        """How much it speaks alone, in samples."""
        return sum(last - first for first, last in self.alone)

    def cut(self, at: int) -> tuple[Piece, Piece]:
        """The parts before and after so many samples that it speaks alone; both have what it shares."""
        before: list[Span] = []
        after: list[Span] = []
        for first, last in self.alone:
            here = min(max(at, 0), last - first)
            at -= last - first
            before += [(first, first + here)] if here else []
            after += [(first + here, last)] if first + here < last else []
        return Piece(tuple(before), self.shared), Piece(tuple(after), self.shared)

    def distance(self, start: int, end: int) -> int:
        """From a span to its nearest speech, in samples."""
        return min(max(0, first - end, start - last) for first, last in (*self.alone, *self.shared))


@dataclass(frozen=True, slots=True)
class Owner:
    """The piece that a word belongs to.

    Attributes:
        place: Of the piece, from 0.
        is_shared: Whether somebody else speaks during most of the word.
    """

    place: int
    is_shared: bool = False


def pieces_of(classes: npt.NDArray[np.intp], step: int, offset: int, start: int, length: int) -> list[Piece]:
    """Return the pieces of some audio, at least one.

    Where one voice speaks, its piece has all but long pauses, which say nothing of a voice and do not count.
    Where nobody speaks long enough, there is one piece of all.

    Args:
        classes: The most probable set of speakers of each frame, places in `SPEAKER_SETS`, shape (frames,).
        step: Samples from one frame to the next.
        offset: Samples from the start of the audio to the middle of the first frame.
        start: Position of the audio in the session, in samples.
        length: Samples of the audio.
    """
    end = start + length
    members = np.array([[who in each for who in range(3)] for each in SPEAKER_SETS])
    active = members[classes]
    runs = -(-_LEAST_RUN // step)
    active = np.stack([_without_short_runs(column, runs) for column in active.T], axis=1)
    edges = np.clip(start + offset - step // 2 + step * np.arange(len(active) + 1), start, end)
    alone = active.sum(axis=1) == 1
    found: list[Piece] = []
    for column in active.T:
        piece = Piece(_spans(column & alone, edges), _spans(column & ~alone, edges))
        if piece.length >= _LEAST_PIECE:
            found.append(piece)
    if len(found) > 1:
        return sorted(found, key=lambda piece: piece.alone[0])
    edges[0], edges[-1] = start, end  # no frame has its middle there
    silent = np.logical_not(active.any(axis=1))
    speaks = np.ones(len(active), np.bool_)
    for first, last in _runs(silent) if found else ():
        speaks[first:last] = (last - first) * step < _PAUSE
    return [Piece(_spans(speaks, edges) or ((start, end),), found[0].shared if found else ())]


def owners(pieces: Sequence[Piece], words: Sequence[Span]) -> list[Owner]:
    """Return the piece of each word: the one that speaks most of it, else the nearest.

    Args:
        pieces: Of a turn, at least one.
        words: Their spans, in order.
    """
    found: list[Owner] = []
    for start, end in words:
        shares = [piece.share_of(start, end) for piece in pieces]
        totals = [alone + shared for alone, shared in shares]
        if any(totals):
            place = max(range(len(pieces)), key=lambda each: (totals[each], shares[each][0]))
        else:
            place = min(range(len(pieces)), key=lambda each: pieces[each].distance(start, end))
        found.append(Owner(place, shares[place][1] > (end - start) / 2))
    return found


def _common(spans: Sequence[Span], start: int, end: int) -> int:
    return sum(max(0, min(last, end) - max(first, start)) for first, last in spans)


def _runs(column: npt.NDArray[np.bool_]) -> list[Span]:
    """First and last index, the last one not included, of each run of true values."""
    changes = np.flatnonzero(np.diff(np.concatenate([[False], column, [False]]).astype(np.int8)))
    return [(int(first), int(last)) for first, last in changes.reshape(-1, 2)]


def _without_short_runs(column: npt.NDArray[np.bool_], least: int) -> npt.NDArray[np.bool_]:
    """Fill short gaps between true values, then drop short runs of them."""
    found = column.copy()
    for first, last in _runs(~column):
        if first > 0 and last < len(column) and last - first < least:
            found[first:last] = True
    for first, last in _runs(found):
        if last - first < least:
            found[first:last] = False
    return found


def _spans(column: npt.NDArray[np.bool_], edges: npt.NDArray[np.intp]) -> tuple[Span, ...]:
    spans = ((int(edges[first]), int(edges[last])) for first, last in _runs(column))
    return tuple((first, last) for first, last in spans if first < last)
