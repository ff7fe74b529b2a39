"""Whether words were spoken at all, or invented by the recogniser for music, a cough or a door."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.models import HypothesisWord

__all__ = ["is_clear", "is_credible"]

# By measurement on music and noise against real speech; benchmarks/studies has the comparison.
_VOICED: Final = 0.9
_MIN_CONFIDENCE: Final = 0.15
_MIN_CONFIDENCE_UNVOICED: Final = 0.4
_SHORT_MS: Final = 1_000
_RATHER_SHORT_MS: Final = 1_600
_AMPLE_CONFIDENCE: Final = 0.75
_MIN_EVIDENCE_SHORT: Final = 5.9  # log odds
_MIN_EVIDENCE: Final = 3.9
_MIN_WORDS_PER_SECOND: Final = 0.6  # music may count as speech for seconds, in which one word is found
_MAX_WORDS_PER_SECOND: Final = 7  # the fastest real utterance measured has 5.5
_LEAST: Final = 1e-6
_CLEAR_CONFIDENCE: Final = 0.25
_CLEAR_RATIO: Final = 7.5  # log odds a word, of speech against noise; noise had 6.9 at most


def is_credible(words: Sequence[HypothesisWord], *, peak: float, voiced_ms: float, longest_ms: float) -> bool:
    """Whether the first words of an utterance are likely to have been spoken.

    The recogniser gives low confidence to what it makes of noise. Where the speech detector was never
    certain either, more confidence is required, and most of all where there was little speech.

    Args:
        words: The words, from the first one on.
        peak: Highest speech probability in the utterance, 0 to 1.
        voiced_ms: Speech in the utterance, in milliseconds.
        longest_ms: The same in its longest stretch without a long pause.
    """
    if not words or _are_too_many(words, voiced_ms):
        return False
    confidence = _mean_confidence(words)
    if confidence < (_MIN_CONFIDENCE if peak >= _VOICED else _MIN_CONFIDENCE_UNVOICED):
        return False
    if longest_ms >= _RATHER_SHORT_MS and len(words) >= _MIN_WORDS_PER_SECOND * voiced_ms / 1000:
        return True
    evidence = _log_odds(peak) + _log_odds(confidence)
    if longest_ms >= _SHORT_MS or confidence >= _AMPLE_CONFIDENCE:
        return evidence >= _MIN_EVIDENCE
    return evidence >= _MIN_EVIDENCE_SHORT


def is_clear(
    words: Sequence[HypothesisWord], *, voiced_ms: float, noise_log_probability: float | None
) -> bool:
    """Whether words were spoken, however short or quiet the speech was.

    They were if the recogniser would hardly ever write them for noise, such as a lone "four".

    Args:
        words: All words of a hypothesis.
        voiced_ms: Speech in the utterance, in milliseconds.
        noise_log_probability: `Hypothesis.noise_log_probability`.
    """
    if not words or noise_log_probability is None or _are_too_many(words, voiced_ms):
        return False
    said = sum(math.log(max(word.confidence, _LEAST)) for word in words)
    is_confident = _mean_confidence(words) >= _CLEAR_CONFIDENCE
    return is_confident and said - noise_log_probability >= _CLEAR_RATIO * len(words)


def _are_too_many(words: Sequence[HypothesisWord], voiced_ms: float) -> bool:
    """Whether nobody can say so many words in the time."""
    return len(words) > _MAX_WORDS_PER_SECOND * voiced_ms / 1000 + 0.5


def _mean_confidence(words: Sequence[HypothesisWord]) -> float:
    return sum(word.confidence for word in words) / len(words)


def _log_odds(probability: float) -> float:
    bounded = min(max(probability, _LEAST), 1 - _LEAST)
    return math.log(bounded / (1 - bounded))
