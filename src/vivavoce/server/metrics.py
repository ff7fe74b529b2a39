"""Metrics in Prometheus' text exposition format.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections import Counter
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from vivavoce.asr.engine import EngineState
from vivavoce.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vivavoce.asr.engine import Engine, EngineStats, Histogram

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Counts sessions, and reads everything else from the engine on each scrape."""

    def __init__(self) -> None:
        self._begun: Counter[str] = Counter()  # by dialect
        self._refused: Counter[str] = Counter()  # by reason
        self._dropped: Counter[str] = Counter()  # by reason

    def began(self, dialect: str) -> None:
        """Count a session that began."""
        self._begun[dialect] += 1

    def refused(self, reason: str) -> None:
        """Count a client that was refused, and why."""
        self._refused[reason] += 1

    def dropped(self, reason: str) -> None:
        """Count a client whose session ended because it did not read, or was gone."""
        self._dropped[reason] += 1

    def render(self, engines: Mapping[str, Engine], n_open: int, n_connections: int = 0) -> str:
        """Return all metrics in Prometheus' text format.

        Args:
            engines: The engines in memory by the names of their models, the default first. Of the others,
                only their sessions are told.
            n_open: Number of open sessions.
            n_connections: Number of open connections, with sessions or without.
        """
        engine = next(iter(engines.values()))
        stats = engine.stats
        ready = int(engine.state is EngineState.READY)
        lines = [
            *_plain("gauge", "build_info", "Version of the server.", {f'version="{__version__}"': 1}),
            *_plain("gauge", "engine_ready", "1 if the models are loaded and work, else 0.", {"": ready}),
            *_plain("gauge", "sessions_open", "Open sessions.", {"": n_open}),
            *_plain(
                "gauge",
                "model_sessions",
                "Open sessions of each model that is in memory.",
                {f'model="{_escaped(name)}"': each.n_sessions for name, each in engines.items()},
            ),
            *_plain("counter", "sessions_total", "Sessions that began.", _by("dialect", self._begun)),
            *_plain("gauge", "connections_open", "Open connections of any kind.", {"": n_connections}),
            *_plain("counter", "refused_total", "Refused clients.", _by("reason", self._refused)),
            *_plain(
                "counter", "dropped_total", "Clients that left a session open.", _by("reason", self._dropped)
            ),
            *_plain(
                "counter",
                "audio_seconds_total",
                "Audio that went through the speech detector.",
                {"": stats.detected_s},
            ),
            *_plain(
                "counter",
                "decode_seconds_total",
                "Time spent decoding, summed over threads; its rate over that of the audio is the load.",
                {"": stats.decode_s},
            ),
            *_of_finals(stats),
            *_plain("counter", "passes_total", "Passes of the recogniser.", _by("kind", stats.passes)),
            *_histogram("batch_size", "Passes in a batch, counted whenever some join.", stats.batch_sizes),
            *_histogram(
                "batch_wait_seconds", "Longest wait of the requests that joined a batch.", stats.batch_waits_s
            ),
            *_histogram(
                "queue_wait_seconds",
                "Longest wait of all requests when some joined a batch.",
                stats.queue_waits_s,
            ),
            *_plain(
                "gauge",
                "cadence_seconds",
                "Audio between two partials: stretched under load.",
                {"": engine.cadence_ms / 1000},
            ),
        ]
        return "\n".join(lines) + "\n"


def _of_finals(stats: EngineStats) -> Iterator[str]:
    """What the second model did."""
    text = "Time spent by the model of finals."
    yield from _plain("counter", "revise_seconds_total", text, {"": stats.revise_s})
    text = "Finals that were sent without it, because it was late."
    yield from _plain("counter", "late_revisions_total", text, {"": stats.late_revisions})


def _escaped(name: str) -> str:
    """A value of a label: the name of a model may be that of any folder."""
    return name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _by(label: str, counts: Mapping[str, int]) -> dict[str, float]:
    return {f'{label}="{name}"': count for name, count in sorted(counts.items())}


def _plain(kind: str, name: str, text: str, values: Mapping[str, float]) -> Iterator[str]:
    yield f"# HELP vivavoce_{name} {text}"
    yield f"# TYPE vivavoce_{name} {kind}"
    for labels, value in values.items():
        braces = f"{{{labels}}}" if labels else ""
        yield f"vivavoce_{name}{braces} {_number(value)}"


def _histogram(name: str, text: str, histogram: Histogram) -> Iterator[str]:
    yield f"# HELP vivavoce_{name} {text}"
    yield f"# TYPE vivavoce_{name} histogram"
    counts = list(accumulate(histogram.counts))
    for bound, count in zip((*histogram.bounds, "+Inf"), counts, strict=True):
        yield f'vivavoce_{name}_bucket{{le="{bound}"}} {count}'
    yield f"vivavoce_{name}_sum {_number(histogram.total)}"
    yield f"vivavoce_{name}_count {counts[-1]}"


def _number(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")
