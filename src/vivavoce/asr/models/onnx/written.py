"""Opens graphs that are written from a model's file at first use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vivavoce.asr.models.onnx.cache import cached, digest
from vivavoce.asr.models.onnx.runtime import open_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["open_written"]

_GRAPH: Final = "graph.onnx"


def open_written(
    family: str, build: int, source: Path, write: Callable[[Path, Path], None], *, threads: int = 1
) -> Any:
    """Open the one graph of a model, which is written if the cache does not have it.

    Args:
        family: Name of the model.
        build: Part of the cache's key: raise it with each change of the written graph.
        source: The model's file.
        write: Writes the graph; takes ``source`` and the file to write.
        threads: Threads for one run.

    Returns:
        An ``onnxruntime.InferenceSession``.

    Raises:
        ModelError: From ``write``, or there is no room for the graph anywhere.
    """
    folder = cached(
        f"{family}-{digest(source)}-{build}", _GRAPH, lambda folder: write(source, folder / _GRAPH)
    )
    return open_model(folder / _GRAPH, threads=threads)
