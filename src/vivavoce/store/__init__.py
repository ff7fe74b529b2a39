"""What is kept in files: the transcripts of a server and its API keys, in SQLite, and known voices."""

from vivavoce.store.database import Store
from vivavoce.store.key_records import KeyLimits, KeyRecord, KeyStatus, digest_of, owner_of
from vivavoce.store.keys import KeyStore
from vivavoce.store.known_voices import KnownVoice, KnownVoicesFile, known_voices_path, voice_name
from vivavoce.store.records import LineKey, SearchHit, StoredLine, StoredRoom, StoredSession
from vivavoce.store.voices import VoiceKey, VoiceNames

__all__ = [
    "KeyLimits",
    "KeyRecord",
    "KeyStatus",
    "KeyStore",
    "KnownVoice",
    "KnownVoicesFile",
    "LineKey",
    "SearchHit",
    "Store",
    "StoredLine",
    "StoredRoom",
    "StoredSession",
    "VoiceKey",
    "VoiceNames",
    "digest_of",
    "known_voices_path",
    "owner_of",
    "voice_name",
]
