"""A replica: the application with its engine, in a process that Ray Serve has started."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from typing import TYPE_CHECKING

from starlette.middleware import Middleware

from vivavoce.asr.engine import EngineState
from vivavoce.cores import limit_cores, visible_cores
from vivavoce.deploy.ray.environment import check_private, uses_haproxy
from vivavoce.deploy.ray.sockets import install
from vivavoce.errors import EngineError
from vivavoce.server import create_app
from vivavoce.server.access import is_loopback
from vivavoce.server.connection_gate import allow_many_files
from vivavoce.server.log import NonBlockingHandler, formatter_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from starlette.applications import Starlette
    from starlette.types import ASGIApp, Receive, Scope, Send

    from vivavoce.deploy.ray.options import RayOptions
    from vivavoce.server.engines import EngineMaker
    from vivavoce.server.service import Service

__all__ = ["Replica", "ServedByProxy", "cores_of"]

_log = logging.getLogger(__name__)


def cores_of(place: int, n_cores: int, usable: Collection[int]) -> set[int]:
    """Return the cores of one replica among those of its node.

    Args:
        place: Which replica of the node it is, from 0 on.
        n_cores: How many cores it has.
        usable: The numbers of the node's cores.

    Returns:
        Their numbers. Replicas share cores only where they have more than the node has.
    """
    cores = sorted(usable)
    return {cores[(place * n_cores + at) % len(cores)] for at in range(n_cores)}


class ServedByProxy:
    """ASGI middleware: whoever is reached through a proxy on this machine is not therefore on this machine.

    Args:
        app: The application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection."""
        client = scope.get("client")
        if client and is_loopback(client[0]):
            scope = {**scope, "client": None}
        await self._app(scope, receive, send)


class Replica:
    """What Serve makes in each process; `serve.ingress` adds the rest.

    Args:
        options: The options.
        engine: Makes the engine of a model; None: one that loads its files.
    """

    def __init__(self, options: RayOptions, engine: EngineMaker | None = None) -> None:
        from ray import serve  # noqa: PLC0415 - an extra

        check_private(os.environ)
        self._options = options
        self._make_engine = engine
        self._service: Service | None = None  # None before the application is built
        self._draining: asyncio.Task[None] | None = None  # None until the replica stops
        _log_as(options)
        limit_cores(options.cores)
        if options.pin_cores and hasattr(os, "sched_setaffinity"):
            place = serve.get_replica_context().rank.local_rank
            os.sched_setaffinity(0, cores_of(place, options.cores, visible_cores()))
        if not uses_haproxy(os.environ):
            _log.warning("sessions come through Serve's proxy in Python: see docs/scaling.md for its limits")

    def __serve_build_asgi_app__(self) -> Starlette:
        """Build the application; Serve calls it once the replica is made."""
        app = create_app(self._options.server, engine=self._make_engine)
        service = self._service = app.state.service
        service.gate.in_all = allow_many_files()
        app.user_middleware.append(Middleware(ServedByProxy))  # after the one that believes proxies
        app.router.lifespan_context = self._lifespan
        if uses_haproxy(os.environ):
            install(service.gate, self._begin_drain)
        return app

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """Run the engine; the replica takes sessions once the models are loaded."""
        assert self._service is not None  # noqa: S101 - for mypy
        async with self._service.lifespan(app):
            await self._service.engine.wait_loaded()
            _log.info("replica ready: at most %d sessions", self._options.sessions_per_replica)
            yield
            await self._service.drain()

    def _begin_drain(self) -> None:
        """Begin to end the sessions; only the first call counts."""
        if self._draining is None and self._service is not None:
            _log.info("replica stops: %d sessions are open", len(self._service.connections))
            self._draining = asyncio.ensure_future(self._service.drain())

    async def check_health(self) -> None:
        """Say that the replica must be replaced: Serve calls it every few seconds.

        Raises:
            EngineError: The engine has failed.
        """
        if self._service is not None and self._service.engine.state is EngineState.DEAD:
            raise EngineError(self._service.engine.error or "the engine does not run")


def _log_as(options: RayOptions) -> None:
    """Log as the server alone does, to the replica's standard error, which Ray keeps in a file."""
    handler = NonBlockingHandler()
    handler.setFormatter(formatter_of(options.server.log_format))
    logger = logging.getLogger("vivavoce")
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(options.server.log_level.upper())
