"""What is kept in SQLite files: the transcripts of a server, and its API keys."""

from vivavoce.store.database import Store
from vivavoce.store.key_records import KeyLimits, KeyRecord, KeyStatus, digest_of, owner_of
from vivavoce.store.keys import KeyStore
from vivavoce.store.records import LineKey, SearchHit, StoredLine, StoredRoom, StoredSession
from vivavoce.store.voices import VoiceKey, VoiceNames

__all__ = [
    "KeyLimits",
    "KeyRecord",
    "KeyStatus",
    "KeyStore",
    "LineKey",
    "SearchHit",
    "Store",
    "StoredLine",
    "StoredRoom",
    "StoredSession",
    "VoiceKey",
    "VoiceNames",
    "digest_of",
    "owner_of",
]
