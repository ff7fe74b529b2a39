"""One exposition for the metrics of several processes.

Counters and histograms add up. Of a gauge its name says what it is for all workers: the sum, the worst, or
what the parent says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from vivavoce.server.exposition import number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["GAUGES", "Figures", "add_up"]


def _last(values: Sequence[float]) -> float:
    return values[-1]


GAUGES: Final[dict[str, Callable[[Sequence[float]], float]]] = {
    "vivavoce_build_info": max,
    "vivavoce_ready": _last,
    "vivavoce_draining": _last,
    "vivavoce_sessions_open": sum,
    "vivavoce_connections_open": sum,
    "vivavoce_sessions_limit": _last,
    "vivavoce_backlog_seconds": max,
    "vivavoce_room_readers": sum,
    "vivavoce_rooms_shared": min,
    "vivavoce_engine_ready": min,
    "vivavoce_model_sessions": sum,
    "vivavoce_cadence_seconds": max,
    "vivavoce_key_store_usable": min,
    "vivavoce_tls_certificate_expiry_timestamp_seconds": min,
    "vivavoce_workers": _last,
    "vivavoce_workers_ready": _last,
    "process_start_time_seconds": min,
    "process_max_fds": min,
    "process_open_fds": max,
    "process_resident_memory_bytes": sum,
}
"""What a gauge is for all processes; of `_last` the parent's exposition comes last. Others are summed."""


@dataclass
class _Family:
    kind: str = ""
    text: str = ""
    values: dict[str, list[float]] = field(default_factory=dict)  # by name and labels, as in the exposition


def _collect(families: dict[str, _Family], exposition: str) -> None:
    """Add the samples of an exposition of ours, each of whose metrics begins with HELP and TYPE."""
    family = _Family()
    for line in exposition.splitlines():
        mark, _, rest = line.partition(" ")
        if mark == "#":
            what, name, text = rest.split(" ", 2)
            family = families.setdefault(name, _Family())
            if what == "HELP":
                family.text = text
            else:
                family.kind = text
        elif line:
            sample, _, value = line.rpartition(" ")
            family.values.setdefault(sample, []).append(float(value))


def add_up(expositions: Iterable[str], *, only_totals: bool = False) -> str:
    """Return one exposition for several.

    Args:
        expositions: Of each worker, and last that of the parent.
        only_totals: Whether gauges are left out.
    """
    families: dict[str, _Family] = {}
    for exposition in expositions:
        _collect(families, exposition)
    lines: list[str] = []
    for name, family in families.items():
        is_gauge = family.kind == "gauge"
        if is_gauge and only_totals:
            continue
        combine = GAUGES.get(name, sum) if is_gauge else sum
        lines += [f"# HELP {name} {family.text}", f"# TYPE {name} {family.kind}"]
        lines += [f"{sample} {number(combine(values))}" for sample, values in family.values.items()]
    return "\n".join(lines) + "\n" if lines else ""


class Figures:
    """The expositions of all workers, as they were last seen, and the totals of those that are gone.

    A total that fell when a worker died would look to Prometheus like a restart of the whole server, whose
    events it would then count again.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._latest: dict[int, str] = {}  # by worker
        self._gone = ""  # totals of workers that are gone

    def note(self, worker: int, exposition: str) -> None:
        """Take the present exposition of a worker."""
        self._latest[worker] = exposition

    def lose(self, worker: int) -> None:
        """Keep the totals of a worker that is gone, as they were last seen."""
        latest = self._latest.pop(worker, "")
        self._gone = add_up([self._gone, latest], only_totals=True)

    def render(self, parent: str) -> str:
        """Return the exposition for all.

        Args:
            parent: That of the parent.
        """
        return add_up([*self._latest.values(), self._gone, parent])
