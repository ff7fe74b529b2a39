"""Hesitant speech, made from recordings: digits and letters said slowly, pauses inside sentences.

The recording's name seeds the lengths of the pauses, so that a set is the same every time.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vivavoce.asr.audio import Samples
    from vivavoce.bench.records import Clip

__all__ = ["HesitantClip", "hesitant_clips"]

_RATE_HZ: Final = 16_000
_FRAME: Final = 160  # samples
_AUDIBLE: Final = 1e-3  # of full scale
_APART_FRAMES: Final = 9
_EDGE_FRAMES: Final = 2  # kept on either side of a piece
_FADE: Final = 80  # samples
_LEAD_S: Final = 0.5
_SLOW_S: Final = (0.3, 1.0)
_BETWEEN_GROUPS_S: Final = (0.5, 1.0)
_IN_GROUPS_S: Final = (0.08, 0.25)
_GROUP: Final = 3
_LEAST_WORDS: Final = 5
_SEARCH_S: Final = 0.06  # around the middle between two words, for the quietest place


@dataclass(frozen=True, slots=True)
class HesitantClip:
    """A stretch of hesitant speech.

    Attributes:
        kind: The kind of hesitation.
        clip: The recording that it is made from.
        samples: Shape (n,), float32, 16 kHz.
    """

    kind: str
    clip: Clip
    samples: Samples


def hesitant_clips(clip: Clip, samples: Samples) -> Iterator[HesitantClip]:
    """Yield the hesitant versions of a recording: none, for most.

    Args:
        clip: The recording.
        samples: Its samples, shape (n,), float32, 16 kHz.
    """
    rng = random.Random(clip.id)  # noqa: S311 - not for secrets
    words = (clip.text or "").split()
    if clip.kind == "digits":
        pieces = _audible_pieces(samples)
        if len(pieces) == len(words):  # otherwise a word has a gap inside
            yield HesitantClip("digits, one by one", clip, _join(pieces, _draw(rng, len(pieces), _SLOW_S)))
            groups = [
                rng.uniform(*(_BETWEEN_GROUPS_S if place % _GROUP == 0 else _IN_GROUPS_S))
                for place in range(1, len(pieces))
            ]
            yield HesitantClip("digits in groups", clip, _join(pieces, groups))
    elif clip.words and all(len(word.text) == 1 for word in clip.words):
        cuts = [0, *(_at((a.end_s + b.start_s) / 2) for a, b in pairwise(clip.words)), len(samples)]
        letters = [samples[start:end] for start, end in pairwise(cuts)]
        for _ in range(4):
            order = rng.sample(letters, len(letters))
            yield HesitantClip("letters", clip, _join(order, _draw(rng, len(letters), _SLOW_S)))
    elif len(clip.words) >= _LEAST_WORDS:
        yield HesitantClip("pauses inside sentences", clip, _paused(clip, samples, rng))


def _paused(clip: Clip, samples: Samples, rng: random.Random) -> Samples:
    """Insert two pauses after words that end neither a sentence nor the recording."""
    from vivavoce.bench.timing import sentence_ends  # noqa: PLC0415 - it needs the normaliser

    ends = sentence_ends(clip)
    inner = [place for place in range(1, len(clip.words) - 2) if place not in ends]
    cuts = [0]
    for place in sorted(rng.sample(inner, min(2, len(inner)))):
        middle = _at((clip.words[place].end_s + clip.words[place + 1].start_s) / 2)
        start = max(cuts[-1], middle - _at(_SEARCH_S))
        energy = np.convolve(np.square(samples[start : middle + _at(_SEARCH_S)]), np.ones(_FRAME), "valid")
        cuts.append(start + int(energy.argmin()) + _FRAME // 2)
    cuts.append(len(samples))
    pieces = [samples[start:end] for start, end in pairwise(cuts)]
    return _join(pieces, _draw(rng, len(pieces), _SLOW_S))


def _draw(rng: random.Random, n_pieces: int, bounds_s: tuple[float, float]) -> list[float]:
    return [rng.uniform(*bounds_s) for _ in range(n_pieces - 1)]


def _at(seconds: float) -> int:
    return round(seconds * _RATE_HZ)


def _audible_pieces(samples: Samples) -> list[Samples]:
    """Return the stretches between silences of 0.1 s or more."""
    n = len(samples) // _FRAME
    audible = np.flatnonzero(np.abs(samples[: n * _FRAME]).reshape(n, _FRAME).max(axis=1) > _AUDIBLE)
    if not len(audible):
        return []
    runs = np.split(audible, np.flatnonzero(np.diff(audible) > _APART_FRAMES) + 1)
    return [
        samples[max(0, run[0] - _EDGE_FRAMES) * _FRAME : (run[-1] + 1 + _EDGE_FRAMES) * _FRAME]
        for run in runs
    ]


def _join(pieces: Sequence[Samples], gaps_s: Sequence[float]) -> Samples:
    parts = [np.zeros(_at(_LEAD_S), dtype=np.float32)]
    for piece, gap_s in zip(pieces, [*gaps_s, 0.0], strict=True):
        faded = piece.astype(np.float32)
        n = min(_FADE, len(faded) // 2)
        ramp = np.linspace(0.0, 1.0, n, dtype=np.float32)
        faded[:n] *= ramp
        faded[len(faded) - n :] *= ramp[::-1]
        parts += [faded, np.zeros(_at(gap_s), dtype=np.float32)]
    return np.concatenate(parts)
