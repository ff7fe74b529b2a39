"""The weights of Moonshine streaming, as its graphs are written from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vivavoce.asr.models.moonshine.matrix_reader import MatrixReader

if TYPE_CHECKING:
    from vivavoce.asr.models.moonshine.weights import DecoderBlock, EncoderBlock
    from vivavoce.asr.models.moonshine_streaming.config import StreamingConfig
    from vivavoce.asr.models.onnx.quantised import Floats, Matrix
    from vivavoce.asr.models.tensor_files import TensorFiles

__all__ = ["CONVOLUTION", "StreamingWeights", "load_weights"]

CONVOLUTION = 5
"""Width of both convolutions."""


@dataclass(frozen=True, slots=True)
class StreamingWeights:
    """The weights of front end, encoder, adapter and decoder.

    Attributes:
        compression: Gain inside asinh.
        features: float32 (samples, width), the first linear layer.
        conv1: float32 (5 * width, 2 * width), rows in the order (step, feature).
        conv1_bias: float32 (2 * width,).
        conv2: float32 (5 * 2 * width, width).
        conv2_bias: float32 (width,).
        encoder: One entry per block.
        encoder_norm: float32 (width,).
        positions: float32 (positions, width), added to the encoder's frames.
        adapter: From the encoder's width to the decoder's; None if they are the same.
        embedding: float32 (vocabulary, decoder width).
        decoder: One entry per block.
        decoder_norm: float32 (decoder width,).
        vocabulary: The projection to the vocabulary.
    """

    compression: float
    features: Floats
    conv1: Floats
    conv1_bias: Floats
    conv2: Floats
    conv2_bias: Floats
    encoder: tuple[EncoderBlock, ...]
    encoder_norm: Floats
    positions: Floats
    adapter: Matrix | None
    embedding: Floats
    decoder: tuple[DecoderBlock, ...]
    decoder_norm: Floats
    vocabulary: Matrix


def load_weights(files: TensorFiles, config: StreamingConfig, *, quantised: bool) -> StreamingWeights:
    """Read the weights.

    Args:
        files: The tensors.
        config: The sizes that they must have.
        quantised: Whether matrices are quantised, with a scale for each output. Those of the front end are
            left as they are.

    Raises:
        ModelError: A tensor is missing or has another shape, or a file is damaged.
    """
    reader = _Reader(files, quantised=quantised)
    width, outer = config.width, config.decoder_width
    embedder, decoder = "model.encoder.embedder", "model.decoder"
    embedding = files.floats(f"{decoder}.embed_tokens.weight", (config.vocabulary, outer))
    adapter = None
    if width != outer:
        adapter = reader.matrix(f"{decoder}.proj", width, outer)
    return StreamingWeights(
        compression=float(np.exp(files.floats(f"{embedder}.comp.log_k", ()))),
        features=files.floats(f"{embedder}.linear.weight", (width, config.feature_samples)).T,
        conv1=reader.convolution(f"{embedder}.conv1", width, 2 * width),
        conv1_bias=files.floats(f"{embedder}.conv1.bias", (2 * width,)),
        conv2=reader.convolution(f"{embedder}.conv2", 2 * width, width),
        conv2_bias=files.floats(f"{embedder}.conv2.bias", (width,)),
        encoder=tuple(
            reader.encoder_block(at, config.heads * config.head_size, width, config.inner)
            for at in range(len(config.windows))
        ),
        encoder_norm=reader.encoder_norm("model.encoder.final_norm", width),
        positions=files.floats(f"{decoder}.pos_emb.weight", (config.positions, width)),
        adapter=adapter,
        embedding=embedding,
        decoder=tuple(
            reader.decoder_block(at, config.decoder, outer, config.decoder_inner)
            for at in range(config.decoder.blocks)
        ),
        decoder_norm=reader.norm(f"{decoder}.norm", outer),
        vocabulary=reader.vocabulary(embedding, is_tied=config.is_tied),
    )


class _Reader(MatrixReader):
    """Reads tensors by their names in the reference."""

    def convolution(self, name: str, inputs: int, outputs: int) -> Floats:
        kernel = self.files.floats(f"{name}.weight", (outputs, inputs, CONVOLUTION))
        return np.ascontiguousarray(kernel.transpose(2, 1, 0).reshape(CONVOLUTION * inputs, outputs))

    def encoder_norm(self, name: str, width: int) -> Floats:
        """The gain of a norm whose file holds its difference to 1."""
        return self.files.floats(f"{name}.gamma", (width,)) + np.float32(1)
