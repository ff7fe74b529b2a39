"""Model files on this machine: which models there are, where they are kept, and how they get there."""

from __future__ import annotations

from vivavoce.model_files.catalogue import CATALOGUE, DEFAULT_MODEL, VOICE_CATALOGUE, Card, RemoteFile
from vivavoce.model_files.choice import ChosenModel, NamedFolder, choose
from vivavoce.model_files.shelf import Shelf, models_folder
from vivavoce.model_files.voices import voice_file

__all__ = [
    "CATALOGUE",
    "DEFAULT_MODEL",
    "VOICE_CATALOGUE",
    "Card",
    "ChosenModel",
    "NamedFolder",
    "RemoteFile",
    "Shelf",
    "choose",
    "models_folder",
    "voice_file",
]
