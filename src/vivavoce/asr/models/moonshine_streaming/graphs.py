"""Lean ONNX graphs of Moonshine streaming, written from its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vivavoce.asr.models.moonshine.decoder_graph import DecoderPart, embed_tokens, write_decoder
from vivavoce.asr.models.moonshine_streaming.encoder_graph import build_encoder, build_front
from vivavoce.asr.models.moonshine_streaming.weights import load_weights

if TYPE_CHECKING:
    from pathlib import Path

    from vivavoce.asr.models.moonshine_streaming.config import StreamingConfig
    from vivavoce.asr.models.onnx.graph_writer import GraphBuilder
    from vivavoce.asr.models.tensor_files import TensorFiles

__all__ = ["build"]


def build(
    tensors: TensorFiles,
    config: StreamingConfig,
    out_dir: Path,
    *,
    quantised: bool,
    word_heads: tuple[tuple[int, int], ...],
) -> None:
    """Write ``front.onnx``, ``encoder.onnx`` and ``decoder.onnx`` into a folder.

    Args:
        tensors: The weights.
        config: The sizes.
        out_dir: The folder; it is created if necessary.
        quantised: Whether matrices are quantised.
        word_heads: As in `DecoderPart`.

    Raises:
        ModelError: The files do not belong together, or one is damaged.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    weights = load_weights(tensors, config, quantised=quantised)
    build_front(weights, config, out_dir / "front.onnx", quantised=quantised)
    build_encoder(weights, config, out_dir / "encoder.onnx")

    def embed(graph: GraphBuilder, tokens: str) -> str:
        return embed_tokens(graph, weights.embedding, tokens, quantised=quantised)

    part = DecoderPart(
        sizes=config.decoder,
        blocks=weights.decoder,
        norm=weights.decoder_norm,
        vocabulary=weights.vocabulary,
        frequencies=config.frequencies,
        embed=embed,
        word_heads=word_heads,
    )
    write_decoder(part, out_dir / "decoder.onnx")
