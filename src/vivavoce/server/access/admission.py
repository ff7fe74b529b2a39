"""Who may open a session: somebody with a key, or with a token that somebody with a key asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vivavoce.errors import ProtocolViolation
from vivavoce.server.access.keys import KeyRing, owner_of
from vivavoce.server.access.tokens import Grant, TokenMint
from vivavoce.types import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Admission"]


class Admission:
    """Lets people in by key or token; without keys everybody, but a token keeps its terms.

    Attributes:
        keys: Those that open the server.
        tokens: Those that were issued.
    """

    def __init__(self, keys: Iterable[str] = ()) -> None:
        """Take keys.

        Args:
            keys: As for `KeyRing`.

        Raises:
            ConfigurationError: What stands behind a key is no standing.
        """
        self.keys = KeyRing(keys)
        self.tokens = TokenMint(self.keys.texts)

    def check_key(self, presented: str | None) -> Grant:
        """Let in who has a key; a token is not enough.

        Raises:
            ProtocolViolation: It is none of the server's keys, or one that opens nothing.
        """
        if not self.keys.admits(presented):
            raise ProtocolViolation(Failure.UNAUTHORIZED, _complaint(presented))
        return self._grant(presented)

    def _grant(self, key: str | None) -> Grant:
        return Grant() if self.keys.is_open or not key else Grant(owner_of(key.removeprefix("Bearer ")))

    def enter(self, presented: Iterable[str | None], unix_now: float) -> Grant:
        """Let in who has a key, or a token that is still good.

        Args:
            presented: What the client showed, wherever it did; None where it showed nothing.
            unix_now: In seconds since 1970.

        Raises:
            ProtocolViolation: Neither, or a token that has expired or was used before, or a key that
                opens nothing.
        """
        shown = [text.removeprefix("Bearer ") for text in presented if text]
        for text in shown:
            if self.tokens.knows(text):
                grant = self.tokens.redeem(text, unix_now)
                self.keys.check_owner(grant.owner)
                return grant
        for key in shown or (None,):
            if self.keys.admits(key):
                return self._grant(key)
        raise ProtocolViolation(Failure.UNAUTHORIZED, _complaint(*shown))


def _complaint(*presented: str | None) -> str:
    return "the key or token is not valid" if any(presented) else "Missing Authorization header"
