"""Which cores each worker gets. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CoreShare", "share_cores"]


@dataclass(frozen=True, slots=True)
class CoreShare:
    """The part of a machine that a worker may use.

    Attributes:
        cores: The numbers of its processors; empty: it is not bound to any.
        n_threads: How many threads may compute at the same time.
    """

    cores: tuple[int, ...]
    n_threads: int


def share_cores(visible: Sequence[int], n_usable: int, n_workers: int) -> list[CoreShare]:
    """Divide the processors among workers, as evenly as whole processors can be.

    Neighbours stay together, since they often share a cache and its memory. With a CPU quota below the number
    of processors no worker is bound: which of them the quota is used on is for the kernel to decide.

    Args:
        visible: The numbers of the processors of this process; empty: the system does not say.
        n_usable: How many threads may compute at the same time, by processors and quota.
        n_workers: Workers, at least 1.

    Returns:
        A share for each worker. With more workers than processors several have the same one.
    """
    found: list[CoreShare] = []
    for index in range(n_workers):
        first, end = n_usable * index // n_workers, n_usable * (index + 1) // n_workers
        n_threads = max(1, end - first)
        is_bound = len(visible) == n_usable
        cores = tuple(sorted(visible)[first : first + n_threads]) if is_bound else ()
        found.append(CoreShare(cores, n_threads))
    return found
