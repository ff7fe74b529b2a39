"""What is kept: transcripts and API keys in SQLite or for several servers in Redis, and known voices."""

from vivavoce.store.database import Store
from vivavoce.store.key_records import KeyLimits, KeyRecord, KeyStatus, digest_of, owner_of
from vivavoce.store.keys import KeyStore
from vivavoce.store.known_voices import KnownVoice, KnownVoicesFile, known_voices_path, voice_name
from vivavoce.store.records import LineKey, SearchHit, StoredLine, StoredRoom, StoredSession
from vivavoce.store.redis_connection import check_redis_url, shown_redis_url
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
    "check_redis_url",
    "digest_of",
    "known_voices_path",
    "owner_of",
    "shown_redis_url",
    "voice_name",
]
