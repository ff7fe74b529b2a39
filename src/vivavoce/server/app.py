"""The ASGI application: its routes, and what all of them share."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, TypeAlias

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from vivavoce.protocol import aai_v2, aai_v3
from vivavoce.protocol.dialects import DIALECTS
from vivavoce.server.access import ForwardedClient, token_routes
from vivavoce.server.connection import Connection
from vivavoce.server.options import ServerOptions
from vivavoce.server.page_routes import page_routes
from vivavoce.server.retry_after import retry_after
from vivavoce.server.rooms.routes import room_routes
from vivavoce.server.service import REFUSALS, Service
from vivavoce.server.sliced_bodies import SlicedBodies
from vivavoce.server.status_routes import status_routes
from vivavoce.server.transcript_routes import transcript_routes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from vivavoce.protocol.dialect import DialectFactory
    from vivavoce.server.engines import EngineMaker
    from vivavoce.server.rooms.relay import Relay

    _Endpoint: TypeAlias = Callable[[WebSocket], Awaitable[None]]

__all__ = ["create_app"]

_log = logging.getLogger(__name__)

_UNKNOWN_PATH: Final = f"unknown path: the WebSockets are {' and '.join(DIALECTS)}"


def create_app(
    options: ServerOptions | None = None, *, engine: EngineMaker | None = None, relay: Relay | None = None
) -> Starlette:
    """Build the application, for any ASGI server.

    Args:
        options: Options of the server; host and port concern the ASGI server alone.
        engine: Makes the engine of a model; None: one that loads its files.
        relay: Keeps rooms equal at all workers; None: there is one, or a Redis does it.

    Returns:
        The application; its ``state.service`` is the `Service`.

    Raises:
        ConfigurationError: An API key has an unknown status.
    """
    service = Service(options or ServerOptions(), engine, relay=relay)
    endpoints = {path: _endpoint(service, factory) for path, factory in DIALECTS.items()}
    app = Starlette(
        routes=[
            *status_routes(service),
            *token_routes(service.admission),
            *page_routes(labels_speakers=service.models.labels_speakers),
            *room_routes(service.rooms, service.origins, service.recorder),
            *transcript_routes(service.admission, service.origins, service.recorder),
            *(WebSocketRoute(path, endpoint) for path, endpoint in endpoints.items()),
            WebSocketRoute(aai_v2.RESUME_PATH, endpoints[aai_v2.PATH]),
            WebSocketRoute("/{path:path}", _other_paths(endpoints)),
            *(Route(path, _upgrade_required) for path in DIALECTS),
        ],
        middleware=[
            Middleware(
                ForwardedClient,
                proxies=service.proxies,
                enter=service.enter_forwarded,
                leave=service.leave_forwarded,
                refuse=_refuse_forwarded,
            ),
            Middleware(SlicedBodies),
        ],
        exception_handlers={404: _not_found},
        lifespan=service.lifespan,
    )
    app.state.service = service
    return app


def _endpoint(service: Service, factory: DialectFactory) -> _Endpoint:
    """Return the WebSocket endpoint of one dialect."""

    async def endpoint(websocket: WebSocket) -> None:
        origin = websocket.headers.get("origin")
        if not service.origins.may_open_session(origin, websocket.headers.get("host")):
            service.metrics.refused("origin")
            await _deny(websocket, 403, f"pages of {origin} may not open sessions here: see --allow-origin")
            return
        place, refusal = await service.enter()
        if refusal is not None:
            service.metrics.refused(refusal)
            await _deny(websocket, 503, REFUSALS[refusal], {"Retry-After": retry_after()})
            return
        connection = Connection(websocket, factory, service)
        with service.holding(connection, place):
            await connection.run()

    return endpoint


def _other_paths(endpoints: Mapping[str, _Endpoint]) -> _Endpoint:
    """Return the endpoint of all other paths: it refuses them, unless they are another spelling of one.

    A slash too much comes from joining a base URL and a path. ``/`` is where the vendor's own self-hosted
    stack serves v3.
    """

    async def endpoint(websocket: WebSocket) -> None:
        path = "/" + "/".join(filter(None, websocket.url.path.split("/")))
        found = endpoints.get(aai_v3.PATH if path == "/" else path)
        if found is None:
            await _deny(websocket, 404, _UNKNOWN_PATH)
        else:
            await found(websocket)

    return endpoint


def _refuse_forwarded(error: str) -> ASGIApp:
    """Return what answers a client of a proxy that has too many requests open."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = {"Retry-After": retry_after()}
        if scope["type"] == "websocket":
            await _deny(WebSocket(scope, receive, send), 503, error, headers)
            return
        _log.info("refused %s a request with 503: %s", scope["client"][0], error)
        await JSONResponse({"error": error}, 503, headers)(scope, receive, send)

    return app


async def _deny(
    websocket: WebSocket, status: int, error: str, headers: Mapping[str, str] | None = None
) -> None:
    """Refuse a handshake by an HTTP response."""
    client = websocket.client.host if websocket.client else "unknown"
    _log.info("refused %s a WebSocket with %d: %s", client, status, error)
    await websocket.send_denial_response(JSONResponse({"error": error}, status, headers))


async def _not_found(_request: Request, _error: Exception) -> JSONResponse:
    return JSONResponse({"error": _UNKNOWN_PATH}, 404)


async def _upgrade_required(request: Request) -> JSONResponse:
    """Answer plain HTTP on the path of a WebSocket; RFC 9110, section 15.5.22."""
    error = (
        f"{request.url.path} is a WebSocket: connect with ws:// or wss://; a proxy before this server must "
        "pass on the headers Upgrade and Connection"
    )
    return JSONResponse({"error": error}, 426, {"Upgrade": "websocket", "Connection": "Upgrade"})
