"""Temporary tokens: each opens one session, before it expires, without the key it was issued for."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vivavoce.errors import ProtocolViolation
from vivavoce.types import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Grant", "TokenMint"]

# Expiry in seconds since 1970, longest session in seconds, owner, random bytes.
_CLAIMS: Final = struct.Struct(">IH2s8s")
_SIGNATURE_BYTES: Final = 16
_CONTEXT: Final = b"vivavoce temporary token"


@dataclass(frozen=True, slots=True)
class Grant:
    """What an admitted client may do.

    Attributes:
        owner: Identifies the key without being one; empty on a server without keys.
        max_session_s: Longest session in seconds; None: the limit of the protocol.
    """

    owner: str = ""
    max_session_s: int | None = None


class TokenMint:
    """Issues tokens, and redeems each of them once.

    A token is 64 hex digits: its claims and a signature over them (a truncated HMAC-SHA256), so that the
    server stores nothing for tokens that are never used. The signing key is derived from the API keys:
    servers with the same API keys accept each other's tokens, though each server keeps its own list of used
    ones. Without API keys the signing key is random.
    """

    def __init__(self, keys: Iterable[str] = ()) -> None:
        joined = b"\0".join(sorted(key.encode() for key in keys))
        material = joined or secrets.token_bytes(32)
        self._signing_key = hmac.new(_CONTEXT, material, hashlib.sha256).digest()
        self._used: dict[bytes, int] = {}  # claims -> their expiry

    def _sign(self, claims: bytes) -> bytes:
        return hmac.new(self._signing_key, claims, hashlib.sha256).digest()[:_SIGNATURE_BYTES]

    def issue(
        self, *, expires_in_s: int, max_session_s: int | None = None, owner: str = "", unix_now: float
    ) -> str:
        """Issue a token.

        Args:
            expires_in_s: How long the token may be used to open a session, in seconds.
            max_session_s: Longest session in seconds; None: the limit of the protocol.
            owner: The owner in the `Grant` of the key.
            unix_now: In seconds since 1970.
        """
        claims = _CLAIMS.pack(
            int(unix_now) + expires_in_s, max_session_s or 0, bytes.fromhex(owner), secrets.token_bytes(8)
        )
        return (claims + self._sign(claims)).hex()

    def knows(self, text: str) -> bool:
        """Whether a text is a token with a correct signature, expired or used ones included."""
        token = _unhex(text)
        return len(token) == _CLAIMS.size + _SIGNATURE_BYTES and hmac.compare_digest(
            token[_CLAIMS.size :], self._sign(token[: _CLAIMS.size])
        )

    def redeem(self, text: str, unix_now: float) -> Grant:
        """Use a token; it is not valid a second time.

        Args:
            text: A token that `knows` accepts.
            unix_now: In seconds since 1970.

        Raises:
            ProtocolViolation: It has expired, or was used before.
        """
        claims = _unhex(text)[: _CLAIMS.size]
        expires, max_session_s, owner, _ = _CLAIMS.unpack(claims)
        if unix_now >= expires:
            raise ProtocolViolation(Failure.TOKEN_EXPIRED, "the token has expired")
        if claims in self._used:
            raise ProtocolViolation(Failure.UNAUTHORIZED, "the token was used before")
        self._used = {used: until for used, until in self._used.items() if until > unix_now}
        self._used[claims] = expires
        return Grant(owner.hex() if any(owner) else "", max_session_s or None)


def _unhex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
