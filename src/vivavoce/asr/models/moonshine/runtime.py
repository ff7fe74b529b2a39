"""Decoding jobs together: each draft is verified in one run, what follows is generated token by token."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from vivavoce.asr.models.devices import CPU
from vivavoce.asr.models.moonshine.decoder import Batch, Decoder
from vivavoce.asr.models.moonshine.encoder import Encoder
from vivavoce.asr.models.moonshine.greedy import SpanDecoding
from vivavoce.asr.models.moonshine.sizes import TINY_DECODER, TINY_ENCODER
from vivavoce.asr.models.moonshine.step_rows import StepRows
from vivavoce.asr.models.moonshine.term_bias import TermTracker, watched_tokens
from vivavoce.asr.models.onnx.runtime import open_model

if TYPE_CHECKING:
    from pathlib import Path

    from vivavoce.asr.models.devices import Device
    from vivavoce.asr.models.moonshine.decoder import Prompted
    from vivavoce.asr.models.moonshine.greedy import Decoded, Job
    from vivavoce.asr.models.moonshine.sizes import DecoderSizes, EncoderSizes

__all__ = ["MoonshineRuntime", "RunningJobs"]

_MAX_ROUNDS: Final = 4  # two are enough but for near ties


class MoonshineRuntime:
    """Encoder and decoder; keeps nothing between calls.

    Attributes:
        encoder: Turns samples into the keys and values that a job carries.
        decoder: Runs the decoder's graph.
    """

    def __init__(self, encoder: Encoder, decoder: Decoder) -> None:
        self.encoder: Final = encoder
        self.decoder: Final = decoder

    @classmethod
    def open(
        cls,
        folder: Path,
        encoder_sizes: EncoderSizes = TINY_ENCODER,
        decoder_sizes: DecoderSizes = TINY_DECODER,
        *,
        threads: int = 1,
        device: Device = CPU,
    ) -> MoonshineRuntime:
        """Open the graphs in a folder.

        Args:
            folder: Holds ``front.onnx``, ``encoder.onnx`` and ``decoder.onnx``.
            encoder_sizes: For which the encoder was written.
            decoder_sizes: For which the decoder was written.
            threads: Threads for one run.
            device: Where the graphs run.

        Raises:
            ModelError: A graph is missing or unusable.
        """
        front, encoder, decoder = (
            open_model(folder / f"{name}.onnx", threads=threads, providers=device.providers)
            for name in ("front", "encoder", "decoder")
        )
        return cls(
            Encoder(front, encoder, encoder_sizes),
            Decoder(decoder, decoder_sizes, binds_once=not device.is_gpu),
        )


@dataclass(slots=True, eq=False)
class _Running:
    """A job that is being decoded.

    Attributes:
        key: Its key.
        job: The job.
        span: What is decoded of it in this round.
        round: How often it was begun, 1 or more.
        prompted: Its prompt.
    """

    key: int
    job: Job
    span: SpanDecoding
    round: int
    prompted: Prompted


class RunningJobs:
    """Jobs that are decoded greedily, each of which joins and leaves between two steps.

    Source of verifying drafts: Y. Leviathan et al., "Fast Inference from Transformers via
    Speculative Decoding", 2023, with the previous hypothesis in the place of the small model.

    One token at a time and many at once are summed in different orders, which now and then tips a
    near tie. An exact job is therefore done only when a run over all of its tokens at once, in
    blocks of a fixed size, agrees with every one of them: only one text has that property.
    """

    def __init__(self, decoder: Decoder) -> None:
        """Begin without jobs.

        Args:
            decoder: Runs the prompts and the steps.
        """
        self._decoder = decoder
        self._keys = itertools.count()
        self.clear()

    def __len__(self) -> int:
        return len(self._running) + len(self._done)

    def clear(self) -> None:
        """Drop all jobs; no later one gets the key of one of them."""
        self._steps = StepRows(self._decoder)
        self._running: list[_Running] = []  # in the order of the rows of the steps
        self._done: list[tuple[int, Decoded]] = []  # not yet returned

    def add(self, job: Job) -> int:
        """Verify the draft of a job, and let it take part in the next steps; returns its key."""
        key = next(self._keys)
        self._begin(key, job, job, 1)
        return key

    def step(self) -> list[tuple[int, Decoded]]:
        """Decode one more token of each job; returns those that are done, by their keys, and drops them.

        Jobs that were done when they joined are returned at once.
        """
        if self._running and not self._done:
            self._step()
        done, self._done = self._done, []
        return done

    def _step(self) -> None:
        outputs = self._steps.step([running.span.result.tokens[-1] for running in self._running])
        for row, (running, output) in enumerate(zip(self._running, outputs, strict=True)):
            span = running.span
            if span.step(output) and not span.is_done:
                self._steps.rewind(row, len(span.result.tokens), 1 + span.n_agreed)
        ended = [running for running in self._running if running.span.is_done]
        for row in reversed(range(len(self._running))):
            if self._running[row].span.is_done:
                self._steps.remove(row)
                del self._running[row]
        for each in ended:
            self._end(each)

    def _begin(self, key: int, job: Job, redrafted: Job, nth: int) -> None:
        """Verify a draft; what it does not cover is left to the steps."""
        watched = watched_tokens(job.bias)
        if job.n_frames is None:
            batch = Batch.of([job.cross], watched)
        else:
            batch = Batch.alone(job.cross, job.n_frames, watched)
        kept = None if job.kept is None else job.kept.beginning(redrafted.given)
        past = None if kept is None else kept.states[:, None]
        prompted = self._decoder.prompt(batch, [redrafted.given], in_blocks=job.exact, past=past)
        tracker = None if job.bias is None else TermTracker(job.bias, watched)
        span = SpanDecoding(redrafted, tracker, partial(prompted.output, 0), kept)
        running = _Running(key, job, span, nth, prompted)
        if span.is_done:
            self._end(running)
        else:
            self._steps.add(prompted, 1 + span.n_agreed)
            self._running.append(running)

    def _end(self, running: _Running) -> None:
        """Note the result, or confirm it first."""
        job, span = running.job, running.span
        if job.exact and not span.is_confirmed and running.round < _MAX_ROUNDS:
            self._begin(running.key, job, job.redrafted(span.result), running.round + 1)
        else:
            span.result.states = running.prompted.states[0, :, :, : 1 + span.n_agreed]
            self._done.append((running.key, span.result))
