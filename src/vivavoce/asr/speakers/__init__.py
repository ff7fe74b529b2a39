"""Who speaks when, from embeddings of voices: no models, no clock, no network."""

from __future__ import annotations

from vivavoce.asr.speakers.changes import Window, change_between, doubtful_spans, parted, windows_of
from vivavoce.asr.speakers.pieces import SPEAKER_SETS, Owner, Piece, Stretch, owners, pieces_of
from vivavoce.asr.speakers.voice_book import Told, VoiceBook, VoiceTuning

__all__ = [
    "SPEAKER_SETS",
    "Owner",
    "Piece",
    "Stretch",
    "Told",
    "VoiceBook",
    "VoiceTuning",
    "Window",
    "change_between",
    "doubtful_spans",
    "owners",
    "parted",
    "pieces_of",
    "windows_of",
]
