"""A model of turn ends beside the recogniser: both see the same span, in the same pass."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Protocol

from vivavoce.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.audio import Samples
    from vivavoce.asr.models.base import Hypothesis, Recogniser, Span

__all__ = ["TurnAwareRecogniser", "TurnDetector"]


class TurnDetector(Protocol):
    """Hears from the sound whether a turn is over. May be called from several threads."""

    @property
    def name(self) -> str:
        """Of the model, for people."""

    def end_probabilities(self, turns: Sequence[Samples]) -> list[float]:
        """Probability that each turn is over, 0 to 1; what a turn gets must not depend on the others.

        Args:
            turns: Sound from the start of each turn into the pause behind it, shape (n,), float32, 16 kHz.
        """


class TurnAwareRecogniser:
    """A recogniser that also says, where that is wanted, how probable it is that the turn is over."""

    def __init__(self, recogniser: Recogniser, turns: TurnDetector) -> None:
        self._recogniser = recogniser
        self._turns = turns

    @property
    def name(self) -> str:
        """Of both models."""
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
        wanted = [index for index, span in enumerate(spans) if span.asks_for_end]
        if not wanted:
            return hypotheses
        try:
            probabilities = self._turns.end_probabilities([spans[index].samples for index in wanted])
        except Exception as error:
            raise EngineError(f"{self._turns.name} failed: {error}") from error
        for index, probability in zip(wanted, probabilities, strict=True):
            hypotheses[index] = dataclasses.replace(hypotheses[index], end_probability=probability)
        return hypotheses
