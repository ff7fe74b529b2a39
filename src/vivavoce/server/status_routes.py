"""The HTTP endpoints for operators: liveness, readiness, metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from vivavoce.asr.engine import EngineState
from vivavoce.errors import ProtocolViolation
from vivavoce.protocol.dialects import DIALECTS
from vivavoce.server.access import KeyStatus, is_loopback, log_refusal
from vivavoce.server.exposition import CONTENT_TYPE
from vivavoce.server.metrics import Now
from vivavoce.server.page_routes import page_response
from vivavoce.server.retry_after import retry_after
from vivavoce.types import Failure
from vivavoce.version import __version__

if TYPE_CHECKING:
    from starlette.requests import Request

    from vivavoce.server.service import Service

__all__ = ["exposition_of", "state_of", "status_routes"]

_ROOT_TEXT: Final = (
    f"Vivavoce {__version__}: real-time transcription. WebSockets: {', '.join(DIALECTS)}. Status: /readyz.\n"
)


_NOT_SHOWN: Final = (
    "metrics are for this machine and for clients with an administrator's API key (header Authorization); "
    "serve with --public-status to show them to everyone"
)
_FORWARDED: Final = ("forwarded", "x-forwarded-for")  # from a proxy, for a client that may be anywhere


def _may_see_figures(service: Service, request: Request) -> bool:
    options, keys, headers = service.options, service.admission.keys, request.headers
    if options.public_status:
        return True
    if not service.origins.may_read(headers.get("origin"), headers.get("host")):
        return False
    is_here = is_loopback(request.client.host if request.client else "")
    if is_here and not any(name in headers for name in _FORWARDED):
        return True
    if keys.is_open:
        return is_loopback(options.host)  # a proxy on this machine decides who gets here
    holder = keys.find(headers.get("authorization"))
    return holder is not None and holder.is_admin and holder.status is KeyStatus.GOOD


def state_of(service: Service) -> str:
    """Return ``ready``, or why a new session would not be accepted."""
    if service.is_draining:
        return "draining"
    return "full" if service.is_full else service.engine.state.value


def exposition_of(service: Service) -> str:
    """Return the metrics of this process, in Prometheus' text format."""
    return service.metrics.render(service.engines.loaded, _now(service))


def _now(service: Service) -> Now:
    return Now(
        n_open=len(service.connections),
        n_connections=service.gate.n_open,
        limit=service.options.max_sessions,
        is_ready=state_of(service) == EngineState.READY.value,
        is_draining=service.is_draining,
        backlog_s=max((each.backlog_ms for each in service.connections), default=0.0) / 1000,
        n_readers=service.rooms.n_readers,
    )


def status_routes(service: Service) -> list[Route]:
    """Return the routes ``/``, ``/healthz``, ``/readyz``, ``/v3/ws/health``, ``/v3/health`` and ``/metrics``.

    Args:
        service: Whose status is reported.
    """

    async def health(_request: Request) -> JSONResponse:
        """Liveness: only a dead engine needs a restart."""
        is_alive = service.engine.state is not EngineState.DEAD
        return JSONResponse({"status": "ok" if is_alive else "dead"}, 200 if is_alive else 500)

    async def readiness(request: Request) -> JSONResponse:
        """Readiness: whether a new session would be accepted now."""
        siblings = service.siblings
        if siblings is None:
            state, n_sessions, cadence_ms = (
                state_of(service),
                len(service.connections),
                service.engine.cadence_ms,
            )
        else:
            all_ = await siblings.standing()
            state, n_sessions, cadence_ms = all_.state, all_.n_sessions, all_.cadence_ms
        is_ready = state == EngineState.READY.value
        body: dict[str, str | int] = {"status": state}
        if _may_see_figures(service, request):
            body |= {"sessions": n_sessions, "cadence_ms": round(cadence_ms)}
        return JSONResponse(
            body, 200 if is_ready else 503, headers={} if is_ready else {"Retry-After": retry_after()}
        )

    async def metrics(request: Request) -> Response:
        if not _may_see_figures(service, request):
            log_refusal(request, ProtocolViolation(Failure.UNAUTHORIZED))
            return JSONResponse({"error": _NOT_SHOWN}, 403)
        text = exposition_of(service) if service.siblings is None else await service.siblings.exposition()
        return PlainTextResponse(text, media_type=CONTENT_TYPE)

    async def root(request: Request) -> Response:
        """The speaker's page for a browser; for any other client a line that says what this is."""
        if "text/html" in request.headers.get("accept", ""):
            return page_response(request, "speaker.html")
        return PlainTextResponse(_ROOT_TEXT, headers={"Vary": "Accept"})

    return [
        Route("/", root),
        Route("/healthz", health),
        Route("/readyz", readiness),
        Route("/v3/ws/health", readiness),
        Route("/v3/health", readiness),  # the vendor's self-hosted stack has both
        Route("/metrics", metrics),
    ]
