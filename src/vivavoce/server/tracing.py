"""A trace of each turn for OpenTelemetry, if the server was asked for it; it has times and counts, no words.

Where spans go, and how many of them, is configured by OpenTelemetry's own variables, such as
``OTEL_EXPORTER_OTLP_ENDPOINT`` and ``OTEL_TRACES_SAMPLER``; see
https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/.
"""

from __future__ import annotations

import importlib
import os
import time
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from vivavoce.errors import ExtrasNotInstalledError
from vivavoce.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vivavoce.server.turn_meter import TurnReport

__all__ = ["Tracing", "check_tracing"]

_NS: Final = 1_000_000_000
_SERVICE: Final = "vivavoce"
_MODULES: Final = (
    "opentelemetry.trace",
    "opentelemetry.sdk.trace",
    "opentelemetry.sdk.trace.export",
    "opentelemetry.sdk.resources",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
)


class _Span(Protocol):
    def end(self, end_time: int | None = None) -> None: ...


class _Tracer(Protocol):
    """What is used of OpenTelemetry's tracer."""

    def start_span(self, name: str, **options: Any) -> _Span: ...


class Tracing:
    """Writes a span for each turn, with one for its speech and one for the wait for its final inside."""

    def __init__(
        self,
        tracer: _Tracer,
        inside: Callable[[_Span], object],
        *,
        unix_offset_s: float,
        close: Callable[[], object] = lambda: None,
    ) -> None:
        """Prepare.

        Args:
            tracer: OpenTelemetry's tracer.
            inside: Returns the context in which spans are children of a span.
            unix_offset_s: What makes a Unix time of the time of a report, in seconds.
            close: Called at the end; sends what waits.
        """
        self._tracer = tracer
        self._inside = inside
        self._unix_offset_s = unix_offset_s
        self.close = close

    @classmethod
    def open(cls) -> Self:
        """Return one that sends spans as OpenTelemetry's variables say, from a thread of its own.

        Raises:
            ExtrasNotInstalledError: OpenTelemetry is missing.
        """
        trace, sdk, exporting, resources, otlp = map(_imported, _MODULES)
        own = {"service.version": __version__}
        if not os.environ.get("OTEL_SERVICE_NAME"):
            own["service.name"] = _SERVICE
        provider = sdk.TracerProvider(resource=resources.Resource.create(own))
        provider.add_span_processor(exporting.BatchSpanProcessor(otlp.OTLPSpanExporter()))
        return cls(
            provider.get_tracer(_SERVICE, __version__),
            trace.set_span_in_context,
            unix_offset_s=time.time() - time.monotonic(),
            close=provider.shutdown,
        )

    def turn(self, report: TurnReport, about: Mapping[str, str]) -> None:
        """Write the spans of a finished turn.

        Args:
            report: What it was like, in seconds of `time.monotonic`.
            about: Attributes of its session.
        """
        begin_s = report.shown_s if report.started_s is None else report.started_s
        attributes: dict[str, str | int | float] = {
            **{f"vivavoce.{name}": value for name, value in about.items()},
            "vivavoce.turn_order": report.turn_order,
            "vivavoce.words": report.n_words,
            "vivavoce.word_changes": report.n_changes,
        }
        if report.channel is not None:
            attributes["vivavoce.channel"] = report.channel
        if report.first_word_latency_s is not None:
            attributes["vivavoce.first_word_latency_s"] = report.first_word_latency_s
        if report.final_latency_s is not None:
            attributes["vivavoce.final_latency_s"] = report.final_latency_s
        turn = self._begin("turn", begin_s, attributes=attributes)
        if report.spoken_s is not None:
            spoken_s = min(max(report.spoken_s, begin_s), report.sent_s)
            context = self._inside(turn)
            self._end(self._begin("speech", begin_s, context=context), spoken_s)
            self._end(self._begin("wait for final", spoken_s, context=context), report.sent_s)
        self._end(turn, report.sent_s)

    def _begin(self, name: str, at_s: float, **options: Any) -> _Span:
        return self._tracer.start_span(name, start_time=self._unix_ns(at_s), **options)

    def _end(self, span: _Span, at_s: float) -> None:
        span.end(self._unix_ns(at_s))

    def _unix_ns(self, at_s: float) -> int:
        return round((at_s + self._unix_offset_s) * _NS)


def check_tracing() -> None:
    """Check that OpenTelemetry is installed.

    Raises:
        ExtrasNotInstalledError: It is not.
    """
    for module in _MODULES:
        _imported(module)


def _imported(module: str) -> Any:
    """Import a part of OpenTelemetry, which only traces need."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ExtrasNotInstalledError(
            'OpenTelemetry is not installed; run: pip install "vivavoce[otel]"'
        ) from error
