"""Lean ONNX graphs of Moonshine tiny, written from the shipped weights.

They compute the same numbers with fewer nodes: one decoder graph without branches or shape arithmetic, the
cross-attention's keys and values once per pass, and int8 products with one activation scale per row, so that
the result of a row does not depend on its neighbours in a batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vivavoce.asr.models.moonshine.decoder_graph import build_decoder
from vivavoce.asr.models.moonshine.encoder_graph import build_encoder, build_front
from vivavoce.asr.models.moonshine.sizes import TINY_DECODER, TINY_ENCODER
from vivavoce.asr.models.moonshine.weights import load_weights

if TYPE_CHECKING:
    from pathlib import Path

    from vivavoce.asr.models.onnx.graph_writer import Products

__all__ = ["build"]


def build(encoder_ort: Path, decoder_ort: Path, out_dir: Path, *, products: Products = "rows") -> None:
    """Write ``front.onnx``, ``encoder.onnx`` and ``decoder.onnx`` into a folder. Takes about a second.

    Args:
        encoder_ort: The shipped ``encoder_model.ort``.
        decoder_ort: The shipped ``decoder_model_merged.ort``.
        out_dir: The folder; it is created if necessary.
        products: How quantised products are computed.

    Raises:
        ModelError: The files are not those of Moonshine tiny.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    weights = load_weights(encoder_ort, decoder_ort, scratch=out_dir)
    build_front(weights.encoder, out_dir / "front.onnx", products)
    build_encoder(weights.encoder, TINY_ENCODER, TINY_DECODER, out_dir / "encoder.onnx", products)
    build_decoder(weights, out_dir / "decoder.onnx", products)
