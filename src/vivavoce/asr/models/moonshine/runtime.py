"""Encoding and decoding of batches: drafts are verified in one run, what follows is generated greedily."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from vivavoce.asr.models.moonshine.decoder import Batch, Decoder
from vivavoce.asr.models.moonshine.encoder import Encoder
from vivavoce.asr.models.moonshine.greedy import Decoded, SpanDecoding
from vivavoce.asr.models.moonshine.term_bias import TermTracker, watched_tokens
from vivavoce.asr.models.onnx.runtime import open_model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from vivavoce.asr.models.moonshine.greedy import Job

__all__ = ["MoonshineRuntime"]

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
    def open(cls, folder: Path, *, threads: int = 1) -> MoonshineRuntime:
        """Open the graphs in a folder.

        Args:
            folder: Holds ``front.onnx``, ``encoder.onnx`` and ``decoder.onnx``.
            threads: Threads for one run.

        Raises:
            ModelError: A graph is missing or unusable.
        """
        front, encoder, decoder = (
            open_model(folder / f"{name}.onnx", threads=threads) for name in ("front", "encoder", "decoder")
        )
        return cls(Encoder(front, encoder), Decoder(decoder))

    def decode(self, jobs: Sequence[Job]) -> list[Decoded]:
        """Decode a batch of spans greedily.

        Source of verifying drafts: Y. Leviathan et al., "Fast Inference from Transformers via
        Speculative Decoding", 2023, with the previous hypothesis in the place of the small model.

        One token at a time and many at once are summed in different orders, which now and then tips a
        near tie. An exact job is therefore done only when a run over all of its tokens at once, in
        blocks of a fixed size, agrees with every one of them: only one text has that property.
        """
        found = [Decoded() for _ in jobs]
        rows = list(range(len(jobs)))
        for _ in range(_MAX_ROUNDS):
            spans = self._decode_round([jobs[row].redrafted(found[row]) for row in rows])
            for row, span in zip(rows, spans, strict=True):
                found[row] = span.result
            rows = [
                row
                for row, span in zip(rows, spans, strict=True)
                if jobs[row].exact and not span.is_confirmed
            ]
            if not rows:
                break
        return found

    def _decode_round(self, jobs: Sequence[Job]) -> list[SpanDecoding]:
        """Verify the drafts, and decode token by token what they do not cover."""
        watched = watched_tokens(job.bias for job in jobs)
        prompted = self.decoder.prompt(
            Batch.of([job.cross for job in jobs], watched),
            [job.given for job in jobs],
            in_blocks=any(job.exact for job in jobs),
        )
        spans = [
            SpanDecoding(
                job,
                None if job.bias is None else TermTracker(job.bias, watched),
                partial(prompted.output, row),
            )
            for row, job in enumerate(jobs)
        ]
        rows = [row for row, span in enumerate(spans) if not span.is_done]
        if not rows:
            return spans
        active = [spans[row] for row in rows]
        stepper = self.decoder.stepper(prompted, rows, [1 + span.n_agreed for span in active])
        while True:
            outputs = stepper.step([span.result.tokens[-1] for span in active])
            for row, (span, output) in enumerate(zip(active, outputs, strict=True)):
                if span.step(output) and not span.is_done:
                    stepper.rewind(row, len(span.result.tokens), 1 + span.n_agreed)
            left = [row for row, span in enumerate(active) if not span.is_done]
            if not left:
                return spans
            if len(left) < len(active):
                stepper.select(left)
                active = [active[row] for row in left]
