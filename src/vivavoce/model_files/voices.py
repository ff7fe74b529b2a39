"""Where the file of a voice encoder is that a user named."""

from __future__ import annotations

from vivavoce.errors import ModelError
from vivavoce.model_files.catalogue import VOICE_CATALOGUE
from vivavoce.model_files.shelf import Shelf

__all__ = ["voice_file"]


def voice_file(choice: str) -> str:
    """Return the path of a downloaded voice encoder, by its name; any other text as it is.

    Raises:
        ModelError: It has a name of the catalogue, and is not here.
    """
    card = VOICE_CATALOGUE.get(choice)
    if card is None:
        return choice
    if not Shelf().has(card):
        raise ModelError(f"{card.name} is not here: run vivavoce models get {card.name}")
    return str(Shelf().path_of(card) / card.files[0].name)
