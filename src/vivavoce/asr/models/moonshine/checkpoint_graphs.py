"""Lean ONNX graphs of a Moonshine checkpoint of any size, written from its tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vivavoce.asr.models.moonshine.decoder_graph import DecoderPart, embed_tokens, write_decoder
from vivavoce.asr.models.moonshine.encoder_graph import build_encoder, build_front
from vivavoce.asr.models.moonshine.matrix_reader import MatrixReader
from vivavoce.asr.models.moonshine.weights import EncoderWeights, cross_matrices

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from vivavoce.asr.models.moonshine.config import MoonshineConfig
    from vivavoce.asr.models.moonshine.weights import DecoderBlock
    from vivavoce.asr.models.onnx.graph_writer import GraphBuilder
    from vivavoce.asr.models.tensor_files import TensorFiles

__all__ = ["build"]

# Widths of the convolutions.
_STEP_SAMPLES: Final = 127
_ROW_STEPS: Final = 7
_FRAME_ROWS: Final = 3


def build(tensors: TensorFiles, config: MoonshineConfig, out_dir: Path, *, quantised: bool) -> None:
    """Write ``front.onnx``, ``encoder.onnx`` and ``decoder.onnx`` into a folder. Takes some seconds.

    Args:
        tensors: The weights.
        config: The sizes.
        out_dir: The folder; it is created if necessary.
        quantised: Whether matrices are quantised, with a scale for each output. Convolutions lose most by 8
            bits, and have the precision of about 15.

    Raises:
        ModelError: The files do not belong together, or one is damaged.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    reader = MatrixReader(tensors, quantised=quantised)
    embedding = tensors.floats("model.decoder.embed_tokens.weight", (config.vocabulary, config.hidden))
    blocks = tuple(
        reader.decoder_block(at, config.decoder, config.hidden, config.inner)
        for at in range(config.decoder.blocks)
    )
    encoder = _encoder_weights(reader, config, blocks, quantised=quantised)
    build_front(encoder, out_dir / "front.onnx")
    build_encoder(encoder, config.encoder, config.decoder, out_dir / "encoder.onnx")

    def embed(graph: GraphBuilder, tokens: str) -> str:
        return embed_tokens(graph, embedding, tokens, quantised=quantised)

    part = DecoderPart(
        sizes=config.decoder,
        blocks=blocks,
        norm=reader.norm("model.decoder.norm", config.hidden),
        vocabulary=reader.vocabulary(embedding, is_tied=config.is_tied),
        frequencies=config.frequencies,
        embed=embed,
        word_heads=(),
    )
    write_decoder(part, out_dir / "decoder.onnx")


def _encoder_weights(
    reader: MatrixReader, config: MoonshineConfig, decoder: Sequence[DecoderBlock], *, quantised: bool
) -> EncoderWeights:
    name, hidden, floats = "model.encoder", config.hidden, reader.files.floats
    return EncoderWeights(
        conv1=floats(f"{name}.conv1.weight", (hidden, 1, _STEP_SAMPLES)),
        group_gain=reader.norm(f"{name}.groupnorm", hidden),
        group_bias=floats(f"{name}.groupnorm.bias", (hidden,)),
        conv2=floats(f"{name}.conv2.weight", (2 * hidden, hidden, _ROW_STEPS)),
        conv2_bias=floats(f"{name}.conv2.bias", (2 * hidden,)),
        conv3=floats(f"{name}.conv3.weight", (hidden, 2 * hidden, _FRAME_ROWS)),
        conv3_bias=floats(f"{name}.conv3.bias", (hidden,)),
        convolutions="fine" if quantised else "float",
        blocks=tuple(
            reader.encoder_block(at, config.encoder.inner, hidden, config.inner)
            for at in range(config.encoder.blocks)
        ),
        norm=reader.norm(f"{name}.layer_norm", hidden),
        frequencies=config.frequencies,
        cross=cross_matrices(decoder),
    )
