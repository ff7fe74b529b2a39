"""Admission: a client needs an API key, or a temporary token that was issued for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vivavoce.errors import ProtocolViolation
from vivavoce.server.access.keys import KeyRing, owner_of, strip_scheme
from vivavoce.server.access.tokens import Grant, TicketMint, TokenMint
from vivavoce.types import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Admission"]


class Admission:
    """Admits clients by key or token.

    A server without keys admits every client; the terms of a token apply there too.

    Attributes:
        keys: The keys of the server.
        tokens: Issues tokens and redeems them.
        tickets: Issues the tickets of pages, and checks them.
    """

    def __init__(self, keys: Iterable[str] = ()) -> None:
        """Take keys.

        Args:
            keys: As for `KeyRing`.

        Raises:
            ConfigurationError: A key has an unknown status.
        """
        self.keys = KeyRing(keys)
        self.tokens = TokenMint(self.keys.texts)
        self.tickets = TicketMint(self.keys.texts)

    def replace_keys(self, keys: Iterable[str]) -> None:
        """Take other keys; tokens and tickets of different keys are no longer valid.

        Args:
            keys: As for `KeyRing`.

        Raises:
            ConfigurationError: A key is not valid; those from before stay.
        """
        ring = KeyRing(keys)
        if set(ring.texts) != set(self.keys.texts):
            self.tokens, self.tickets = TokenMint(ring.texts), TicketMint(ring.texts)
        self.keys = ring

    def check_key(self, credential: str | None) -> Grant:
        """Admit a client that has a key; a token is not enough.

        Args:
            credential: What the client sent, with or without ``Bearer``; None: nothing.

        Raises:
            ProtocolViolation: It is not a key of this server, or the key is not active.
        """
        if not self.keys.admits(credential):
            raise ProtocolViolation(Failure.UNAUTHORIZED, _complaint(credential))
        return self._grant(credential)

    def admit(self, credentials: Iterable[str | None], unix_now: float) -> Grant:
        """Admit a client that has a key, or a valid token.

        Args:
            credentials: What the client sent, in each of the places where it may; None: nothing there.
            unix_now: In seconds since 1970.

        Raises:
            ProtocolViolation: It has neither, its token has expired or was used before, or its key is not
                active.
        """
        sent = [strip_scheme(text) for text in credentials if text]
        for text in sent:
            if self.tokens.knows(text):
                grant = self.tokens.redeem(text, unix_now)
                self.keys.check_owner(grant.owner)
                return grant
        for key in sent or (None,):
            if self.keys.admits(key):
                return self._grant(key)
        raise ProtocolViolation(Failure.UNAUTHORIZED, _complaint(*sent))

    def check_ticket(self, ticket: str | None, unix_now: float) -> Grant:
        """Admit a page that has a ticket; on a server without keys it needs none.

        Args:
            ticket: What the page sent, with or without ``Bearer``; None: nothing.
            unix_now: In seconds since 1970.

        Raises:
            ProtocolViolation: The ticket is not valid, has expired, or its key is no longer active.
        """
        if self.keys.is_open:
            return Grant()
        if not ticket:
            raise ProtocolViolation(
                Failure.UNAUTHORIZED, "this server has keys: open the page by the speaker's link"
            )
        grant = self.tickets.check(strip_scheme(ticket), unix_now)
        self.keys.check_owner(grant.owner)
        return grant

    def _grant(self, key: str | None) -> Grant:
        return Grant() if self.keys.is_open or not key else Grant(owner_of(strip_scheme(key)))


def _complaint(*credentials: str | None) -> str:
    return "the key or token is not valid" if any(credentials) else "Missing Authorization header"
