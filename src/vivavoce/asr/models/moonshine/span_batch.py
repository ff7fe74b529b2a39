"""Spans that are encoded one by one when they join, and then decoded together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vivavoce.asr.models.moonshine.runtime import RunningJobs
from vivavoce.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable

    from vivavoce.asr.models.base import Hypothesis, Span
    from vivavoce.asr.models.moonshine.decoder import Decoder
    from vivavoce.asr.models.moonshine.greedy import Decoded, Job

__all__ = ["SpanBatch"]


class SpanBatch:
    """Spans of which each is encoded when it joins, and then takes part in the decoder's steps."""

    def __init__(
        self,
        name: str,
        decoder: Decoder,
        begin: Callable[[Span], tuple[Job, Any]],
        finish: Callable[[Span, Decoded, Any], Hypothesis],
    ) -> None:
        """Begin without spans.

        Args:
            name: Of the model, for the messages of errors.
            decoder: Decodes the jobs.
            begin: Encodes a span; returns its job, and what ``finish`` needs besides.
            finish: Makes a hypothesis of what was decoded.
        """
        self._name = name
        self._begin = begin
        self._finish = finish
        self._jobs = RunningJobs(decoder)
        self._spans: dict[int, tuple[Span, Any]] = {}  # by key

    def __len__(self) -> int:
        return len(self._spans)

    def add(self, span: Span) -> int:
        """Encode a span and verify its draft; see `RunningBatch.add`."""
        try:
            job, state = self._begin(span)
            key = self._jobs.add(job)
        except Exception as error:
            raise EngineError(f"{self._name} failed: {error}") from error
        self._spans[key] = (span, state)
        return key

    def step(self) -> list[tuple[int, Hypothesis]]:
        """Decode one more token of each span; see `RunningBatch.step`."""
        try:
            return [
                (key, self._finish(span, decoded, state))
                for key, decoded in self._jobs.step()
                for span, state in (self._spans.pop(key),)
            ]
        except Exception as error:
            self._jobs.clear()  # or a job without its span would be done some time
            self._spans.clear()
            raise EngineError(f"{self._name} failed: {error}") from error
