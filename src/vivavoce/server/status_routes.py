"""The HTTP endpoints for operators: liveness, readiness, metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from vivavoce.asr.engine import EngineState
from vivavoce.protocol.dialects import DIALECTS
from vivavoce.server.metrics import CONTENT_TYPE
from vivavoce.server.page_routes import page_response
from vivavoce.version import __version__

if TYPE_CHECKING:
    from starlette.requests import Request

    from vivavoce.server.service import Service

__all__ = ["RETRY_AFTER", "status_routes"]

RETRY_AFTER: Final = {"Retry-After": "5"}
"""Header of a response that refuses new sessions for now; in seconds."""

_ROOT_TEXT: Final = (
    f"Vivavoce {__version__}: real-time transcription. WebSockets: {', '.join(DIALECTS)}. Status: /readyz.\n"
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

    async def readiness(_request: Request) -> JSONResponse:
        """Readiness: whether a new session would be accepted now."""
        engine = service.engine
        state = "draining" if service.is_draining else "full" if service.is_full else engine.state.value
        is_ready = state == EngineState.READY.value
        body = {
            "status": state,
            "sessions": len(service.connections),
            "cadence_ms": round(engine.cadence_ms),
        }
        return JSONResponse(body, 200 if is_ready else 503, headers={} if is_ready else RETRY_AFTER)

    async def metrics(_request: Request) -> PlainTextResponse:
        text = service.metrics.render(service.engine, len(service.connections))
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
