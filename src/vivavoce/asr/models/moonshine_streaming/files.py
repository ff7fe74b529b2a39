"""The folder of the graphs that are written from a model's files."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from vivavoce.asr.models.onnx.cache import cached, digest

if TYPE_CHECKING:
    from pathlib import Path

    from vivavoce.asr.models.moonshine_streaming.config import StreamingConfig
    from vivavoce.asr.models.tensor_files import ModelFolder

__all__ = ["cached_graphs"]

# Part of the cache's key: raise it with each change of the written graphs.
_BUILD: Final = 1


def cached_graphs(
    folder: ModelFolder,
    config: StreamingConfig,
    *,
    quantised: bool,
    word_heads: tuple[tuple[int, int], ...],
) -> Path:
    """The folder of the graphs of these weights; the first call writes them, in some seconds.

    Args:
        folder: The model's files.
        config: Its sizes.
        quantised: Whether matrices are quantised.
        word_heads: As in `DecoderPart`.

    Raises:
        ModelError: The files do not belong together, or one is damaged.
    """

    def write(target: Path) -> None:
        # loads onnx, needed once
        from vivavoce.asr.models.moonshine_streaming.graphs import build  # noqa: PLC0415

        build(folder.tensors, config, target, quantised=quantised, word_heads=word_heads)

    options = hashlib.sha256(repr((quantised, word_heads)).encode()).hexdigest()[:8]
    name = f"moonshine-streaming-{digest(folder.config, *folder.tensors.paths)}-{options}-{_BUILD}"
    return cached(name, "decoder.onnx", write)
