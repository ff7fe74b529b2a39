"""Figures of this process under the names that Prometheus' own clients use; Linux, elsewhere fewer.

https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics
"""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vivavoce.server.exposition import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["process_lines"]

_STARTED_S: Final = time.time()  # when this module was imported, which the server does first of all


def process_lines(proc: Path = Path("/proc/self")) -> Iterator[str]:
    """Yield the lines of all metrics of this process.

    Args:
        proc: Where the kernel describes it; see proc(5).
    """
    times = os.times()
    yield from plain(
        "counter",
        "process_cpu_seconds_total",
        "User and system CPU time of the process.",
        times.user + times.system,
    )
    yield from plain("gauge", "process_start_time_seconds", "When the process began.", _STARTED_S)
    yield from plain(
        "gauge",
        "process_max_fds",
        "Most descriptors it may open.",
        resource.getrlimit(resource.RLIMIT_NOFILE)[0],
    )
    try:
        pages = int((proc / "statm").read_text().split()[1])
        descriptors = len(list((proc / "fd").iterdir()))
    except (OSError, ValueError, IndexError):  # no Linux
        return
    memory = pages * os.sysconf("SC_PAGE_SIZE")
    yield from plain("gauge", "process_resident_memory_bytes", "Resident memory of the process.", memory)
    yield from plain("gauge", "process_open_fds", "Open descriptors.", descriptors)
