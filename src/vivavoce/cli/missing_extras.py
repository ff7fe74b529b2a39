"""What the user is told when a command needs an extra that is not installed."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from vivavoce.errors import ExtrasNotInstalledError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["bench_extra", "missing_extra"]


@contextlib.contextmanager
def missing_extra(message: str) -> Iterator[None]:
    """Report an import that fails in the block as a missing extra.

    Args:
        message: What is missing, and what to run.

    Raises:
        ExtrasNotInstalledError: A package of the extra is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("vivavoce"):
            raise
        raise ExtrasNotInstalledError(message) from error


def bench_extra() -> contextlib.AbstractContextManager[None]:
    """Report an import that fails in the block as the missing extra ``bench``; see `missing_extra`."""
    return missing_extra('the measurements are not installed; run: pip install "vivavoce[bench,server,cli]"')
