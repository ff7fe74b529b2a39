"""The process that a session belongs to: its thread and its connection do not exist in a forked child."""

from __future__ import annotations

import os

from vivavoce.errors import SessionStateError

__all__ = ["Owner"]


class Owner:
    """The process that opened a session."""

    def __init__(self) -> None:
        self._process_id = os.getpid()

    @property
    def is_elsewhere(self) -> bool:
        """Whether the present process is a child of the owner."""
        return os.getpid() != self._process_id

    def check(self) -> None:
        """Check that the present process opened the session.

        Raises:
            SessionStateError: It is a child of the one that did.
        """
        if self.is_elsewhere:
            raise SessionStateError(
                f"the session belongs to process {self._process_id}; open one in process {os.getpid()}"
            )
