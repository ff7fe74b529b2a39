"""The recogniser: turns spans that grow into words with times and confidences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vivavoce.asr.models.devices import CPU, GPU_MAX_BATCH, GPU_MAX_WORKERS
from vivavoce.asr.models.moonshine.decoder import Decoder
from vivavoce.asr.models.moonshine.greedy import Job
from vivavoce.asr.models.moonshine.noise import NoiseModel
from vivavoce.asr.models.moonshine.span_batch import SpanBatch
from vivavoce.asr.models.moonshine.texts import Texts, token_limit
from vivavoce.asr.models.moonshine.word_times import Timing
from vivavoce.asr.models.moonshine_streaming.config import FEATURES_PER_FRAME, StreamingConfig
from vivavoce.asr.models.moonshine_streaming.encoder import Encoded, Heard, StreamingEncoder
from vivavoce.asr.models.moonshine_streaming.files import cached_graphs
from vivavoce.asr.models.moonshine_streaming.written import Written
from vivavoce.asr.models.onnx.runtime import open_model
from vivavoce.asr.models.tensor_files import ModelFolder
from vivavoce.asr.models.terms import DEFAULT_STRENGTH, Strength
from vivavoce.asr.models.vocabulary import Vocabulary
from vivavoce.errors import ModelError
from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from pathlib import Path

    from vivavoce.asr.audio import Samples
    from vivavoce.asr.models.base import Hypothesis, RunningBatch, Span
    from vivavoce.asr.models.devices import Device
    from vivavoce.asr.models.moonshine.decoder import Floats
    from vivavoce.asr.models.moonshine.greedy import Decoded

__all__ = ["MoonshineStreamingRecogniser", "Remembered"]

_SIZES: Final = {320: "tiny", 620: "small", 768: "medium"}  # by the encoder's width


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the next pass over a span may use: `Hypothesis.memory`.

    Attributes:
        heard: The encoder's state and its finished frames.
        written: The text.
    """

    heard: Heard
    written: Written


class MoonshineStreamingRecogniser:
    """Moonshine streaming of any size and language; a `Recogniser`.

    A pass encodes what is new since its memory, if both begin at the same sample. The spans of an utterance
    should therefore all begin where it does, and grow.

    Attributes:
        max_batch: The largest batch that saves time.
        max_workers: Batches that are worth decoding at the same time; None: one for each core.
        partial_cadence_ms: None: any.
        joins_running: Whether spans may join others that are being decoded.
        vocabulary: Its tokens.
        config: Its sizes.
        encoder: Turns samples into the keys and values that a job carries.
        decoder: Runs the decoder's graph.
        texts: Makes words of tokens.
    """

    # Passes of several sessions need their frames side by side, and copying them takes as long as reading the
    # decoder's weights for all at once saves: measured with 2, 4 and 8 sessions, tiny and small.
    max_batch: int = 1
    max_workers: int | None = None
    joins_running: Final = False
    partial_cadence_ms: Final = None

    def __init__(
        self,
        folder: Path,
        *,
        threads: int = 1,
        device: Device = CPU,
        strength: Strength = DEFAULT_STRENGTH,
        quantised: bool = True,
        word_heads: tuple[tuple[int, int], ...] = (),
        timing: Timing | None = None,
    ) -> None:
        """Open the model.

        Args:
            folder: Holds ``config.json``, ``model.safetensors`` and ``tokenizer.json``.
            threads: Threads for one run.
            device: Where it runs; on a GPU in floats.
            strength: How strongly expected terms are favoured.
            quantised: Whether the products of encoder and decoder are computed with 8 bits; in floats they
                take three times as long. Ignored on a GPU.
            word_heads: Cross-attention heads (block, head) from which word times are read: the first for
                starts, the last for ends. Which heads follow the words was not measured for this family, so
                by default the mean of all heads of the upper half of the blocks is read, and words are kept
                even if they seem to have no duration.
            timing: How word times are read from attention; by default as for Moonshine tiny, without the lags
                of its heads.

        Raises:
            ModelError: A file is missing or unusable.
        """
        files = ModelFolder(folder)
        self.config: Final = StreamingConfig.load(files.config, word_rows=max(1, len(word_heads)))
        _check_heads(word_heads, self.config)
        self.vocabulary: Final = Vocabulary.load_json(files.tokenizer, size=self.config.vocabulary)
        quantised = quantised and not device.is_gpu
        graphs = cached_graphs(files, self.config, quantised=quantised, word_heads=word_heads)
        front, encoder, decoder = (
            open_model(graphs / f"{name}.onnx", threads=threads, providers=device.providers)
            for name in ("front", "encoder", "decoder")
        )
        if device.is_gpu:
            self.max_batch, self.max_workers = GPU_MAX_BATCH, GPU_MAX_WORKERS
        self.encoder: Final = StreamingEncoder(front, encoder, self.config, merges=quantised)
        self.decoder: Final = Decoder(decoder, self.config.decoder, binds_once=not device.is_gpu)
        frame_s = self.config.frame_samples / MODEL_RATE_HZ
        self.texts: Final = Texts(
            self.vocabulary,
            NoiseModel(self.decoder, self._cross),
            strength=strength,
            timing=timing or Timing(frame_s, start_lag_s=0.0, end_lag_s=0.0),
            drops_untimed=bool(word_heads),
        )

    @property
    def name(self) -> str:
        """Name of the model, for people."""
        return f"moonshine-streaming-{_SIZES.get(self.config.width, self.config.width)}"

    @property
    def step_samples(self) -> int:
        """Samples between two frames of the encoder."""
        return self.config.frame_samples

    @property
    def max_samples(self) -> int:
        """The longest span whose frames all have a position of their own."""
        return self.config.positions * self.config.frame_samples

    def open_batch(self) -> RunningBatch:
        """An empty batch."""
        return SpanBatch(self.name, self.decoder, self.begin, self.finish)

    def _cross(self, samples: Samples) -> Floats:
        """The decoder's keys and values of a whole span."""
        encoded = self.encoder.encode(samples)
        return encoded.cross[:, :, : encoded.n_frames]

    def begin(self, span: Span) -> tuple[Job, Encoded]:
        """Encode a span; returns its job, and its frames."""
        before = self._memory_of(span)
        encoded = self.encoder.encode(
            span.samples, span.start, None if before is None else before.heard, zeros=span.zeros
        )
        kept = None
        if before is not None and not span.exact:
            kept = before.written.kept_with(span.terms)
        job = Job(
            encoded.cross,
            token_limit(span),
            span.prefix,
            span.draft,
            span.exact,
            self.texts.bias_of(span.terms) if span.terms else None,
            n_frames=encoded.n_frames,
            kept=kept,
            end=self.config.decoder.end,
        )
        return job, encoded

    def finish(self, span: Span, decoded: Decoded, encoded: Encoded) -> Hypothesis:
        """The hypothesis of a decoded span, with the memory for the next pass."""
        before = self._memory_of(span)
        written = Written.after(
            None if before is None else before.written,
            decoded,
            terms=span.terms,
            n_frames=encoded.n_frames,
            n_finished=encoded.heard.finished.count,
        )
        return self.texts.hypothesis(span, decoded, Remembered(encoded.heard, written))

    def _memory_of(self, span: Span) -> Remembered | None:
        """The memory of a span, if the encoder goes on from it.

        It must be of this family, begin where the span does, and not have more frames.
        """
        memory = span.memory
        if not isinstance(memory, Remembered) or memory.heard.start != span.start:
            return None
        n_frames = -(-(len(span.samples) // self.config.feature_samples) // FEATURES_PER_FRAME)
        return memory if memory.heard.front.count <= n_frames else None


def _check_heads(word_heads: tuple[tuple[int, int], ...], config: StreamingConfig) -> None:
    sizes = config.decoder
    for block, head in word_heads:
        if not (0 <= block < sizes.blocks and 0 <= head < sizes.heads):
            raise ModelError(
                f"the word head {(block, head)} must be within {sizes.blocks} blocks of {sizes.heads} heads"
            )
