"""Opens the key store that options name: a file, or a Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vivavoce.store.keys import KeyStore
from vivavoce.store.redis_keys import RedisKeyStore

if TYPE_CHECKING:
    from pathlib import Path

    from vivavoce.store.key_storage import KeyStorage

__all__ = ["open_key_storage"]


def open_key_storage(path: Path | None, redis: str | None, *, create: bool = True) -> KeyStorage | None:
    """Open a key store.

    Args:
        path: Its file; None: it is no file.
        redis: The address of its Redis; None: it is in none.
        create: Whether to begin one that does not exist.

    Returns:
        The store; None: there is no address of one.

    Raises:
        ConfigurationError: It does not exist, or is no key store.
        StoreError: The Redis can't be reached.
        ExtrasNotInstalledError: Its library is missing.
    """
    if redis is not None:
        return RedisKeyStore(redis, create=create)
    return None if path is None else KeyStore(path, create=create)
