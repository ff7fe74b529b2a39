"""From tokens to words with times and confidences, and from expected terms to a bias."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Final

import numpy as np

from vivavoce.asr.models.base import Hypothesis, HypothesisWord
from vivavoce.asr.models.guards import max_tokens, zero_duration
from vivavoce.asr.models.moonshine.word_times import Timing, word_times
from vivavoce.asr.models.terms import DEFAULT_STRENGTH, Strength, TermBias, plain_letters, written_forms
from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from vivavoce.asr.models.base import Span
    from vivavoce.asr.models.moonshine.greedy import Decoded
    from vivavoce.asr.models.moonshine.noise import NoiseModel
    from vivavoce.asr.models.vocabulary import Vocabulary

__all__ = ["Texts", "token_limit"]

_CACHED_BIASES: Final = 256  # one of a hundred terms takes 0.1 MB, and 10 ms to build
_MOST_TOKENS: Final = 960  # the decoder's graph has 1024 positions, and prompts have whole blocks of tokens
_FEW_WORDS: Final = 3  # more words than noise is made into, as a rule
_TINY: Final = Timing()


class Texts:
    """Turns tokens into hypotheses, and expected terms into tokens.

    Attributes:
        noise: How probable texts are where nobody speaks.
        bias_of: Returns the bias towards the terms of a span; None if the vocabulary can spell none of them.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        noise: NoiseModel,
        *,
        strength: Strength = DEFAULT_STRENGTH,
        timing: Timing = _TINY,
        drops_untimed: bool = True,
    ) -> None:
        """Take the parts.

        Args:
            vocabulary: Of the recogniser.
            noise: Of the recogniser.
            strength: How strongly expected terms are favoured.
            timing: How word times are read from attention.
            drops_untimed: Whether words that have no duration in the audio are dropped.
        """
        self._vocabulary = vocabulary
        self.noise: Final = noise
        self._strength = strength
        self._timing = timing
        self._drops_untimed = drops_untimed
        self.bias_of = functools.lru_cache(_CACHED_BIASES)(self._build_bias)  # by the terms of a span

    def _build_bias(self, terms: tuple[str, ...]) -> TermBias | None:
        """Build a bias towards the terms, without those that the vocabulary can't spell."""
        spell = self._vocabulary.spell
        forms = (form for term in terms for form in written_forms(term))
        spellings = [spelling for form in forms if (spelling := spell(form) or spell(plain_letters(form)))]
        return TermBias(spellings, self._strength) if spellings else None

    def hypothesis(self, span: Span, decoded: Decoded, memory: object) -> Hypothesis:
        """Group the tokens to words, without those that have no duration in the audio.

        Args:
            span: What was decoded.
            decoded: Its tokens.
            memory: `Hypothesis.memory` of the result.
        """
        pieces = self._vocabulary.words(decoded.tokens)
        if not pieces:
            return Hypothesis(memory=memory)
        times = word_times(np.stack(decoded.attention, axis=1), pieces, self._timing)
        untimed = zero_duration(times) if self._drops_untimed else [False] * len(times)
        tokens: list[int] = []
        words = []
        last = 1.0
        for piece, (start_s, end_s), is_empty in zip(pieces, times, untimed, strict=True):
            after = piece.first + piece.n_tokens
            if is_empty and piece.first >= len(span.prefix):
                continue
            scores = decoded.log_probabilities[piece.first : after]
            words.append(HypothesisWord(piece.text, start_s, end_s, math.exp(min(scores)), piece.n_tokens))
            tokens += decoded.tokens[piece.first : after]
            last = math.exp(scores[-1])
        noise = None
        if span.exact and 0 < len(words) <= _FEW_WORDS:
            noise = self.noise.log_probability(tuple(tokens))
        return Hypothesis(tuple(tokens), tuple(words), last, memory, noise_log_probability=noise)


def token_limit(span: Span) -> int:
    """The largest number of tokens that a span may have."""
    whole = min(_MOST_TOKENS, max_tokens(len(span.samples) / MODEL_RATE_HZ, span.language))
    if span.fresh_s is None:
        return whole
    return min(whole, len(span.prefix) + len(span.draft) + max_tokens(span.fresh_s, span.language))
