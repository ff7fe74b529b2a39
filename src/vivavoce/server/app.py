"""The ASGI application: its routes, and what all of them share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import WebSocketRoute

from vivavoce.asr.engine import Engine
from vivavoce.protocol import aai_v2
from vivavoce.protocol.dialects import DIALECTS
from vivavoce.server.access import token_routes
from vivavoce.server.connection import Connection
from vivavoce.server.options import ServerOptions
from vivavoce.server.service import Service
from vivavoce.server.status_routes import RETRY_AFTER, status_routes

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.websockets import WebSocket

    from vivavoce.protocol.dialect import DialectFactory

__all__ = ["create_app"]


def create_app(options: ServerOptions | None = None, *, engine: Callable[[], Engine] = Engine) -> Starlette:
    """Build the application, for any ASGI server.

    Args:
        options: Options of the server; host and port concern the ASGI server alone.
        engine: Makes the engine; called on the event loop when the application starts.

    Returns:
        The application; its ``state.service`` is the `Service`.

    Raises:
        ConfigurationError: An API key has an unknown status.
    """
    service = Service(options or ServerOptions(), engine)
    app = Starlette(
        routes=[
            *status_routes(service),
            *token_routes(service.admission),
            *(WebSocketRoute(path, _endpoint(service, factory)) for path, factory in DIALECTS.items()),
            WebSocketRoute(aai_v2.RESUME_PATH, _endpoint(service, DIALECTS[aai_v2.PATH])),
        ],
        lifespan=service.lifespan,
    )
    app.state.service = service
    return app


def _endpoint(service: Service, factory: DialectFactory) -> Callable[[WebSocket], object]:
    """Return the WebSocket endpoint of one dialect."""

    async def endpoint(websocket: WebSocket) -> None:
        if service.is_full or service.is_draining:
            reason = "shutting down" if service.is_draining else "the server is full"
            service.metrics.refused("draining" if service.is_draining else "full")
            response = JSONResponse({"error": f"no new sessions: {reason}"}, 503, RETRY_AFTER)
            await websocket.send_denial_response(response)
            return
        connection = Connection(websocket, factory, service)
        with service.holding(connection):
            await connection.run()

    return endpoint
