"""Whether words were spoken at all, or invented by the recogniser for music, a cough or a door."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.models import HypothesisWord

__all__ = ["is_credible"]

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
    if not words:
        return False
    if len(words) > _MAX_WORDS_PER_SECOND * voiced_ms / 1000 + 0.5:
        return False
    confidence = sum(word.confidence for word in words) / len(words)
    if confidence < (_MIN_CONFIDENCE if peak >= _VOICED else _MIN_CONFIDENCE_UNVOICED):
        return False
    if longest_ms >= _RATHER_SHORT_MS and len(words) >= _MIN_WORDS_PER_SECOND * voiced_ms / 1000:
        return True
    evidence = _log_odds(peak) + _log_odds(confidence)
    if longest_ms >= _SHORT_MS or confidence >= _AMPLE_CONFIDENCE:
        return evidence >= _MIN_EVIDENCE
    return evidence >= _MIN_EVIDENCE_SHORT


def _log_odds(probability: float) -> float:
    bounded = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(bounded / (1 - bounded))
