"""What all connections of an application share: the engine, the rules of access, the counters."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Protocol

from vivavoce.errors import ServerError
from vivavoce.server.access import Admission, Ledger, OriginPolicy
from vivavoce.server.metrics import Metrics
from vivavoce.server.rooms import Rooms
from vivavoce.server.webhooks import deliver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from starlette.applications import Starlette

    from vivavoce.asr.engine import Engine
    from vivavoce.protocol.events import Webhook
    from vivavoce.server.options import ServerOptions

__all__ = ["OpenConnection", "Service"]

_TICK_S = 1.0


class OpenConnection(Protocol):
    """What the service needs of a connection."""

    def tick(self, now: float) -> None:
        """Apply the limits that depend on the clock, in seconds of `time.monotonic`."""

    def finish(self) -> None:
        """End the session as its client would."""


class Service:
    """The shared state of one application.

    Attributes:
        options: Options of the server.
        admission: Decides who may open a session.
        ledger: Knows the sessions that are open, and those that are over.
        metrics: Counts sessions for Prometheus.
        connections: The connections that are open.
        rooms: The rooms that sessions speak in.
        origins: Decides which web pages may use the server.
        is_draining: Whether new sessions are refused because the server stops.
    """

    def __init__(self, options: ServerOptions, make_engine: Callable[[], Engine]) -> None:
        """Prepare; `lifespan` starts the engine.

        Args:
            options: Options of the server.
            make_engine: Makes the engine; called on the event loop.

        Raises:
            ConfigurationError: An API key has an unknown status.
        """
        self.options = options
        self.admission = Admission(options.api_keys)
        self.ledger = Ledger(options.max_sessions_per_key)
        self.metrics = Metrics()
        self.connections: set[OpenConnection] = set()
        self.rooms = Rooms(max_readers=options.max_readers)
        self.origins = OriginPolicy(options.allow_origins, host=options.host, has_keys=bool(options.api_keys))
        self.is_draining = False
        self._make_engine = make_engine
        self._engine: Engine | None = None  # None until the application starts
        self._deliveries: set[asyncio.Task[bool]] = set()  # webhooks under way
        self._all_closed = asyncio.Event()  # set when the last connection closes

    @property
    def engine(self) -> Engine:
        """The engine that serves the sessions.

        Raises:
            ServerError: The application has not started.
        """
        if self._engine is None:
            raise ServerError(
                "the application has not started: run it on an ASGI server with lifespan support"
            )
        return self._engine

    @contextlib.asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        """Run the engine while the application runs; the socket is open before the models are loaded."""
        engine = self._engine = self._make_engine()
        engine.start()
        ticking = asyncio.create_task(self._tick())
        try:
            yield
        finally:
            ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ticking
            for delivery in self._deliveries:
                delivery.cancel()
            await engine.stop()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            now = time.monotonic()
            for connection in list(self.connections):
                connection.tick(now)
            self.rooms.tick(now)

    @property
    def is_full(self) -> bool:
        """Whether the server has no capacity for another session."""
        limit = self.options.max_sessions
        return self.engine.is_saturated or (limit is not None and len(self.connections) >= limit)

    @contextlib.contextmanager
    def holding(self, connection: OpenConnection) -> Iterator[None]:
        """Count a connection as open until the block ends."""
        self.connections.add(connection)
        try:
            yield
        finally:
            self.connections.discard(connection)
            if not self.connections:
                self._all_closed.set()

    def refuse_new_sessions(self) -> None:
        """Accept no more sessions; may be called from any thread."""
        self.is_draining = True

    async def drain(self) -> None:
        """Refuse new sessions, end the open ones, and wait for them and for webhooks, within limits."""
        self.refuse_new_sessions()
        for connection in list(self.connections):
            connection.finish()
        if self.connections:
            self._all_closed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.options.drain_s):
                    await self._all_closed.wait()
        self.rooms.close()
        if self._deliveries:
            await asyncio.wait(self._deliveries, timeout=self.options.drain_s)

    def post(self, webhook: Webhook, session_id: str, turns: Sequence[str]) -> None:
        """Post the finished turns of a session in the background."""
        delivery = asyncio.create_task(deliver(webhook, session_id, turns))
        self._deliveries.add(delivery)
        delivery.add_done_callback(self._deliveries.discard)
