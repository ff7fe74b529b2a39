"""The recogniser: spans in, words with times and confidence out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from vivavoce.engines.base import Hypothesis, HypothesisWord, Span
from vivavoce.engines.guards import max_tokens, squeezed
from vivavoce.engines.moonshine.files import ShippedFiles, cached_graphs
from vivavoce.engines.moonshine.front import Heard
from vivavoce.engines.moonshine.runtime import Decoded, Job, MoonshineRuntime
from vivavoce.engines.moonshine.times import word_times
from vivavoce.engines.tokens import Vocabulary
from vivavoce.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["MoonshineRecogniser"]

_RATE_HZ: Final = 16_000


class MoonshineRecogniser:
    """Moonshine tiny, English."""

    name: Final = "moonshine-tiny-en"
    max_batch: Final = 4

    def __init__(self, folder: Path | None = None, *, threads: int = 1) -> None:
        """Open the model.

        Args:
            folder: Holds ``encoder_model.ort``, ``decoder_model_merged.ort``, ``tokenizer.bin``; by
                default the one inside ``moonshine-voice``.
            threads: Threads for one run.

        Raises:
            ModelError: A file is missing or unusable.
        """
        files = ShippedFiles(folder)
        self._vocabulary = Vocabulary.load(files.tokenizer)
        self._runtime = MoonshineRuntime(cached_graphs(files), threads=threads)

    def recognise(self, spans: Sequence[Span]) -> list[Hypothesis]:
        """Recognise a batch; see `Recogniser.recognise`."""
        try:
            jobs, memories = [], []
            for span in spans:
                heard = span.memory if isinstance(span.memory, Heard) else None
                cross, heard = self._runtime.encode(span.samples, span.start, heard)
                jobs.append(Job(cross, _limit(span), span.prefix, span.draft, span.exact))
                memories.append(heard)
            found = self._runtime.decode(jobs) if jobs else []
            return [
                self._hypothesis(span, decoded, memory)
                for span, decoded, memory in zip(spans, found, memories, strict=True)
            ]
        except Exception as error:
            raise EngineError(f"{self.name} failed: {error}") from error

    def _hypothesis(self, span: Span, decoded: Decoded, memory: object) -> Hypothesis:
        pieces = self._vocabulary.words(decoded.tokens)
        if not pieces:
            return Hypothesis(memory=memory)
        times = word_times(np.stack(decoded.attention, axis=1), pieces)
        tokens: list[int] = []
        words = []
        last = 1.0
        for piece, (start_s, end_s), is_squeezed in zip(pieces, times, squeezed(times), strict=True):
            behind = piece.first + piece.n_tokens
            if is_squeezed and piece.first >= len(span.prefix):
                continue
            scores = decoded.log_probabilities[piece.first : behind]
            words.append(HypothesisWord(piece.text, start_s, end_s, math.exp(min(scores)), piece.n_tokens))
            tokens += decoded.tokens[piece.first : behind]
            last = math.exp(scores[-1])
        return Hypothesis(tuple(tokens), tuple(words), last, memory)


def _limit(span: Span) -> int:
    """How many tokens a span may have."""
    whole = max_tokens(len(span.samples) / _RATE_HZ)
    if span.fresh_s is None:
        return whole
    return min(whole, len(span.prefix) + len(span.draft) + max_tokens(span.fresh_s))
