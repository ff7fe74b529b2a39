"""The folder in which downloaded models are kept, one folder each, with a record of their checksums."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vivavoce.errors import ConfigurationError, ModelError
from vivavoce.folders import cache_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vivavoce.model_files.catalogue import Card

__all__ = ["RECORD", "Problem", "Shelf", "checksum", "models_folder"]

RECORD: Final = "vivavoce.json"
"""The file in a model's folder that names its source, and the size and SHA-256 of each file."""
_BLOCK_BYTES: Final = 1 << 20
_PARTS: Final = ".incomplete"


def models_folder() -> Path:
    """Return the folder of downloaded models: ``VIVAVOCE_MODELS``, or one in the cache folder.

    It may not exist yet. Several users, and several servers, can share one; it may be read-only to them.
    """
    named = os.environ.get("VIVAVOCE_MODELS")
    return Path(named).expanduser() if named else cache_folder() / "models"


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file, as 64 hexadecimal digits.

    Raises:
        OSError: It can't be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with a file of a model.

    Attributes:
        file: Its name.
        reason: What is wrong, for people.
    """

    file: str
    reason: str


class Shelf:
    """The downloaded models.

    Attributes:
        folder: Where they are.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Name the folder, which may not exist; None: `models_folder`."""
        self.folder = models_folder() if folder is None else folder

    def path_of(self, card: Card) -> Path:
        """Return the folder of a model, whether or not it is there."""
        return self.folder / card.name

    def parts_of(self, card: Card) -> Path:
        """Return the folder of a download that is not complete, whether or not there is one."""
        return self.folder / _PARTS / card.name

    def has(self, card: Card) -> bool:
        """Return whether a model was downloaded completely. Its files are not read: `verify` does that."""
        folder = self.path_of(card)
        return (folder / RECORD).is_file() and all((folder / file.name).is_file() for file in card.files)

    def put_on(self, card: Card, source: Path, revision: str | None = None) -> Path:
        """Move the complete files of a model to its place, with a record of their origin and checksums.

        Args:
            card: The model.
            source: A folder with its files, on the same file system.
            revision: What they come from: a commit, if that is known; None: what the catalogue says.

        Returns:
            Its folder.

        Raises:
            OSError: A folder can't be written.
        """
        names = [file.name for file in card.files]
        record = {
            "name": card.name,
            "repository": card.repository,
            "revision": revision or card.revision,
            "files": {
                name: {"bytes": (source / name).stat().st_size, "sha256": checksum(source / name)}
                for name in names
            },
        }
        (source / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        place = self.path_of(card)
        if place.exists():  # incomplete, or it would not have been fetched again
            shutil.rmtree(place)
        source.replace(place)
        return place

    def verify(self, card: Card) -> list[Problem]:
        """Compare the files of a model with the catalogue, and with what was recorded when they came.

        Returns:
            What is wrong; empty if nothing is.

        Raises:
            ModelError: The model is not there.
        """
        if not self.path_of(card).is_dir():
            raise ModelError(f"{card.name} is not here: run vivavoce models get {card.name}")
        files = self._recorded(card).get("files")
        recorded = files if isinstance(files, dict) else {}
        problems = []
        for file in card.files:
            path = self.path_of(card) / file.name
            expected = file.sha256 or recorded.get(file.name, {}).get("sha256")
            if not path.is_file():
                problems.append(Problem(file.name, "is missing"))
            elif expected is None:
                problems.append(Problem(file.name, "has no recorded checksum"))
            elif checksum(path) != expected:
                problems.append(Problem(file.name, "has another content than its checksum says"))
        return problems

    def revision_of(self, card: Card) -> str:
        """Return what the files of a model come from: a commit, or else what the catalogue says."""
        revision = self._recorded(card).get("revision")
        return revision if isinstance(revision, str) else card.revision

    def _recorded(self, card: Card) -> Mapping[str, Any]:
        try:
            record = json.loads((self.path_of(card) / RECORD).read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        return record if isinstance(record, dict) else {}

    def remove(self, card: Card) -> bool:
        """Delete a model, or what came of it so far; returns whether there was anything.

        Raises:
            ConfigurationError: It can't be deleted.
        """
        there = [place for place in (self.path_of(card), self.parts_of(card)) if place.exists()]
        for place in there:
            try:
                shutil.rmtree(place)
            except OSError as error:
                raise ConfigurationError(f"{place} can't be deleted: {error.strerror or error}") from None
        return bool(there)
