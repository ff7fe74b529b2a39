"""Recordings as streams of 16-bit mono samples, read without NumPy."""

from vivavoce.recordings.pacing import paced
from vivavoce.recordings.saving import saved
from vivavoce.recordings.sound import Sound
from vivavoce.recordings.sources import from_file, from_reader

__all__ = ["Sound", "from_file", "from_reader", "paced", "saved"]
