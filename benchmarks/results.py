"""The results file of the suite: tables and plots are made from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from vivavoce.bench.repeat import lookup, summarise
from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from vivavoce.bench.repeat import Summary

__all__ = ["CAPACITY", "Entry", "Results", "load_results", "save_results"]

CAPACITY = {"short": "held-short", "continuous": "held-continuous"}
"""The items that search for the number of streams held, by load."""


class Entry(msgspec.Struct, kw_only=True):
    """One measurement of one system.

    Attributes:
        item: Name of the measurement.
        system: Name of the system.
        round: Counted from 1; the same item and round of different systems ran right after each other.
        reports: Reports as JSON: one, or one per trial.
        held: Streams held, if the item searches for them.
        error: Why the measurement failed; None: it succeeded.
    """

    item: str
    system: str
    round: int
    reports: list[dict[str, Any]] = []
    held: int | None = None
    error: str | None = None


class Results(msgspec.Struct, kw_only=True):
    """All entries of one or more runs of the suite.

    Attributes:
        quick: Whether only a small subset was measured, too small to publish.
        entries: In the order in which they were measured.
        offline_wer_percent: Of whole recordings decoded in one pass, by kind and ``overall``.
        soak: A long run, as JSON of `vivavoce.bench.soak.Soak`; None: there was none.
    """

    quick: bool = False
    entries: list[Entry] = []
    offline_wer_percent: dict[str, float | None] = {}
    soak: dict[str, Any] | None = None

    def systems(self) -> list[str]:
        """Return the systems that were measured, in the order of their first entry."""
        return list(dict.fromkeys(entry.system for entry in self.entries))

    def of(self, item: str, system: str) -> list[Entry]:
        """Return one measurement of one system, in all rounds."""
        return [entry for entry in self.entries if (entry.item, entry.system) == (item, system)]

    def figure(self, item: str, system: str, path: str) -> Summary | None:
        """Return a figure of one measurement over all rounds."""
        return summarise(lookup(report, path) for entry in self.of(item, system) for report in entry.reports)

    def ratio(self, item: str, system: str, other: str, path: str) -> Summary | None:
        """Return a figure of one system divided by that of another, each pair from the same round."""
        ratios: list[float] = []
        for entry in self.of(item, system):
            for partner in self.of(item, other):
                if entry.round == partner.round and entry.reports and partner.reports:
                    over, under = lookup(entry.reports[0], path), lookup(partner.reports[0], path)
                    if over is not None and under:
                        ratios.append(over / under)
        return summarise(ratios)

    def trials(self, load: str, system: str) -> dict[int, list[dict[str, Any]]]:
        """Return the reports of the search for the streams held, by number of streams, ascending."""
        found: dict[int, list[dict[str, Any]]] = {}
        for entry in self.of(CAPACITY[load], system):
            for report in entry.reports:
                found.setdefault(int(report["streams"]), []).append(report)
        return dict(sorted(found.items()))

    def reports(self) -> Iterable[dict[str, Any]]:
        """Yield every report."""
        for entry in self.entries:
            yield from entry.reports
        if self.soak is not None:
            yield self.soak["report"]


def load_results(paths: Sequence[Path]) -> Results:
    """Read files and join them: the rounds of a later file are numbered after those of the earlier ones.

    Raises:
        ConfigurationError: One of them cannot be read, or is not a results file.
    """
    joined = Results()
    for path in paths:
        try:
            read = msgspec.json.decode(path.read_bytes(), type=Results)
        except OSError as error:
            raise ConfigurationError(f"{path}: {error.strerror}") from error
        except msgspec.MsgspecError as error:
            raise ConfigurationError(f"{path}: not a results file: {error}") from error
        earlier = max((entry.round for entry in joined.entries), default=0)
        for entry in read.entries:
            entry.round += earlier
        joined.entries += read.entries
        joined.quick = joined.quick or read.quick
        joined.offline_wer_percent |= read.offline_wer_percent
        joined.soak = read.soak or joined.soak
    return joined


def save_results(results: Results, path: Path) -> None:
    """Write the file atomically: a concurrent reader sees the previous one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
    part.replace(path)
