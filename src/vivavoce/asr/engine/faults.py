"""Batches that fail: each ends its own sessions, and several in a row mean that the model does not work."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from vivavoce.types import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vivavoce.asr.engine.served_stream import Member

__all__ = ["Faults"]

_log = logging.getLogger(__name__)

_MOST_IN_A_ROW: Final = 3


class Faults:
    """Counts the batches of one model that failed since one worked."""

    def __init__(self) -> None:
        self._in_a_row = 0

    def worked(self) -> None:
        """Note that a batch gave a result."""
        self._in_a_row = 0

    def failed(self, error: Exception, members: Iterable[Member]) -> None:
        """End the sessions of a batch that failed.

        Args:
            error: Why it failed.
            members: Whose audio was in it.

        Raises:
            Exception: That error, if as many batches in a row failed as mean that none will work.
        """
        self._in_a_row += 1
        broken = {member.session.session_id: member for member in members}
        for member in broken.values():
            member.session.fail(Failure.INTERNAL)
            member.wake()
        if self._in_a_row >= _MOST_IN_A_ROW:
            raise error
        _log.error("a batch failed and ended %d sessions: %s", len(broken), ", ".join(broken), exc_info=error)
