"""What a ``with`` block does to objects that are closed at its end."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["SelfClosing"]


class SelfClosing(abc.ABC):
    """Base of what a ``with`` block closes at its end, however it ends."""

    @abc.abstractmethod
    def close(self) -> None:
        """Close it; more calls have no effect."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
