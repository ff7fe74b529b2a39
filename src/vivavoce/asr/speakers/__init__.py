"""Who speaks when, from embeddings of voices: no models, no clock, no network."""

from __future__ import annotations

from vivavoce.asr.speakers.changes import Window, change_between, doubtful_spans, parted, windows_of
from vivavoce.asr.speakers.groups import Leniency
from vivavoce.asr.speakers.pieces import SPEAKER_SETS, Owner, Piece, owners, pieces_of
from vivavoce.asr.speakers.stretches import LONGEST_SAMPLES, PART_SAMPLES, Stretch, parts_of
from vivavoce.asr.speakers.voice_book import Told, VoiceBook, VoicePiece, VoiceTuning

__all__ = [
    "LONGEST_SAMPLES",
    "PART_SAMPLES",
    "SPEAKER_SETS",
    "Leniency",
    "Owner",
    "Piece",
    "Stretch",
    "Told",
    "VoiceBook",
    "VoicePiece",
    "VoiceTuning",
    "Window",
    "change_between",
    "doubtful_spans",
    "owners",
    "parted",
    "parts_of",
    "pieces_of",
    "windows_of",
]
