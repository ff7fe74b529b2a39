"""The revision that all files of a download come from, whatever happens to the repository meanwhile."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

    from vivavoce.model_files.catalogue import Card

__all__ = ["Revision", "commit_in"]

_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_NOTE: Final = ".revision"


def commit_in(headers: Any) -> str | None:
    """Return the commit of the repository that the hub names in the headers of an answer, if it does."""
    commit = headers.get("X-Repo-Commit") or ""
    return commit if _COMMIT.fullmatch(commit) else None


class Revision:
    """Turns a branch into the commit that the hub names with the first file, and keeps it for the rest.

    It is noted beside the files before any of their content, so that a download that stopped goes on with the
    same commit, also if another version of this package asks for another. A revision that is a commit already
    stays, and so does one whose files all have their SHA-256 in the catalogue, and any at a hub that names no
    commits.

    Attributes:
        name: The revision to ask for.
    """

    def __init__(self, card: Card, parts: Path) -> None:
        """Continue with the revision of a download that stopped; without one, its files are deleted.

        Args:
            card: The model.
            parts: The folder of the download, which exists.

        Raises:
            OSError: The folder can't be read or written.
        """
        self.name = card.revision
        self._asked = card.revision
        self._note = parts / _NOTE
        self._is_open = False  # whether the hub has still to be asked
        if all(file.sha256 for file in card.files):
            return
        noted = self._noted()
        if noted is not None:
            self.name = noted
            return
        for path in parts.iterdir():  # from which commit these files came cannot be known
            path.unlink()
        self._is_open = _COMMIT.fullmatch(card.revision) is None
        if not self._is_open:
            self._write_note()

    @property
    def is_resumed(self) -> bool:
        """Whether it is a commit that the hub named earlier."""
        return self.name != self._asked

    def _noted(self) -> str | None:
        try:
            asked, _, name = self._note.read_text(encoding="ascii").strip().partition(" ")
        except (FileNotFoundError, UnicodeDecodeError):
            return None
        is_sound = asked == self._asked and (name == asked or _COMMIT.fullmatch(name))
        return name if is_sound else None

    def found(self, commit: str | None) -> None:
        """Take the commit that came with a file; only that of the first file counts.

        Args:
            commit: From `commit_in`.

        Raises:
            OSError: It can't be noted.
        """
        if self._is_open:
            self._is_open = False
            self.name = commit or self._asked
            self._write_note()

    def _write_note(self) -> None:
        self._note.write_text(f"{self._asked} {self.name}\n", encoding="ascii")

    def forget(self, folder: Path) -> None:
        """Delete the note, which has been moved to a folder with the files of a complete download."""
        (folder / _NOTE).unlink(missing_ok=True)
