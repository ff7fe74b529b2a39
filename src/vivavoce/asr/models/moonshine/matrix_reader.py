"""Reading the blocks of a checkpoint, whose tensors Moonshine and Moonshine streaming name alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from vivavoce.asr.models.moonshine.weights import DecoderBlock, EncoderBlock
from vivavoce.asr.models.onnx.quantised import Dense, quantise

if TYPE_CHECKING:
    from vivavoce.asr.models.moonshine.sizes import DecoderSizes
    from vivavoce.asr.models.onnx.quantised import Floats, Matrix
    from vivavoce.asr.models.tensor_files import TensorFiles

__all__ = ["MatrixReader"]


class MatrixReader:
    """Reads tensors by their names in the reference.

    Each method raises `ModelError` if a tensor is missing or has another shape, or if a file is damaged.

    Attributes:
        files: The tensors.
    """

    def __init__(self, files: TensorFiles, *, quantised: bool) -> None:
        """Take the tensors.

        Args:
            files: The tensors.
            quantised: Whether matrices are quantised, with a scale for each output.
        """
        self.files: Final = files
        self._quantised = quantised

    def made(self, matrix: Dense) -> Matrix:
        """A matrix, quantised if matrices are."""
        return quantise(matrix) if self._quantised else matrix

    def matrix(self, name: str, inputs: int, outputs: int, *, has_bias: bool = False) -> Matrix:
        """The matrix (inputs, outputs) of a linear layer."""
        values = np.ascontiguousarray(self.files.floats(f"{name}.weight", (outputs, inputs)).T)
        bias = self.files.floats(f"{name}.bias", (outputs,)) if has_bias else None
        return self.made(Dense(values, bias))

    def norm(self, name: str, width: int) -> Floats:
        """The gain of a norm, float32 (width,)."""
        return self.files.floats(f"{name}.weight", (width,))

    def encoder_norm(self, name: str, width: int) -> Floats:
        """The gain of a norm of the encoder, float32 (width,)."""
        return self.norm(name, width)

    def encoder_block(self, at: int, heads: int, width: int, inner: int) -> EncoderBlock:
        """A block of the encoder.

        Args:
            at: Its place.
            heads: Features of all its attention heads.
            width: Features of the encoder.
            inner: Features inside its feed-forward layers.
        """
        name = f"model.encoder.layers.{at}"
        return EncoderBlock(
            attention_norm=self.encoder_norm(f"{name}.input_layernorm", width),
            query=self.matrix(f"{name}.self_attn.q_proj", width, heads),
            key=self.matrix(f"{name}.self_attn.k_proj", width, heads),
            value=self.matrix(f"{name}.self_attn.v_proj", width, heads),
            output=self.matrix(f"{name}.self_attn.o_proj", heads, width),
            mlp_norm=self.encoder_norm(f"{name}.post_attention_layernorm", width),
            up=self.matrix(f"{name}.mlp.fc1", width, inner, has_bias=True),
            down=self.matrix(f"{name}.mlp.fc2", inner, width, has_bias=True),
        )

    def decoder_block(self, at: int, sizes: DecoderSizes, width: int, inner: int) -> DecoderBlock:
        """A block of the decoder.

        Args:
            at: Its place.
            sizes: Of the decoder.
            width: Features of the decoder.
            inner: Features inside its feed-forward layers.
        """
        name, heads = f"model.decoder.layers.{at}", sizes.heads * sizes.head_size
        return DecoderBlock(
            attention_norm=self.norm(f"{name}.input_layernorm", width),
            query=self.matrix(f"{name}.self_attn.q_proj", width, heads),
            key=self.matrix(f"{name}.self_attn.k_proj", width, heads),
            value=self.matrix(f"{name}.self_attn.v_proj", width, heads),
            output=self.matrix(f"{name}.self_attn.o_proj", heads, width),
            cross_norm=self.norm(f"{name}.post_attention_layernorm", width),
            cross_query=self.matrix(f"{name}.encoder_attn.q_proj", width, heads),
            cross_key=self.matrix(f"{name}.encoder_attn.k_proj", width, heads),
            cross_value=self.matrix(f"{name}.encoder_attn.v_proj", width, heads),
            cross_output=self.matrix(f"{name}.encoder_attn.o_proj", heads, width),
            mlp_norm=self.norm(f"{name}.final_layernorm", width),
            up=self.matrix(f"{name}.mlp.fc1", width, 2 * inner, has_bias=True),
            down=self.matrix(f"{name}.mlp.fc2", inner, width, has_bias=True),
        )

    def vocabulary(self, embedding: Floats, *, is_tied: bool) -> Matrix:
        """The projection to the vocabulary.

        Args:
            embedding: Float32 (tokens, width).
            is_tied: Whether it is the embedding, if the file has none.
        """
        if is_tied and "proj_out.weight" not in self.files:
            return self.made(Dense(np.ascontiguousarray(embedding.T)))
        return self.matrix("proj_out", embedding.shape[1], embedding.shape[0])
