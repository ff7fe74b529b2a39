"""Admission: a client needs an API key, or a temporary token that was issued for one."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from vivavoce.errors import ProtocolViolation
from vivavoce.server.access.keys import KeyRing, KeyStatus, owner_of, strip_scheme
from vivavoce.server.access.tokens import Grant, SpentTokens, TicketMint, TokenMint
from vivavoce.store import KeyLimits
from vivavoce.types import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vivavoce.store import KeyRecord

__all__ = ["Admission"]


class Admission:
    """Admits clients by key or token.

    A server without keys admits every client; the terms of a token apply there too.

    Attributes:
        keys: The keys of the server.
        tokens: Issues tokens and redeems them.
        tickets: Issues the tickets of pages, and checks them.
    """

    def __init__(
        self, keys: Iterable[str] = (), records: Iterable[KeyRecord] | None = None, *, secret: bytes = b""
    ) -> None:
        """Take keys.

        Args:
            keys: As for `KeyRing`.
            records: The same.
            secret: What the key store signs tokens with; empty: there is no store.

        Raises:
            ConfigurationError: A key has an unknown status.
        """
        self._entries = tuple(keys)
        self._records = None if records is None else tuple(records)
        self._secret = secret
        self._shared = b""  # of the processes of this server; empty: it is one process
        self._spent = SpentTokens()  # it outlives the mint: old keys may come back
        self.keys = KeyRing(self._entries, self._records)
        self._make_mints()

    def _make_mints(self) -> None:
        texts = self.keys.texts
        secret = self._secret or (b"" if texts else self._shared)
        self.tokens = TokenMint(texts, secret=secret, spent=self._spent)
        self.tickets = TicketMint(texts, secret=secret)

    def share(self, secret: bytes) -> None:
        """Accept the tokens of other processes of this server even if it has neither keys nor a store.

        Args:
            secret: The same for each of them, and for nobody else.
        """
        self._shared = secret
        self._make_mints()

    def replace_keys(self, keys: Iterable[str]) -> None:
        """Take other keys of the options.

        Without a key store, tokens and tickets of different keys are no longer valid.

        Args:
            keys: As for `KeyRing`.

        Raises:
            ConfigurationError: A key is not valid; those from before stay.
        """
        entries = tuple(keys)
        ring = KeyRing(entries, self._records)
        is_other = set(ring.texts) != set(self.keys.texts)
        self._entries, self.keys = entries, ring
        if is_other and not self._secret:
            self._make_mints()

    def replace_records(self, records: Iterable[KeyRecord], secret: bytes) -> None:
        """Take the present keys of the key store; tokens of a store with another secret are no longer valid.

        Args:
            records: As for `KeyRing`.
            secret: What the store signs tokens with.
        """
        self._records = tuple(records)
        self.keys = KeyRing(self._entries, self._records)
        if secret != self._secret:
            self._secret = secret
            self._make_mints()

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
                return self._limited(grant)
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
        if self.keys.is_open or not key:
            return Grant()
        return self._limited(Grant(owner_of(strip_scheme(key))))

    def _limited(self, grant: Grant) -> Grant:
        """Return a grant under the limits of its key, too."""
        minutes = self.limits_of(grant.owner).session_minutes
        if minutes is None:
            return grant
        lengths = (grant.max_session_s, 60.0 * minutes)
        return dataclasses.replace(grant, max_session_s=min(each for each in lengths if each is not None))

    def limits_of(self, owner: str) -> KeyLimits:
        """Return the limits of a key, by the owner of its `Grant`."""
        holder = self.keys.holder_of(owner)
        return KeyLimits() if holder is None else holder.limits

    def name_of(self, owner: str) -> str:
        """Return what people call a key, for the log, by the owner of its `Grant`."""
        holder = self.keys.holder_of(owner)
        return owner if holder is None else holder.name

    def must_end(self, owner: str) -> ProtocolViolation | None:
        """Return why the open sessions of an owner must end now; None: they may continue."""
        holder = self.keys.holder_of(owner)
        if holder is None or not holder.ends_sessions or holder.status is not KeyStatus.DISABLED:
            return None
        return ProtocolViolation(Failure.UNAUTHORIZED, "the key of this session was withdrawn")

    def is_admin(self, owner: str) -> bool:
        """Whether an owner may see what concerns all keys; on a server without keys everybody may."""
        holder = self.keys.holder_of(owner)
        return self.keys.is_open if holder is None else holder.is_admin


def _complaint(*credentials: str | None) -> str:
    return "the key or token is not valid" if any(credentials) else "Missing Authorization header"
