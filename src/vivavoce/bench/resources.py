"""CPU time and memory of a process and its children, from Linux's ``/proc``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Usage", "cores_of", "machine_busy_s", "usage"]

_PROC = Path("/proc")
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Usage:
    """Resources of a process and its children.

    Attributes:
        cpu_s: User and system time so far, children that have ended included.
        rss_mib: Resident set now, summed; pages that processes share count in each of them.
    """

    cpu_s: float
    rss_mib: float


def _stat(pid: int) -> tuple[int, int, int] | None:
    """Return parent, CPU ticks and resident pages of a process (proc_pid_stat(5)); None if it is gone."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # The second field is the name, in brackets; it may contain anything, even brackets and spaces.
    fields = text.rpartition(")")[2].split()
    parent = int(fields[1])
    ticks = sum(map(int, fields[11:15]))  # utime, stime, and both of children waited for
    return parent, ticks, int(fields[21])


def usage(pid: int) -> Usage | None:
    """Return what a process uses; None if there is no such process, or no ``/proc``."""
    try:
        pids = [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]
    except OSError:
        return None
    stats = {number: stat for number in pids if (stat := _stat(number))}
    if pid not in stats:
        return None
    family = {pid}
    while grown := {number for number, (parent, _, _) in stats.items() if parent in family} - family:
        family |= grown
    ticks = sum(stats[number][1] for number in family)
    pages = sum(stats[number][2] for number in family)
    return Usage(ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE") / _MIB)


def machine_busy_s() -> float | None:
    """Return the CPU seconds of everything on this machine since it started; None without ``/proc``."""
    try:
        first = (_PROC / "stat").read_text().partition("\n")[0].split()
    except OSError:
        return None
    # proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal
    ticks = [int(field) for field in first[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def cores_of(pid: int | None) -> int:
    """Return the number of cores that a process may use; those of the machine if that is unknown."""
    if pid is not None and hasattr(os, "sched_getaffinity"):
        try:
            return len(os.sched_getaffinity(pid))
        except OSError:
            pass
    return os.cpu_count() or 1
