"""Batches of spans: recognising a list of them, and models that have no steps."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vivavoce.asr.models.base import Hypothesis, Recogniser, RunningBatch, Span

__all__ = ["BatchAtOnce", "recognise", "recognise_in"]


def recognise(recogniser: Recogniser, spans: Sequence[Span]) -> list[Hypothesis]:
    """Recognise spans together; see `recognise_in`."""
    return recognise_in(recogniser.open_batch(), spans)


def recognise_in(batch: RunningBatch, spans: Sequence[Span]) -> list[Hypothesis]:
    """Recognise spans together in an empty batch, which may be used again.

    Returns:
        One hypothesis per span, in their order.

    Raises:
        EngineError: The model failed and can't continue.
    """
    keys = [batch.add(span) for span in spans]
    found: dict[int, Hypothesis] = {}
    while len(batch):
        found.update(batch.step())
    return [found[key] for key in keys]


class BatchAtOnce:
    """A `RunningBatch` of a model that recognises whole spans: all that joined are done after one step."""

    def __init__(self, model: Callable[[Sequence[Span]], list[Hypothesis]]) -> None:
        """Begin without spans.

        Args:
            model: Returns one hypothesis per span; where it fails, it raises `EngineError`.
        """
        self._model = model
        self._spans: dict[int, Span] = {}  # by key
        self._keys = itertools.count()

    def __len__(self) -> int:
        return len(self._spans)

    def add(self, span: Span) -> int:
        """Let a span join; see `RunningBatch.add`."""
        key = next(self._keys)
        self._spans[key] = span
        return key

    def step(self) -> list[tuple[int, Hypothesis]]:
        """Recognise all spans; see `RunningBatch.step`."""
        spans, self._spans = self._spans, {}
        return list(zip(spans, self._model(list(spans.values())), strict=True)) if spans else []
