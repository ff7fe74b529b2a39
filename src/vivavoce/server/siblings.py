"""The other processes of a server with ``--workers``, as one of them sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vivavoce.server.access.tokens import UsedToken

__all__ = ["Place", "Siblings", "Standing"]


class Standing(msgspec.Struct, frozen=True):
    """How all workers together are.

    Attributes:
        state: ``ready``, or why a new session would not be accepted.
        n_sessions: Open sessions.
        cadence_ms: Most audio between two partials, in milliseconds.
    """

    state: str
    n_sessions: int
    cadence_ms: float


class Place(Protocol):
    """One of the sessions that all workers together may have."""

    async def begin(self, models: Iterable[str], owner: str, limit: int | None) -> None:
        """Count its session.

        Args:
            models: Its model, once for each channel.
            owner: Identifies its API key; empty: it needs none.
            limit: Most sessions of this owner; None: no limit.

        Raises:
            ProtocolViolation: The machine has no capacity for it, or the owner has as many as the limit.
        """

    def leave(self) -> None:
        """Give it back."""


class Siblings(Protocol):
    """What a worker asks of all workers, through their parent."""

    async def enter(self, *, is_busy: bool) -> Place | None:
        """Return a place for a client that asks for a session; None: all workers are full.

        Args:
            is_busy: Whether this one can't serve another session in time.
        """

    async def enter_forwarded(self, host: str) -> str | None:
        """Count a request of a proxy's client; returns why it must be refused, None: it need not be."""

    def leave_forwarded(self, host: str) -> None:
        """Forget such a request."""

    async def spend(self, token: UsedToken) -> bool:
        """Note that a token is used; returns whether it was not used at another worker before."""

    async def standing(self) -> Standing:
        """Return how all workers together are."""

    async def exposition(self) -> str:
        """Return the metrics of all workers, in Prometheus' text format."""
