"""Sealed claims: text that the server issues and recognises later without storing it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Seal"]

_SIGNATURE_BYTES: Final = 16


class Seal:
    """Signs claims of one purpose, with a truncated HMAC-SHA256.

    The signing key is derived from the secret of the key store, or else from the API keys, so servers with
    the same store or keys accept what the others have signed. Without either it is random.
    """

    def __init__(self, purpose: bytes, keys: Iterable[str] = (), *, secret: bytes = b"") -> None:
        """Derive the signing key.

        Args:
            purpose: What the claims are for; those of another purpose are not accepted.
            keys: The API keys of the server.
            secret: That of the key store; empty: there is none.
        """
        joined = b"\0".join(sorted(key.encode() for key in keys))
        material = secret or joined or secrets.token_bytes(32)
        self._signing_key = hmac.new(purpose, material, hashlib.sha256).digest()

    def close(self, claims: bytes) -> str:
        """Return claims and their signature, in hex digits."""
        return (claims + self._sign(claims)).hex()

    def open(self, text: str, n_bytes: int) -> bytes | None:
        """Return the claims in a text; None if it is not one that `close` returned.

        Args:
            text: The text.
            n_bytes: The length of the claims.
        """
        try:
            sealed = bytes.fromhex(text)
        except ValueError:
            return None
        claims, signature = sealed[:n_bytes], sealed[n_bytes:]
        return claims if hmac.compare_digest(signature, self._sign(claims)) else None

    def _sign(self, claims: bytes) -> bytes:
        return hmac.new(self._signing_key, claims, hashlib.sha256).digest()[:_SIGNATURE_BYTES]
