"""Transcripts kept in a SQLite file: written by the server, read by the command line and over HTTP."""

from vivavoce.store.database import Store
from vivavoce.store.records import LineKey, SearchHit, StoredLine, StoredRoom, StoredSession
from vivavoce.store.voices import VoiceKey, VoiceNames

__all__ = [
    "LineKey",
    "SearchHit",
    "Store",
    "StoredLine",
    "StoredRoom",
    "StoredSession",
    "VoiceKey",
    "VoiceNames",
]
