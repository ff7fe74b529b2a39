"""The weights that the graphs are written from, and reading those of the two shipped ``.ort`` files."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from vivavoce.asr.models.moonshine.sizes import BLOCKS, HIDDEN, VOCABULARY
from vivavoce.asr.models.onnx.quantised import Bytes, Floats, Linear, Matrix
from vivavoce.asr.models.onnx.runtime import save_as_onnx
from vivavoce.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "Convolutions",
    "DecoderBlock",
    "EncoderBlock",
    "EncoderWeights",
    "Weights",
    "cross_matrices",
    "load_weights",
]

_PAIRS: Final = 16  # of dimensions that are rotated


@dataclass(frozen=True, slots=True)
class EncoderBlock:
    """Weights of one encoder block; the norms have a gain and no bias."""

    attention_norm: Floats
    query: Matrix
    key: Matrix
    value: Matrix
    output: Matrix
    mlp_norm: Floats
    up: Matrix
    down: Matrix


@dataclass(frozen=True, slots=True)
class DecoderBlock:
    """Weights of one decoder block; ``up`` yields values first, gates second."""

    attention_norm: Floats
    query: Matrix
    key: Matrix
    value: Matrix
    output: Matrix
    cross_norm: Floats
    cross_query: Matrix
    cross_key: Matrix
    cross_value: Matrix
    cross_output: Matrix
    mlp_norm: Floats
    up: Matrix
    down: Matrix


Convolutions: TypeAlias = Literal["bytes", "fine", "float"]
"""How the second and the third convolution are computed.

bytes: they hold dequantised bytes, and are computed with these, and with activations of 8 bits.
fine: with a precision of about 15 bits; see `GraphBuilder.fine_product`.
float: in float32.
"""


@dataclass(frozen=True, slots=True)
class EncoderWeights:
    """The weights of the encoder, and of the decoder's cross-attention keys and values.

    Attributes:
        conv1: float32 (hidden, 1, 127), stride 64, no bias.
        group_gain: float32 (hidden,), gain of the group norm after tanh.
        group_bias: float32 (hidden,).
        conv2: float32 (2 * hidden, hidden, 7), stride 3.
        conv2_bias: float32 (2 * hidden,).
        conv3: float32 (hidden, 2 * hidden, 3), stride 2.
        conv3_bias: float32 (hidden,).
        convolutions: How the last two are computed.
        blocks: one entry per block.
        norm: float32 (hidden,).
        frequencies: float32 (pairs,), rotary angle per position for each pair of dimensions.
        cross: for each block of the decoder its keys, then its values.
    """

    conv1: Floats
    group_gain: Floats
    group_bias: Floats
    conv2: Floats
    conv2_bias: Floats
    conv3: Floats
    conv3_bias: Floats
    convolutions: Convolutions
    blocks: tuple[EncoderBlock, ...]
    norm: Floats
    frequencies: Floats
    cross: tuple[Matrix, ...]

    @property
    def hidden(self) -> int:
        """Features of the encoder."""
        return len(self.norm)


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of Moonshine tiny.

    Attributes:
        encoder: those of the encoder.
        embedding: uint8 (32768, 288), quantised like ``vocabulary``.
        decoder: one entry per block.
        decoder_norm: float32 (288,).
        vocabulary: the projection to the vocabulary, the transposed embedding.
    """

    encoder: EncoderWeights
    embedding: Bytes
    decoder: tuple[DecoderBlock, ...]
    decoder_norm: Floats
    vocabulary: Linear


def cross_matrices(decoder: Sequence[DecoderBlock]) -> tuple[Matrix, ...]:
    """Return for each block of the decoder its cross-attention keys, then its values."""
    return tuple(matrix for block in decoder for matrix in (block.cross_key, block.cross_value))


def load_weights(encoder_ort: Path, decoder_ort: Path, scratch: Path) -> Weights:
    """Convert both files to ONNX and read their weights.

    Args:
        encoder_ort: The shipped ``encoder_model.ort``.
        decoder_ort: The shipped ``decoder_model_merged.ort``.
        scratch: An existing folder for the converted files; they are deleted again.

    Raises:
        ModelError: A tensor or node of Moonshine tiny is missing or has another shape.
    """
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        encoder = _Model(_convert(encoder_ort, Path(folder) / "encoder.onnx"))
        decoder = _Model(_convert(decoder_ort, Path(folder) / "decoder.onnx"))
    blocks = tuple(_decoder_block(decoder, f"model.decoder.layers.{i}") for i in range(BLOCKS))
    weights = Weights(
        encoder=_encoder_weights(encoder, blocks),
        embedding=decoder.bytes_of("/model/decoder/embed_tokens/Gather", 0),
        decoder=blocks,
        decoder_norm=decoder.floats("model.decoder.norm.weight"),
        vocabulary=decoder.linear("/proj_out/MatMul_quant"),
    )
    pairs = len(weights.encoder.frequencies)
    if weights.embedding.shape != (VOCABULARY, HIDDEN) or pairs != _PAIRS:
        raise ModelError(
            "the files must be those of Moonshine tiny, got an embedding of shape "
            f"{weights.embedding.shape} and {pairs} rotary frequencies"
        )
    if not np.array_equal(weights.embedding.T, weights.vocabulary.quantised):
        raise ModelError("the embedding must equal the transposed projection to the vocabulary, and does not")
    return weights


def _convert(source: Path, target: Path) -> onnx.ModelProto:
    save_as_onnx(source, target)
    return onnx.load(str(target))


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from _graphs(attribute.g)


class _Model:
    """Tensors and nodes of a model by name, the bodies of branches included."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._tensors: dict[str, onnx.TensorProto] = {}
        self._nodes: dict[str, onnx.NodeProto] = {}
        for graph in _graphs(model.graph):
            for tensor in graph.initializer:
                self._tensors.setdefault(tensor.name, tensor)
            for node in graph.node:
                self._nodes.setdefault(node.name, node)

    def _array(self, name: str) -> npt.NDArray[Any]:
        if name not in self._tensors:
            raise ModelError(f"the model has no tensor {name!r}")
        return numpy_helper.to_array(self._tensors[name])

    def _node(self, name: str) -> onnx.NodeProto:
        if name not in self._nodes:
            raise ModelError(f"the model has no node {name!r}")
        return self._nodes[name]

    def floats(self, name: str) -> Floats:
        # Merging branches and packing leave suffixes such as "_merged_0" and "_add_tensor".
        for suffix in ("", "_merged_0", "_add_tensor"):
            if name + suffix in self._tensors:
                return np.asarray(self._array(name + suffix), np.float32)
        raise ModelError(f"the model has no tensor {name!r}")

    def floats_of(self, node: str, position: int) -> Floats:
        return np.asarray(self._array(self._node(node).input[position]), np.float32)

    def bytes_of(self, node: str, position: int) -> Bytes:
        return np.asarray(self._array(self._node(node).input[position]), np.uint8)

    def linear(self, node_name: str) -> Linear:
        node = self._node(node_name)
        if node.op_type == "DynamicQuantizeMatMul":
            scale, zero_point, *bias = node.input[2:]
        elif node.op_type == "MatMulIntegerToFloat":
            scale, _, zero_point, *bias = node.input[3:]
        else:
            raise ModelError(f"node {node_name!r} must be a quantised product, got {node.op_type}")
        quantised = np.asarray(self._array(node.input[1]), np.uint8)
        outputs = quantised.shape[1]
        return Linear(
            quantised,
            np.broadcast_to(np.asarray(self._array(scale), np.float32), outputs).copy(),
            np.broadcast_to(np.asarray(self._array(zero_point), np.uint8), outputs).copy(),
            np.asarray(self._array(bias[0]), np.float32) if any(bias) else None,
        )


def _encoder_weights(model: _Model, decoder: Sequence[DecoderBlock]) -> EncoderWeights:
    return EncoderWeights(
        conv1=model.floats("conv1.weight"),
        group_gain=model.floats_of("/groupnorm/Mul", 1).reshape(-1),
        group_bias=model.floats_of("/groupnorm/Add", 1).reshape(-1),
        conv2=model.floats("conv2.weight"),
        conv2_bias=model.floats("conv2.bias"),
        conv3=model.floats("conv3.weight"),
        conv3_bias=model.floats("conv3.bias"),
        convolutions="bytes",
        blocks=tuple(_encoder_block(model, f"layers.{i}") for i in range(BLOCKS)),
        norm=model.floats("layer_norm.weight"),
        frequencies=model.floats_of("/rotary_emb/Expand", 0).reshape(-1),
        cross=cross_matrices(decoder),
    )


def _encoder_block(model: _Model, name: str) -> EncoderBlock:
    def linear(part: str) -> Linear:
        return model.linear(f"/{name}/{part}/MatMul_quant")

    return EncoderBlock(
        attention_norm=model.floats(f"{name}.input_layernorm.weight"),
        query=linear("self_attn/q_proj"),
        key=linear("self_attn/k_proj"),
        value=linear("self_attn/v_proj"),
        output=linear("self_attn/o_proj"),
        mlp_norm=model.floats(f"{name}.post_attention_layernorm.weight"),
        up=linear("mlp/fc1"),
        down=linear("mlp/fc2"),
    )


def _decoder_block(model: _Model, name: str) -> DecoderBlock:
    def linear(part: str) -> Linear:
        return model.linear(f"/{name.replace('.', '/', 2)}/{part}/MatMul_quant")

    return DecoderBlock(
        attention_norm=model.floats(f"{name}.input_layernorm.weight"),
        query=linear("self_attn/q_proj"),
        key=linear("self_attn/k_proj"),
        value=linear("self_attn/v_proj"),
        output=linear("self_attn/o_proj"),
        cross_norm=model.floats(f"{name}.post_attention_layernorm.weight"),
        cross_query=linear("encoder_attn/q_proj"),
        cross_key=linear("encoder_attn/k_proj"),
        cross_value=linear("encoder_attn/v_proj"),
        cross_output=linear("encoder_attn/o_proj"),
        mlp_norm=model.floats(f"{name}.final_layernorm.weight"),
        up=linear("mlp/fc1"),
        down=linear("mlp/fc2"),
    )
