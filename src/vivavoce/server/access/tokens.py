"""Temporary tokens: each opens one session, within a time, without the key behind it."""

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

# When it expires, how long its session may last, whose it is, what makes it unique.
_CLAIMS: Final = struct.Struct(">IH2s8s")
_SEAL_BYTES: Final = 16
_CONTEXT: Final = b"vivavoce temporary token"


@dataclass(frozen=True, slots=True)
class Grant:
    """What somebody who was let in may do.

    Attributes:
        owner: Tells the keys of a server apart, without being one; empty where none is needed.
        max_session_s: How long the session may last, in seconds; None: as long as any.
    """

    owner: str = ""
    max_session_s: int | None = None


class TokenMint:
    """Issues tokens and takes each of them once.

    A token is 64 hex digits: its claims and a seal over them, so that nothing is stored for tokens
    that are never used. The seal's key comes from the API keys: servers that share their keys take each
    other's tokens, though each of them keeps its own list of the used ones. Without API keys it is
    random.
    """

    def __init__(self, keys: Iterable[str] = ()) -> None:
        joined = b"\0".join(sorted(key.encode() for key in keys))
        material = joined or secrets.token_bytes(32)
        self._key = hmac.new(_CONTEXT, material, hashlib.sha256).digest()
        self._used: dict[bytes, int] = {}

    def _seal(self, claims: bytes) -> bytes:
        return hmac.new(self._key, claims, hashlib.sha256).digest()[:_SEAL_BYTES]

    def issue(
        self, *, expires_in_s: int, max_session_s: int | None = None, owner: str = "", unix_now: float
    ) -> str:
        """Make a token.

        Args:
            expires_in_s: How long it may be used to open a session, in seconds.
            max_session_s: How long that session may last, in seconds; None: as long as any.
            owner: Whose it is: the owner in the `Grant` of a key.
            unix_now: In seconds since 1970.
        """
        claims = _CLAIMS.pack(
            int(unix_now) + expires_in_s, max_session_s or 0, bytes.fromhex(owner), secrets.token_bytes(8)
        )
        return (claims + self._seal(claims)).hex()

    def knows(self, text: str) -> bool:
        """Whether this is a token of ours, be it still good or not."""
        token = _unhex(text)
        return len(token) == _CLAIMS.size + _SEAL_BYTES and hmac.compare_digest(
            token[_CLAIMS.size :], self._seal(token[: _CLAIMS.size])
        )

    def redeem(self, text: str, unix_now: float) -> Grant:
        """Take a token; it is good no more after that.

        Args:
            text: A token that `knows` knows.
            unix_now: In seconds since 1970.

        Raises:
            ProtocolViolation: It has expired, or was taken before.
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
