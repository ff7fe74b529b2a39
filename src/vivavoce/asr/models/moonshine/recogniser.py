"""The recogniser: turns spans into words with times and confidences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from vivavoce.asr.models.devices import CPU, GPU_MAX_BATCH, GPU_MAX_WORKERS
from vivavoce.asr.models.moonshine.encoder import Encoded
from vivavoce.asr.models.moonshine.greedy import Job
from vivavoce.asr.models.moonshine.noise import NoiseModel
from vivavoce.asr.models.moonshine.runtime import MoonshineRuntime
from vivavoce.asr.models.moonshine.sizes import FRAME_SAMPLES
from vivavoce.asr.models.moonshine.sources import source_in
from vivavoce.asr.models.moonshine.span_batch import SpanBatch
from vivavoce.asr.models.moonshine.texts import Texts, token_limit
from vivavoce.asr.models.terms import DEFAULT_STRENGTH, Strength

if TYPE_CHECKING:
    from pathlib import Path

    from vivavoce.asr.models.base import Hypothesis, RunningBatch, Span
    from vivavoce.asr.models.devices import Device
    from vivavoce.asr.models.moonshine.greedy import Decoded

__all__ = ["MoonshineRecogniser"]


class MoonshineRecogniser:
    """Moonshine of any size and language: the packaged tiny model, or a checkpoint; a `Recogniser`.

    Attributes:
        max_batch: The largest batch that saves time.
        max_workers: Batches that are worth decoding at the same time; None: one for each core.
        step_samples: Grid of span starts, in samples: one encoder frame.
        joins_running: Whether spans may join others that are being decoded.
        partial_cadence_ms: None: any.
        vocabulary: Its tokens.
        runtime: Its encoder and decoder.
        texts: Makes words of tokens.
    """

    max_batch: int = 4
    max_workers: int | None = None
    joins_running: Final = False  # encoding a span takes as long as five steps or more
    step_samples: Final = FRAME_SAMPLES
    partial_cadence_ms: Final = None

    def __init__(
        self,
        folder: Path | None = None,
        *,
        threads: int = 1,
        device: Device = CPU,
        strength: Strength = DEFAULT_STRENGTH,
        quantised: bool = True,
    ) -> None:
        """Open the model.

        Args:
            folder: As for `source_in`; by default the model inside ``moonshine-voice``.
            threads: Threads for one run.
            device: Where it runs; on a GPU in floats.
            strength: How strongly expected terms are favoured.
            quantised: Whether products are computed with 8 bits; on a processor, those in floats take three
                times as long.

        Raises:
            ModelError: A file is missing or unusable.
        """
        source = source_in(folder, quantised=quantised and not device.is_gpu)
        self._name: Final = source.name
        self.vocabulary: Final = source.vocabulary
        self.runtime: Final = MoonshineRuntime.open(
            source.graphs, source.encoder, source.decoder, threads=threads, device=device
        )
        if device.is_gpu:
            self.max_batch, self.max_workers = GPU_MAX_BATCH, GPU_MAX_WORKERS
        encoder = self.runtime.encoder
        noise = NoiseModel(self.runtime.decoder, lambda noise: encoder.encode(noise, exact=True)[0])
        self.texts: Final = Texts(
            self.vocabulary,
            noise,
            strength=strength,
            timing=source.timing,
            drops_untimed=source.drops_untimed,
        )

    @property
    def name(self) -> str:
        """Name of the model, for people."""
        return self._name

    def open_batch(self) -> RunningBatch:
        """An empty batch."""
        return SpanBatch(self.name, self.runtime.decoder, self.begin, self.finish)

    def begin(self, span: Span) -> tuple[Job, Encoded]:
        """Encode a span; returns its job, and what the next pass may use."""
        before = span.memory if isinstance(span.memory, Encoded) else None
        samples = np.pad(span.samples, (0, span.zeros)) if span.zeros else span.samples
        cross, memory = self.runtime.encoder.encode(samples, span.start, before, exact=span.exact)
        bias = self.texts.bias_of(span.terms) if span.terms else None
        end = self.runtime.decoder.sizes.end
        return Job(cross, token_limit(span), span.prefix, span.draft, span.exact, bias, end=end), memory

    def finish(self, span: Span, decoded: Decoded, memory: Encoded) -> Hypothesis:
        """The hypothesis of a decoded span."""
        return self.texts.hypothesis(span, decoded, memory)
