"""A recogniser that also detects the ends of turns: both models get the same span in the same pass."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from vivavoce.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.models.base import Hypothesis, Recogniser, Span, TurnDetector

__all__ = ["TurnAwareRecogniser"]


class TurnAwareRecogniser:
    """A recogniser with another one inside; adds `Hypothesis.end_probability` for spans that ask for it."""

    def __init__(self, recogniser: Recogniser, turns: TurnDetector) -> None:
        self._recogniser = recogniser
        self._turns = turns

    @property
    def name(self) -> str:
        """Names of both models."""
        return f"{self._recogniser.name} with {self._turns.name}"

    @property
    def max_batch(self) -> int:
        """That of the recogniser."""
        return self._recogniser.max_batch

    @property
    def step_samples(self) -> int:
        """That of the recogniser."""
        return self._recogniser.step_samples

    def recognise(self, spans: Sequence[Span]) -> list[Hypothesis]:
        """Recognise a batch; see `Recogniser.recognise`."""
        hypotheses = self._recogniser.recognise(spans)
        asking = [index for index, span in enumerate(spans) if span.asks_for_end]
        if not asking:
            return hypotheses
        try:
            probabilities = self._turns.end_probabilities([spans[index].samples for index in asking])
        except Exception as error:
            raise EngineError(f"{self._turns.name} failed: {error}") from error
        for index, probability in zip(asking, probabilities, strict=True):
            hypotheses[index] = dataclasses.replace(hypotheses[index], end_probability=probability)
        return hypotheses
