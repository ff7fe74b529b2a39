"""The recogniser: turns spans into words with times and confidences."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Final

import numpy as np

from vivavoce.asr.models.base import Hypothesis, HypothesisWord, Span
from vivavoce.asr.models.guards import max_tokens, zero_duration
from vivavoce.asr.models.moonshine.encoder import Encoded
from vivavoce.asr.models.moonshine.files import ShippedFiles, cached_graphs
from vivavoce.asr.models.moonshine.greedy import Decoded, Job
from vivavoce.asr.models.moonshine.noise import NoiseModel
from vivavoce.asr.models.moonshine.runtime import MoonshineRuntime, RunningJobs
from vivavoce.asr.models.moonshine.sizes import FRAME_SAMPLES
from vivavoce.asr.models.moonshine.word_times import word_times
from vivavoce.asr.models.terms import DEFAULT_STRENGTH, Strength, TermBias, plain_letters, written_forms
from vivavoce.asr.models.vocabulary import Vocabulary
from vivavoce.errors import EngineError
from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from pathlib import Path

    from vivavoce.asr.models.base import RunningBatch

__all__ = ["MoonshineRecogniser"]

_CACHED_BIASES: Final = 256  # one of a hundred terms takes 0.1 MB, and 10 ms to build
_FEW_WORDS: Final = 3  # more words than noise is made into, as a rule


class MoonshineRecogniser:
    """Moonshine tiny, English; a `Recogniser`.

    Attributes:
        name: Of the model, for people.
        max_batch: The largest batch that saves time.
        step_samples: Grid of span starts, in samples: one encoder frame.
        joins_running: Whether spans may join others that are being decoded.
        vocabulary: Its tokens.
        runtime: Its encoder and decoder.
        bias_of: Returns the bias towards the terms of a span; None if the vocabulary can spell none of them.
    """

    name: Final = "moonshine-tiny-en"
    max_batch: Final = 4
    joins_running: Final = False  # encoding a span takes as long as five steps or more
    step_samples: Final = FRAME_SAMPLES

    def __init__(
        self, folder: Path | None = None, *, threads: int = 1, strength: Strength = DEFAULT_STRENGTH
    ) -> None:
        """Open the model.

        Args:
            folder: Holds ``encoder_model.ort``, ``decoder_model_merged.ort``, ``tokenizer.bin``; by
                default the one inside ``moonshine-voice``.
            threads: Threads for one run.
            strength: How strongly expected terms are favoured.

        Raises:
            ModelError: A file is missing or unusable.
        """
        files = ShippedFiles(folder)
        self.vocabulary: Final = Vocabulary.load(files.tokenizer)
        self.runtime: Final = MoonshineRuntime.open(cached_graphs(files), threads=threads)
        encoder = self.runtime.encoder
        self._noise = NoiseModel(self.runtime.decoder, lambda noise: encoder.encode(noise, exact=True)[0])
        self._strength = strength
        self.bias_of = functools.lru_cache(_CACHED_BIASES)(self._build_bias)  # by the terms of a span

    def open_batch(self) -> RunningBatch:
        """An empty batch."""
        return _SpanBatch(self)

    def _build_bias(self, terms: tuple[str, ...]) -> TermBias | None:
        """Build a bias towards the terms, without those that the vocabulary can't spell."""
        spell = self.vocabulary.spell
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
        pieces = self.vocabulary.words(decoded.tokens)
        if not pieces:
            return Hypothesis(memory=memory)
        times = word_times(np.stack(decoded.attention, axis=1), pieces)
        tokens: list[int] = []
        words = []
        last = 1.0
        for piece, (start_s, end_s), is_empty in zip(pieces, times, zero_duration(times), strict=True):
            after = piece.first + piece.n_tokens
            if is_empty and piece.first >= len(span.prefix):
                continue
            scores = decoded.log_probabilities[piece.first : after]
            words.append(HypothesisWord(piece.text, start_s, end_s, math.exp(min(scores)), piece.n_tokens))
            tokens += decoded.tokens[piece.first : after]
            last = math.exp(scores[-1])
        noise = None
        if span.exact and 0 < len(words) <= _FEW_WORDS:
            noise = self._noise.log_probability(tuple(tokens))
        return Hypothesis(tuple(tokens), tuple(words), last, memory, noise_log_probability=noise)


class _SpanBatch:
    """Spans of which each is encoded when it joins, and then takes part in the decoder's steps."""

    def __init__(self, recogniser: MoonshineRecogniser) -> None:
        self._recogniser = recogniser
        self._jobs = RunningJobs(recogniser.runtime.decoder)
        self._spans: dict[int, tuple[Span, Encoded]] = {}  # by key, each with what the next pass may use

    def __len__(self) -> int:
        return len(self._spans)

    def add(self, span: Span) -> int:
        """Encode a span and verify its draft; see `RunningBatch.add`."""
        recogniser = self._recogniser
        try:
            before = span.memory if isinstance(span.memory, Encoded) else None
            samples = np.pad(span.samples, (0, span.zeros)) if span.zeros else span.samples
            encoder = recogniser.runtime.encoder
            cross, memory = encoder.encode(samples, span.start, before, exact=span.exact)
            bias = recogniser.bias_of(span.terms) if span.terms else None
            key = self._jobs.add(Job(cross, _limit(span), span.prefix, span.draft, span.exact, bias))
        except Exception as error:
            raise EngineError(f"{recogniser.name} failed: {error}") from error
        self._spans[key] = (span, memory)
        return key

    def step(self) -> list[tuple[int, Hypothesis]]:
        """Decode one more token of each span; see `RunningBatch.step`."""
        recogniser = self._recogniser
        try:
            return [
                (key, recogniser.hypothesis(span, decoded, memory))
                for key, decoded in self._jobs.step()
                for span, memory in (self._spans.pop(key),)
            ]
        except Exception as error:
            self._jobs.clear()  # or a job without its span would be done some time
            self._spans.clear()
            raise EngineError(f"{recogniser.name} failed: {error}") from error


def _limit(span: Span) -> int:
    """The largest number of tokens that a span may have."""
    whole = max_tokens(len(span.samples) / MODEL_RATE_HZ)
    if span.fresh_s is None:
        return whole
    return min(whole, len(span.prefix) + len(span.draft) + max_tokens(span.fresh_s))
