"""Downloading a model with a progress bar, and finding the files of the one that a user named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vivavoce.cli.guarded import say
from vivavoce.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

    from vivavoce.model_files import Card, ChosenModel
    from vivavoce.model_files.download import Progress

__all__ = ["folder_of", "get_model"]


def folder_of(chosen: ChosenModel, *, mirror: str | None = None, offline: bool = False) -> Path | None:
    """Return the folder of a model, which is downloaded if it is not here.

    Returns:
        The folder; None: an installed package carries the model.

    Raises:
        ModelError: It is not here and can't be downloaded.
    """
    if chosen.folder is not None or chosen.card is None:
        return chosen.folder
    if chosen.card.is_packaged:
        return None
    return get_model(chosen.card, mirror=mirror, offline=offline)


def get_model(card: Card, *, mirror: str | None = None, offline: bool = False, quiet: bool = False) -> Path:
    """Download a model if it is not here; returns its folder.

    Raises:
        ModelError: It is not here and can't be downloaded.
    """
    from vivavoce.model_files import Shelf
    from vivavoce.model_files.download import fetch

    shelf = Shelf()
    if shelf.has(card):
        return shelf.path_of(card)
    if offline:
        raise ModelError(f"{card.name} is not in {shelf.folder}, and --offline forbids to download it")
    if quiet:
        return fetch(card, shelf, mirror=mirror)
    say(f"Downloading {card.name}, {card.size_mb} MB, to {shelf.folder}.")
    return _with_progress(card, mirror)


def _with_progress(card: Card, mirror: str | None) -> Path:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    from vivavoce.model_files import Shelf
    from vivavoce.model_files.download import fetch

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def show(file: str, n_bytes: int, total_bytes: int | None) -> None:
            if file not in tasks:
                tasks[file] = bars.add_task(file, total=total_bytes)
            bars.update(tasks[file], completed=n_bytes, total=total_bytes)

        progress: Progress = show
        return fetch(card, Shelf(), mirror=mirror, progress=progress)
