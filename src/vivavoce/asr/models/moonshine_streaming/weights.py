"""The weights of Moonshine streaming, as its graphs are written from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vivavoce.asr.models.moonshine.weights import DecoderBlock, EncoderBlock
from vivavoce.asr.models.onnx.quantised import Dense, Floats, Matrix, quantise

if TYPE_CHECKING:
    from vivavoce.asr.models.moonshine_streaming.config import StreamingConfig
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
    if config.is_tied and "proj_out.weight" not in files:
        vocabulary = reader.made(Dense(np.ascontiguousarray(embedding.T)))
    else:
        vocabulary = reader.matrix("proj_out", outer, config.vocabulary)
    return StreamingWeights(
        compression=float(np.exp(files.floats(f"{embedder}.comp.log_k", ()))),
        features=files.floats(f"{embedder}.linear.weight", (width, config.feature_samples)).T,
        conv1=reader.convolution(f"{embedder}.conv1", width, 2 * width),
        conv1_bias=files.floats(f"{embedder}.conv1.bias", (2 * width,)),
        conv2=reader.convolution(f"{embedder}.conv2", 2 * width, width),
        conv2_bias=files.floats(f"{embedder}.conv2.bias", (width,)),
        encoder=tuple(reader.encoder_block(at, config) for at in range(len(config.windows))),
        encoder_norm=reader.offset_norm("model.encoder.final_norm", width),
        positions=files.floats(f"{decoder}.pos_emb.weight", (config.positions, width)),
        adapter=adapter,
        embedding=embedding,
        decoder=tuple(reader.decoder_block(at, config) for at in range(config.decoder.blocks)),
        decoder_norm=files.floats(f"{decoder}.norm.weight", (outer,)),
        vocabulary=vocabulary,
    )


class _Reader:
    """Reads tensors by their names in the reference."""

    def __init__(self, files: TensorFiles, *, quantised: bool) -> None:
        self._files = files
        self._quantised = quantised

    def made(self, matrix: Dense) -> Matrix:
        return quantise(matrix) if self._quantised else matrix

    def matrix(self, name: str, inputs: int, outputs: int, *, has_bias: bool = False) -> Matrix:
        values = np.ascontiguousarray(self._files.floats(f"{name}.weight", (outputs, inputs)).T)
        bias = self._files.floats(f"{name}.bias", (outputs,)) if has_bias else None
        return self.made(Dense(values, bias))

    def convolution(self, name: str, inputs: int, outputs: int) -> Floats:
        kernel = self._files.floats(f"{name}.weight", (outputs, inputs, CONVOLUTION))
        return np.ascontiguousarray(kernel.transpose(2, 1, 0).reshape(CONVOLUTION * inputs, outputs))

    def offset_norm(self, name: str, width: int) -> Floats:
        """The gain of a norm whose file holds its difference to 1."""
        return self._files.floats(f"{name}.gamma", (width,)) + np.float32(1)

    def encoder_block(self, at: int, config: StreamingConfig) -> EncoderBlock:
        name, width = f"model.encoder.layers.{at}", config.width
        inner = config.heads * config.head_size
        return EncoderBlock(
            attention_norm=self.offset_norm(f"{name}.input_layernorm", width),
            query=self.matrix(f"{name}.self_attn.q_proj", width, inner),
            key=self.matrix(f"{name}.self_attn.k_proj", width, inner),
            value=self.matrix(f"{name}.self_attn.v_proj", width, inner),
            output=self.matrix(f"{name}.self_attn.o_proj", inner, width),
            mlp_norm=self.offset_norm(f"{name}.post_attention_layernorm", width),
            up=self.matrix(f"{name}.mlp.fc1", width, config.inner, has_bias=True),
            down=self.matrix(f"{name}.mlp.fc2", config.inner, width, has_bias=True),
        )

    def decoder_block(self, at: int, config: StreamingConfig) -> DecoderBlock:
        name, width = f"model.decoder.layers.{at}", config.decoder_width
        inner = config.decoder.heads * config.decoder.head_size

        def norm(part: str) -> Floats:
            return self._files.floats(f"{name}.{part}.weight", (width,))

        return DecoderBlock(
            attention_norm=norm("input_layernorm"),
            query=self.matrix(f"{name}.self_attn.q_proj", width, inner),
            key=self.matrix(f"{name}.self_attn.k_proj", width, inner),
            value=self.matrix(f"{name}.self_attn.v_proj", width, inner),
            output=self.matrix(f"{name}.self_attn.o_proj", inner, width),
            cross_norm=norm("post_attention_layernorm"),
            cross_query=self.matrix(f"{name}.encoder_attn.q_proj", width, inner),
            cross_key=self.matrix(f"{name}.encoder_attn.k_proj", width, inner),
            cross_value=self.matrix(f"{name}.encoder_attn.v_proj", width, inner),
            cross_output=self.matrix(f"{name}.encoder_attn.o_proj", inner, width),
            mlp_norm=norm("final_layernorm"),
            up=self.matrix(f"{name}.mlp.fc1", width, 2 * config.decoder_inner, has_bias=True),
            down=self.matrix(f"{name}.mlp.fc2", config.decoder_inner, width, has_bias=True),
        )
