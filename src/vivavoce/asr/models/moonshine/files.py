"""The shipped files of the tiny model, and the folders of the graphs written from model files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vivavoce.asr.models.onnx.cache import cached, digest
from vivavoce.asr.models.onnx.packages import package_file
from vivavoce.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

    from vivavoce.asr.models.moonshine.config import MoonshineConfig
    from vivavoce.asr.models.onnx.graph_writer import Products
    from vivavoce.asr.models.tensor_files import ModelFolder

__all__ = ["ShippedFiles", "cached_checkpoint", "cached_graphs"]

# Parts of the cache's keys: raise them with each change of the written graphs.
_BUILD: Final = 7
_CHECKPOINT_BUILD: Final = 1
_ASSETS: Final = "assets/tiny-en"


class ShippedFiles:
    """The three files of Moonshine tiny."""

    def __init__(self, folder: Path | None = None) -> None:
        """Find the files.

        Args:
            folder: Holds the files; by default the one inside the package ``moonshine-voice``.

        Raises:
            ModelError: A file is missing.
        """

        def find(name: str) -> Path:
            if folder is None:
                return package_file("moonshine_voice", f"{_ASSETS}/{name}", install="vivavoce[server]")
            if not (folder / name).is_file():
                raise ModelError(f"{folder} has no {name}")
            return folder / name

        self.encoder = find("encoder_model.ort")
        self.decoder = find("decoder_model_merged.ort")
        self.tokenizer = find("tokenizer.bin")


def cached_graphs(files: ShippedFiles, products: Products = "rows") -> Path:
    """The folder of the graphs of these weights; the first call writes them, in about a second.

    Args:
        files: The weights.
        products: How quantised products are computed.

    Raises:
        ModelError: The files are not those of Moonshine tiny.
    """

    def write(folder: Path) -> None:
        from vivavoce.asr.models.moonshine.graphs import build  # noqa: PLC0415 - loads onnx, needed once

        build(files.encoder, files.decoder, folder, products=products)

    how = "" if products == "rows" else f"{products}-"
    return cached(f"moonshine-{digest(files.encoder, files.decoder)}-{how}{_BUILD}", "decoder.onnx", write)


def cached_checkpoint(folder: ModelFolder, config: MoonshineConfig, *, quantised: bool) -> Path:
    """The folder of the graphs of a checkpoint; the first call writes them, in some seconds.

    Args:
        folder: The model's files.
        config: Its sizes.
        quantised: Whether matrices are quantised.

    Raises:
        ModelError: The files do not belong together, or one is damaged.
    """

    def write(target: Path) -> None:
        # loads onnx, needed once
        from vivavoce.asr.models.moonshine.checkpoint_graphs import build  # noqa: PLC0415

        build(folder.tensors, config, target, quantised=quantised)

    kind = "bytes" if quantised else "floats"
    name = f"moonshine-checkpoint-{digest(folder.config, *folder.tensors.paths)}-{kind}-{_CHECKPOINT_BUILD}"
    return cached(name, "decoder.onnx", write)
