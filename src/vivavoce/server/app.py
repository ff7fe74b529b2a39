"""The ASGI application: routes, the engine's life, and what all connections share."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route, WebSocketRoute

from vivavoce.asr.engine import Engine, EngineState
from vivavoce.protocol import DIALECTS, aai_v2
from vivavoce.server.access import Admission
from vivavoce.server.access.ledger import Ledger
from vivavoce.server.access.token_routes import token_routes
from vivavoce.server.connection import Connection
from vivavoce.server.metrics import CONTENT_TYPE, Metrics
from vivavoce.server.options import ServerOptions
from vivavoce.server.webhooks import deliver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from starlette.requests import Request
    from starlette.websockets import WebSocket

    from vivavoce.protocol.dialect import DialectFactory
    from vivavoce.protocol.events import Webhook

__all__ = ["Service", "create_app"]

_TICK_S = 1.0
_RETRY_AFTER_S = 5


class Service:
    """What all connections of an application share.

    Attributes:
        options: Of the server.
        admission: Who may open a session.
        ledger: Which sessions there are and were.
        metrics: What Prometheus is told.
        engine: Serves the sessions.
        connections: Those that are open.
        is_draining: Whether no new sessions are taken.
    """

    def __init__(self, options: ServerOptions, engine: Callable[[], Engine]) -> None:
        self.options = options
        self.admission = Admission(options.api_keys)
        self.ledger = Ledger(options.max_sessions_per_key)
        self.metrics = Metrics()
        self._posting: set[asyncio.Task[bool]] = set()
        self._make_engine = engine
        self.engine: Engine
        self.connections: set[Connection] = set()
        self.is_draining = False
        self._all_gone = asyncio.Event()

    @contextlib.asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        """Run the engine while the application runs; the socket is open before the models are loaded."""
        self.engine = self._make_engine()
        self.engine.start()
        ticking = asyncio.create_task(self._tick())
        try:
            yield
        finally:
            ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ticking
            for posting in self._posting:
                posting.cancel()
            await self.engine.stop()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            now = time.monotonic()
            for connection in list(self.connections):
                connection.tick(now)

    @property
    def is_full(self) -> bool:
        """Whether no place is free."""
        limit = self.options.max_sessions
        return self.engine.is_saturated or (limit is not None and len(self.connections) >= limit)

    async def drain(self) -> None:
        """Take no more sessions, let the open ones finish, and wait for them, within limits."""
        self.is_draining = True
        for connection in list(self.connections):
            connection.finish()
        if self.connections:
            self._all_gone.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.options.drain_s):
                    await self._all_gone.wait()
        if self._posting:
            await asyncio.wait(self._posting, timeout=self.options.drain_s)

    def post(self, webhook: Webhook, session_id: str, turns: Sequence[str]) -> None:
        """Post the finished turns of a session that is over, in the background."""
        posting = asyncio.create_task(deliver(webhook, session_id, turns))
        self._posting.add(posting)
        posting.add_done_callback(self._posting.discard)

    async def tell_metrics(self, _request: Request) -> PlainTextResponse:
        """Answer Prometheus."""
        text = self.metrics.render(self.engine, len(self.connections))
        return PlainTextResponse(text, media_type=CONTENT_TYPE)

    async def readiness(self, _request: Request) -> JSONResponse:
        """Answer whether new sessions would be served well."""
        state = "draining" if self.is_draining else "full" if self.is_full else self.engine.state.value
        is_ready = state == EngineState.READY.value
        body = {
            "status": state,
            "sessions": len(self.connections),
            "cadence_ms": round(self.engine.cadence_ms),
        }
        headers = {} if is_ready else {"Retry-After": str(_RETRY_AFTER_S)}
        return JSONResponse(body, 200 if is_ready else 503, headers=headers)

    async def health(self, _request: Request) -> JSONResponse:
        """Answer that the process lives; a dead engine needs a restart."""
        is_alive = self.engine.state is not EngineState.DEAD
        return JSONResponse({"status": "ok" if is_alive else "dead"}, 200 if is_alive else 500)

    def endpoint(self, factory: DialectFactory) -> Callable[[WebSocket], object]:
        """Return the WebSocket endpoint of one dialect."""

        async def talk(websocket: WebSocket) -> None:
            if self.is_full or self.is_draining:
                reason = "shutting down" if self.is_draining else "all places are taken"
                self.metrics.refused("draining" if self.is_draining else "full")
                response = JSONResponse(
                    {"error": f"no new sessions: {reason}"}, 503, {"Retry-After": str(_RETRY_AFTER_S)}
                )
                await websocket.send_denial_response(response)
                return
            connection = Connection(websocket, factory, self)
            self.connections.add(connection)
            try:
                await connection.run()
            finally:
                self.connections.discard(connection)
                if not self.connections:
                    self._all_gone.set()

        return talk


def create_app(options: ServerOptions | None = None, *, engine: Callable[[], Engine] = Engine) -> Starlette:
    """Build the application, for any ASGI server.

    Args:
        options: Of the server; host and port are the ASGI server's business.
        engine: Makes the engine; called on the event loop when the application starts.

    Returns:
        The application; its ``state.service`` is the `Service`.
    """
    service = Service(options or ServerOptions(), engine)
    app = Starlette(
        routes=[
            Route("/healthz", service.health),
            Route("/readyz", service.readiness),
            Route("/v3/ws/health", service.readiness),
            Route("/metrics", service.tell_metrics),
            *token_routes(service.admission),
            *(WebSocketRoute(path, service.endpoint(factory)) for path, factory in DIALECTS.items()),
            WebSocketRoute(aai_v2.RESUME_PATH, service.endpoint(DIALECTS[aai_v2.PATH])),
        ],
        lifespan=service.lifespan,
    )
    app.state.service = service
    return app
