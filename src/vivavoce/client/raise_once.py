"""Raises the error of a session exactly once."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from vivavoce.errors import RealtimeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vivavoce.client.session_core import SessionCore

__all__ = ["RaiseOnce"]


class RaiseOnce:
    """Remembers whether the program has received the error of a session.

    Args:
        core: The session.
    """

    def __init__(self, core: SessionCore[Any]) -> None:
        self._core = core
        self._raised = False

    @contextlib.contextmanager
    def noting(self) -> Iterator[None]:
        """Note the session's error if the block raises it to the program."""
        try:
            yield
        except RealtimeError as error:
            if error is self._core.error:
                self._raised = True
            raise

    def raise_unraised(self) -> None:
        """Raise the session's error unless the program has received it.

        Raises:
            RealtimeError: The session failed, or the server ended it.
        """
        error = self._core.error
        if error is not None and not self._raised:
            self._raised = True
            raise error
