"""A recogniser that also detects the ends of turns: both models get the same span in the same pass."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from vivavoce.errors import EngineError

if TYPE_CHECKING:
    from vivavoce.asr.audio import Samples
    from vivavoce.asr.models.base import Hypothesis, Recogniser, RunningBatch, Span, TurnDetector

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
    def max_workers(self) -> int | None:
        """That of the recogniser."""
        return self._recogniser.max_workers

    @property
    def step_samples(self) -> int:
        """That of the recogniser."""
        return self._recogniser.step_samples

    @property
    def partial_cadence_ms(self) -> int | None:
        """That of the recogniser."""
        return self._recogniser.partial_cadence_ms

    @property
    def joins_running(self) -> bool:
        """That of the recogniser."""
        return self._recogniser.joins_running

    def open_batch(self) -> RunningBatch:
        """An empty batch."""
        return _TurnAwareBatch(self._recogniser.open_batch(), self._turns)


class _TurnAwareBatch:
    """A batch of the recogniser inside; see `RunningBatch`."""

    def __init__(self, batch: RunningBatch, turns: TurnDetector) -> None:
        self._batch = batch
        self._turns = turns
        self._asking: dict[int, Samples] = {}  # audio of the spans that ask, by key

    def __len__(self) -> int:
        return len(self._batch)

    def add(self, span: Span) -> int:
        key = self._batch.add(span)
        if span.asks_for_end:
            self._asking[key] = span.samples
        return key

    def step(self) -> list[tuple[int, Hypothesis]]:
        done = dict(self._batch.step())
        asking = {key: self._asking.pop(key) for key in done if key in self._asking}
        if asking:
            try:
                probabilities = self._turns.end_probabilities(list(asking.values()))
            except Exception as error:
                raise EngineError(f"{self._turns.name} failed: {error}") from error
            for key, probability in zip(asking, probabilities, strict=True):
                done[key] = dataclasses.replace(done[key], end_probability=probability)
        return list(done.items())
