"""When a client that was refused should come again."""

from __future__ import annotations

import random
from typing import Final

__all__ = ["retry_after"]

_SHORTEST_S: Final = 3
_LONGEST_S: Final = 10


def retry_after() -> str:
    """Return a value for the header ``Retry-After``, in seconds.

    It differs from client to client: those that were refused together must not come again together.
    """
    return str(random.randint(_SHORTEST_S, _LONGEST_S))  # noqa: S311 - no secret
