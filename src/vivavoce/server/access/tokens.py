"""Temporary tokens, each of which opens one session without a key, and the tickets that get them."""

from __future__ import annotations

import secrets
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from vivavoce.errors import ProtocolViolation
from vivavoce.server.access.seal import Seal
from vivavoce.types import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Grant", "SpentTokens", "TicketMint", "TokenMint", "UsedToken", "token_was_used"]

# Expiry in seconds since 1970, longest session in seconds, owner, random bytes.
_CLAIMS: Final = struct.Struct(">IH4s6s")
# Expiry in seconds since 1970, owner, random bytes.
_TICKET: Final = struct.Struct(">I4s6s")


@dataclass(frozen=True, slots=True)
class UsedToken:
    """A token that opened a session, or tried to.

    Attributes:
        claims: What distinguishes it from every other token; it reveals nothing that opens a session.
        expires_unix: Until when it could have been used, in seconds since 1970.
    """

    claims: bytes
    expires_unix: int


class SpentTokens:
    """The tokens that this process has seen used, until they expire."""

    def __init__(self) -> None:
        self._until: dict[bytes, int] = {}  # claims -> their expiry

    def __len__(self) -> int:
        """How many tokens are remembered."""
        return len(self._until)

    def spend(self, token: UsedToken, unix_now: float) -> bool:
        """Note that a token is used, in seconds since 1970; returns whether it was not used before."""
        if token.claims in self._until:
            return False
        self._until = {used: until for used, until in self._until.items() if until > unix_now}
        self._until[token.claims] = token.expires_unix
        return True


@dataclass(frozen=True, slots=True)
class Grant:
    """What an admitted client may do.

    Attributes:
        owner: Identifies the key without being one; empty on a server without keys.
        max_session_s: Longest session in seconds; None: the limit of the protocol.
        token: The token by which it was admitted; None: by a key, or by nothing.
    """

    owner: str = ""
    max_session_s: float | None = None
    token: UsedToken | None = field(default=None, compare=False)


class TokenMint:
    """Issues tokens, and redeems each of them once.

    A token is 64 hex digits: its sealed claims, so that the server stores nothing for tokens that are never
    used. Servers with the same API keys accept each other's tokens, though each server keeps its own list of
    used ones; servers with the same key store share that list too.

    Args:
        keys: The API keys of the server.
        secret: That of the key store; empty: there is none.
        spent: The list of used tokens; None: a new one.
    """

    def __init__(
        self, keys: Iterable[str] = (), *, secret: bytes = b"", spent: SpentTokens | None = None
    ) -> None:
        self._seal = Seal(b"vivavoce temporary token, 2", keys, secret=secret)
        self._used = SpentTokens() if spent is None else spent

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
        expires = int(unix_now) + expires_in_s
        return self._seal.close(
            _CLAIMS.pack(expires, max_session_s or 0, bytes.fromhex(owner), secrets.token_bytes(8))
        )

    def knows(self, text: str) -> bool:
        """Whether a text is a token with a correct signature, expired or used ones included."""
        return self._seal.open(text, _CLAIMS.size) is not None

    def redeem(self, text: str, unix_now: float) -> Grant:
        """Use a token; it is not valid a second time.

        Args:
            text: A token that `knows` accepts.
            unix_now: In seconds since 1970.

        Raises:
            ProtocolViolation: It is no token, has expired, or was used before.
        """
        claims = self._seal.open(text, _CLAIMS.size)
        if claims is None:
            raise ProtocolViolation(Failure.UNAUTHORIZED, "the token is not valid")
        expires, max_session_s, owner, _ = _CLAIMS.unpack(claims)
        if unix_now >= expires:
            raise ProtocolViolation(Failure.TOKEN_EXPIRED, "the token has expired")
        token = UsedToken(claims, expires)
        if not self._used.spend(token, unix_now):
            raise token_was_used()
        return Grant(owner.hex() if any(owner) else "", max_session_s or None, token)


def token_was_used() -> ProtocolViolation:
    """Return why a token does not open a second session."""
    return ProtocolViolation(Failure.UNAUTHORIZED, "the token was used before")


class TicketMint:
    """Issues tickets: what a page shows to get tokens, for hours, without the key.

    A ticket is 60 hex digits and may be used any number of times until it expires.

    Args:
        keys: The API keys of the server.
        secret: That of the key store; empty: there is none.
    """

    def __init__(self, keys: Iterable[str] = (), *, secret: bytes = b"") -> None:
        self._seal = Seal(b"vivavoce ticket of a page, 2", keys, secret=secret)

    def issue(self, *, expires_in_s: int, owner: str = "", unix_now: float) -> str:
        """Issue a ticket.

        Args:
            expires_in_s: How long it gets tokens, in seconds.
            owner: The owner in the `Grant` of the key.
            unix_now: In seconds since 1970.
        """
        expires = int(unix_now) + expires_in_s
        return self._seal.close(_TICKET.pack(expires, bytes.fromhex(owner), secrets.token_bytes(8)))

    def check(self, text: str, unix_now: float) -> Grant:
        """Return what a ticket allows.

        Args:
            text: The ticket.
            unix_now: In seconds since 1970.

        Raises:
            ProtocolViolation: It is no ticket, or has expired.
        """
        claims = self._seal.open(text, _TICKET.size)
        if claims is None:
            raise ProtocolViolation(Failure.UNAUTHORIZED, "the speaker's link is not valid")
        expires, owner, _ = _TICKET.unpack(claims)
        if unix_now >= expires:
            raise ProtocolViolation(Failure.UNAUTHORIZED, "the speaker's link has expired")
        return Grant(owner.hex() if any(owner) else "")
