"""The metrics of a server, for Prometheus.

Names follow https://prometheus.io/docs/practices/naming/. `docs/operations.md` has them all.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vivavoce.asr.engine import EngineState, Histogram
from vivavoce.protocol.dialects import DIALECTS
from vivavoce.server.exposition import escaped, histograms, labelled, plain
from vivavoce.server.process_figures import process_lines
from vivavoce.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vivavoce.asr.engine import Engine, EngineStats
    from vivavoce.server.turn_meter import TurnReport

__all__ = ["Metrics", "Now"]

_LATENCIES_S: Final = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
_SESSIONS_S: Final = (10, 30, 60, 300, 900, 1_800, 3_600, 7_200, 14_400)
_DELAYS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


@dataclass(frozen=True, slots=True)
class Now:
    """What a server is like at a moment.

    Attributes:
        n_open: Open sessions.
        n_connections: Open connections, with sessions or without.
        limit: Most sessions that may be open; None: no limit.
        is_ready: Whether a new session would be accepted.
        is_draining: Whether the server stops.
        backlog_s: Most audio that waits in a session, in seconds.
        n_readers: Readers of all rooms.
    """

    n_open: int
    n_connections: int
    limit: int | None
    is_ready: bool
    is_draining: bool
    backlog_s: float
    n_readers: int


class _Turns:
    """What the turns of one model were like."""

    def __init__(self) -> None:
        self.n = 0
        self.n_words = 0
        self.n_shown = 0
        self.n_changes = 0
        self.n_broken = 0
        self.first_s = Histogram(_LATENCIES_S)
        self.words_s = Histogram(_LATENCIES_S)
        self.finals_s = Histogram(_LATENCIES_S)

    def add(self, report: TurnReport) -> None:
        self.n += 1
        self.n_words += report.n_words
        self.n_shown += report.n_shown
        self.n_changes += report.n_changes
        self.n_broken += report.n_broken
        for latency_s in report.word_latencies_s:
            self.words_s.add(latency_s)
        if report.first_word_latency_s is not None:
            self.first_s.add(report.first_word_latency_s)
        if report.final_latency_s is not None:
            self.finals_s.add(report.final_latency_s)


class Metrics:
    """Counts sessions and turns, and reads everything else on each scrape."""

    def __init__(self) -> None:
        # What is to be expected begins at 0: a rate does not see the first of a series that was not there.
        self._begun = Counter({factory.name: 0 for factory in DIALECTS.values()})  # by dialect
        self._ended = Counter(
            dict.fromkeys(("ended", "failed", "client_left", "slow_reader"), 0)
        )  # by reason
        self._refused = Counter(dict.fromkeys(("full", "busy", "draining", "unauthorized"), 0))  # by reason
        self._dropped = Counter(dict.fromkeys(("left", "slow_reader"), 0))  # by reason
        self._durations_s = Histogram(_SESSIONS_S)
        self._turns: dict[str, _Turns] = {}  # by model
        self._delays_s = Histogram(_DELAYS_S)
        self._expires_s: float | None = None  # Unix time; None: there is no certificate
        self._has_keys: bool | None = None  # whether the key store can be used; None: there is none
        self._shares_rooms: bool | None = None  # None: there is no Redis to share them by

    def began(self, dialect: str) -> None:
        """Count a session that began."""
        self._begun[dialect] += 1

    def ended(self, reason: str, duration_s: float) -> None:
        """Count a session that is over.

        Args:
            reason: Why it is.
            duration_s: How long it was open, in seconds.
        """
        self._ended[reason] += 1
        self._durations_s.add(duration_s)

    def refused(self, reason: str) -> None:
        """Count a client that was refused, and why."""
        self._refused[reason] += 1

    def dropped(self, reason: str) -> None:
        """Count a client whose session ended because it did not read, or was gone."""
        self._dropped[reason] += 1

    def turn(self, model: str, report: TurnReport) -> None:
        """Count a finished turn.

        Args:
            model: The name of its model.
            report: What it was like.
        """
        self._turns.setdefault(model, _Turns()).add(report)

    def ticked(self, delay_s: float) -> None:
        """Note by how much a clock of the event loop was late, in seconds."""
        self._delays_s.add(max(0.0, delay_s))

    def certificate_expires(self, unix_s: float | None) -> None:
        """Note when the certificate expires, in Unix time; None: there is none, or it can't be read."""
        self._expires_s = unix_s

    def key_store(self, *, is_usable: bool) -> None:
        """Note whether the key store can be used."""
        self._has_keys = is_usable

    def rooms(self, *, are_shared: bool) -> None:
        """Note whether rooms are the same on all servers of the Redis."""
        self._shares_rooms = are_shared

    def render(self, engines: Mapping[str, Engine], now: Now) -> str:
        """Return all metrics in Prometheus' text format.

        Args:
            engines: The engines in memory by the names of their models, the default first. Of the others,
                only their sessions are reported.
            now: What the server is like.
        """
        engine = next(iter(engines.values()))
        lines = [
            *_gauge("build_info", "Version of the server.", {f'version="{__version__}"': 1}),
            *_of_now(now),
            *_gauge(
                "engine_ready",
                "1 if the models are loaded and work, else 0.",
                int(engine.state is EngineState.READY),
            ),
            *_gauge(
                "model_sessions",
                "Open sessions of each model that is in memory.",
                {f'model="{escaped(name)}"': each.n_sessions for name, each in engines.items()},
            ),
            *self._of_sessions(),
            *self._of_turns(),
            *_of_engine(engine.stats),
            *_gauge(
                "cadence_seconds",
                "Audio between two partials: stretched under load.",
                engine.cadence_ms / 1000,
            ),
            *histograms(
                "vivavoce_event_loop_delay_seconds",
                "How late a clock of the event loop was, once a second.",
                {"": self._delays_s},
            ),
            *self._of_certificate(),
            *self._of_shared(),
            *process_lines(),
        ]
        return "\n".join(lines) + "\n"

    def _of_sessions(self) -> Iterator[str]:
        yield from _counter("sessions_total", "Sessions that began.", labelled("dialect", self._begun))
        yield from _counter(
            "sessions_ended_total", "Sessions that are over.", labelled("reason", self._ended)
        )
        yield from _counter("refused_total", "Refused clients.", labelled("reason", self._refused))
        text = "Clients that left a session open."
        yield from _counter("dropped_total", text, labelled("reason", self._dropped))
        yield from histograms(
            "vivavoce_session_duration_seconds",
            "How long sessions were open that are over.",
            {"": self._durations_s},
        )

    def _of_turns(self) -> Iterator[str]:
        turns = {f'model="{escaped(name)}"': each for name, each in sorted(self._turns.items())}

        def counts(name: str, text: str, attribute: str) -> Iterator[str]:
            return _counter(name, text, {by: getattr(each, attribute) for by, each in turns.items()})

        def latencies(name: str, text: str, attribute: str) -> Iterator[str]:
            values = {by: getattr(each, attribute) for by, each in turns.items()}
            return histograms(f"vivavoce_{name}", text, values)

        yield from counts("turns_total", "Finished turns with words.", "n")
        yield from counts("words_total", "Words of finished turns.", "n_words")
        yield from counts("words_shown_total", "Places of words that clients were shown.", "n_shown")
        text = "How often a shown word became another; its rate over that of words_shown is the UPWR."
        yield from counts("word_changes_total", text, "n_changes")
        text = "Words that changed although they were reported as final; must stay 0."
        yield from counts("final_word_changes_total", text, "n_broken")
        text = "From the start of the first word of a live turn to the first message with words."
        yield from latencies("first_word_latency_seconds", text, "first_s")
        text = "From the end of a word of a live turn to the message after which it did not change."
        yield from latencies("word_emission_latency_seconds", text, "words_s")
        text = "From the end of the last word of a live turn to its final, the silence in between included."
        yield from latencies("final_latency_seconds", text, "finals_s")

    def _of_certificate(self) -> Iterator[str]:
        if self._expires_s is not None:
            text = "When the TLS certificate expires."
            yield from _gauge("tls_certificate_expiry_timestamp_seconds", text, self._expires_s)

    def _of_shared(self) -> Iterator[str]:
        if self._has_keys is not None:
            text = "1 if the key store can be used, else 0: limits then hold for this server alone."
            yield from _gauge("key_store_usable", text, int(self._has_keys))
        if self._shares_rooms is not None:
            text = "1 if rooms are the same on all servers of the Redis, else 0."
            yield from _gauge("rooms_shared", text, int(self._shares_rooms))


def _of_now(now: Now) -> Iterator[str]:
    yield from _gauge("ready", "1 if a new session would be accepted, else 0.", int(now.is_ready))
    yield from _gauge("draining", "1 if the server stops, else 0.", int(now.is_draining))
    yield from _gauge("sessions_open", "Open sessions.", now.n_open)
    yield from _gauge("connections_open", "Open connections of any kind.", now.n_connections)
    if now.limit is not None:
        yield from _gauge("sessions_limit", "Most sessions that may be open.", now.limit)
    yield from _gauge("backlog_seconds", "Most audio that waits in a session.", now.backlog_s)
    yield from _gauge("room_readers", "Readers of all rooms.", now.n_readers)


def _of_engine(stats: EngineStats) -> Iterator[str]:
    """What the engine of the default model did."""
    text = "Audio that went through the speech detector."
    yield from _counter("audio_seconds_total", text, stats.detected_s)
    text = "Time spent decoding, summed over threads; its rate over that of the audio is the load."
    yield from _counter("decode_seconds_total", text, stats.decode_s)
    text = "Time spent by the model of finals."
    yield from _counter("revise_seconds_total", text, stats.revise_s)
    text = "Finals that were sent without it, because it was late."
    yield from _counter("late_revisions_total", text, stats.late_revisions)
    yield from _counter("passes_total", "Passes of the recogniser.", labelled("kind", stats.passes))
    text = "Passes in a batch, counted whenever some join."
    yield from histograms("vivavoce_batch_size", text, {"": stats.batch_sizes})
    text = "Longest wait of the requests that joined a batch."
    yield from histograms("vivavoce_batch_wait_seconds", text, {"": stats.batch_waits_s})
    text = "Longest wait of all requests when some joined a batch."
    yield from histograms("vivavoce_queue_wait_seconds", text, {"": stats.queue_waits_s})


def _counter(name: str, text: str, values: Mapping[str, float] | float) -> Iterator[str]:
    return plain("counter", f"vivavoce_{name}", text, values)


def _gauge(name: str, text: str, values: Mapping[str, float] | float) -> Iterator[str]:
    return plain("gauge", f"vivavoce_{name}", text, values)
