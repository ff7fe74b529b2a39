"""Where the model's files come from, and where the graphs made of them are kept."""

from __future__ import annotations

import hashlib
import logging
import os
import platform
import shutil
import tempfile
from pathlib import Path
from typing import Final

import platformdirs

from vivavoce.engines.packages import package_file
from vivavoce.errors import ModelError

__all__ = ["ShippedFiles", "cache_folder", "cached_graphs"]

_log = logging.getLogger(__name__)

# Part of the cache's key: raise it when the graphs are written differently.
_BUILD: Final = 5
_ASSETS: Final = "assets/tiny-en"


class ShippedFiles:
    """The three files of Moonshine tiny."""

    def __init__(self, folder: Path | None = None) -> None:
        """Find the files.

        Args:
            folder: Holds them; by default the one inside the package ``moonshine-voice``.

        Raises:
            ModelError: One is missing.
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

    def digest(self) -> str:
        """A short name for just these weights."""
        digest = hashlib.sha256()
        for path in (self.encoder, self.decoder):
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()[:16]


def cache_folder() -> Path:
    """Where things that can be made again are kept: ``VIVAVOCE_HOME``/cache or the user's cache folder."""
    home = os.environ.get("VIVAVOCE_HOME")
    return Path(home) / "cache" if home else Path(platformdirs.user_cache_dir("vivavoce"))


def cached_graphs(files: ShippedFiles) -> Path:
    """Folder with the graphs of these weights; they are written the first time, in about a second.

    Raises:
        ModelError: The files are not those of Moonshine tiny.
    """
    target = cache_folder() / f"moonshine-{files.digest()}-{platform.machine()}-{_BUILD}"
    if (target / "decoder.onnx").is_file():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="building-", dir=target.parent))
    except OSError as error:
        folder = Path(tempfile.mkdtemp(prefix="vivavoce-"))
        _log.warning(
            "the cache %s can't be written (%s): graphs are kept in %s", target.parent, error, folder
        )
        target = folder
    from vivavoce.engines.moonshine.graphs import build  # noqa: PLC0415 - loads onnx, once in a lifetime

    build(files.encoder, files.decoder, folder)
    if folder == target:
        return folder
    try:
        folder.rename(target)  # in one step: another process never sees half of it
    except OSError:  # another process was quicker
        shutil.rmtree(folder, ignore_errors=True)
    return target
