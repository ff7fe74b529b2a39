"""What is kept: transcripts and API keys in SQLite or for several servers in Redis, and known voices."""

from vivavoce.store.database import Store
from vivavoce.store.key_records import KeyLimits, KeyRecord, KeyStatus, digest_of, owner_of
from vivavoce.store.key_storage import LEASE_S, STORE_FAILURES, KeyStorage
from vivavoce.store.key_stores import open_key_storage
from vivavoce.store.keys import KeyStore
from vivavoce.store.known_voices import KnownVoice, KnownVoicesFile, known_voices_path, voice_name
from vivavoce.store.records import LineKey, SearchHit, StoredLine, StoredRoom, StoredSession
from vivavoce.store.redis_connection import check_redis_url, shown_redis_url
from vivavoce.store.redis_keys import RedisKeyStore
from vivavoce.store.voices import VoiceKey, VoiceNames

__all__ = [
    "LEASE_S",
    "STORE_FAILURES",
    "KeyLimits",
    "KeyRecord",
    "KeyStatus",
    "KeyStorage",
    "KeyStore",
    "KnownVoice",
    "KnownVoicesFile",
    "LineKey",
    "RedisKeyStore",
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
    "open_key_storage",
    "owner_of",
    "shown_redis_url",
    "voice_name",
]
