"""Pieces of a span that is longer than Whisper takes at once, and how their hypotheses are joined.

The encoder takes 30 s, and the decoder about 220 tokens with text. In scripts of which each character is two
or three tokens, such as Georgian or Burmese, that is less than ten seconds of speech. What does not fit is
heard as another piece.
"""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from vivavoce.asr.models.whisper.runtime import LONGEST_SAMPLES
from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from vivavoce.asr.audio import Samples
    from vivavoce.asr.models.base import Hypothesis

__all__ = ["Piece", "first_piece", "join", "without_cut_words"]

_CUT_SAMPLES: Final = 7 * MODEL_RATE_HZ  # longer audio is cut at the quietest place in its last seconds
_CUT_STEP_SAMPLES: Final = MODEL_RATE_HZ // 10
_SEAM_S: Final = 3.0  # how far back a pause is looked for
# Where a text is cut, its last tokens are found too late: the alignment has to spend the rest of the audio.
_UNSURE_TOKENS: Final = 8
_UNSURE_WORDS: Final = 2
_OVERLAP_WORDS: Final = (
    2  # known words before the first one that is heard again, which would else be lost at times
)
_SHORTEST_S: Final = 3.0  # nobody says in less what fills the decoder: the model invents it


@dataclass(frozen=True, slots=True)
class Piece:
    """What was heard of the beginning of some audio.

    Attributes:
        hypothesis: Its words.
        n_samples: How much of the audio it covers; the rest is another piece.
        prefix: Tokens that the rest has to begin with.
    """

    hypothesis: Hypothesis
    n_samples: int
    prefix: tuple[int, ...] = ()


def first_piece(samples: Samples) -> Samples:
    """The beginning of audio that the encoder takes; it is cut at the quietest place of its last seconds."""
    if len(samples) <= LONGEST_SAMPLES:
        return samples
    first = LONGEST_SAMPLES - _CUT_SAMPLES
    steps = np.square(samples[first:LONGEST_SAMPLES]).reshape(-1, _CUT_STEP_SAMPLES).mean(axis=1)
    return samples[: first + int(steps.argmin()) * _CUT_STEP_SAMPLES + _CUT_STEP_SAMPLES // 2]


def without_cut_words(found: Hypothesis, n_samples: int, n_prefix: int) -> Piece:
    """Keep the words before the best place to continue, where the decoder had no room for all.

    The last word may be half a word, and the times of the last are not certain. They are heard again, with
    those since the longest pause of the seconds before if there is one. The rest begins with known words, so
    that none is lost where it begins. All words stay, and are all, if nobody can have said so much in so
    little time.

    Args:
        found: What the decoder wrote, which is not all.
        n_samples: Length of the audio.
        n_prefix: Tokens of the prefix, which stay.
    """
    words = found.words
    firsts = list(itertools.accumulate((word.n_tokens for word in words), initial=0))
    last = len(found.tokens) - _UNSURE_TOKENS
    places = [
        place
        for place in range(1 + _OVERLAP_WORDS, len(words) - _UNSURE_WORDS + 1)
        if n_prefix <= firsts[place] <= last and words[place - _OVERLAP_WORDS].start_s >= _SHORTEST_S
    ]
    if not places:
        return Piece(found, n_samples)
    earliest_s = words[places[-1]].start_s - _SEAM_S
    places = [place for place in places if words[place].start_s >= earliest_s]
    known = max(places, key=lambda place: (words[place].start_s - words[place - 1].end_s, place))
    kept = known - _OVERLAP_WORDS
    at_s = (words[kept - 1].end_s + words[kept].start_s) / 2
    shorter = dataclasses.replace(
        found, tokens=found.tokens[: firsts[kept]], words=words[:kept], last_probability=1.0
    )
    n_heard = min(n_samples, round(at_s * MODEL_RATE_HZ))
    return Piece(shorter, n_heard, found.tokens[firsts[kept] : firsts[known]])


def join(left: Hypothesis, right: Hypothesis, start_s: float) -> Hypothesis:
    """Two hypotheses of successive audio as one; the right one starts at ``start_s``."""
    moved = tuple(
        dataclasses.replace(word, start_s=word.start_s + start_s, end_s=word.end_s + start_s)
        for word in right.words
    )
    last = right.last_probability if moved else left.last_probability
    return dataclasses.replace(
        left, tokens=left.tokens + right.tokens, words=left.words + moved, last_probability=last
    )
