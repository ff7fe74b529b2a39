"""A server inside the process, for programs that need no separate one, and for tests."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
import time
from typing import TYPE_CHECKING, Self

from vivavoce.asr.engine import EngineState
from vivavoce.errors import ServerError
from vivavoce.server.engines import check_devices
from vivavoce.server.options import ServerOptions
from vivavoce.server.run import make_server
from vivavoce.server.sockets import listen
from vivavoce.server.tls import certificate_for

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from vivavoce.server.engines import EngineMaker
    from vivavoce.server.run import DrainingServer

__all__ = ["LocalServer"]

_START_TIMEOUT_S = 10.0
_POLL_S = 0.01


class LocalServer:
    """A server on a thread, on a free port of the loopback interface.

    It accepts sessions at once, even while the models load. Audio may come faster than it can be processed:
    the sender is then slowed down, not refused.

    Attributes:
        base_url: Where it listens, ``ws://127.0.0.1:PORT``, or ``wss://`` with a certificate; empty before
            it starts.
        ca_file: The certificate that clients must trust, where one was made here; else None.
    """

    def __init__(self, options: ServerOptions | None = None, *, engine: EngineMaker | None = None) -> None:
        """Prepare a server; entering the context starts it.

        Args:
            options: By default any free port and no limit on speed.
            engine: Makes the engine of a model; None: one that loads its files.
        """
        self.base_url = ""
        self.ca_file: Path | None = None
        self._options = options or ServerOptions(port=0, max_lead_s=None)
        self._make_engine = engine
        self._server: DrainingServer | None = None  # None before it starts
        self._thread: threading.Thread | None = None  # the same

    def __enter__(self) -> Self:
        """Start the server.

        Raises:
            ServerError: It cannot listen, or its certificate cannot be used.
            ConfigurationError: Options contradict each other.
            ModelError: The models can't run where they shall.
        """
        self._options.check()
        if self._make_engine is None:
            check_devices(self._options)
        certificate = certificate_for(self._options)
        sockets = listen(self._options.host, self._options.port)
        host, port = sockets[0].getsockname()[:2]
        host = f"[{host}]" if ":" in host else host
        self.base_url = f"{'wss' if self._options.is_encrypted else 'ws'}://{host}:{port}"
        self.ca_file = certificate.cert if certificate and certificate.made_here else None
        # No time to continue: the program that stops the server has ended what it wants to finish.
        options = dataclasses.replace(self._options, port=port, drain_s=0.0)
        server = self._server = make_server(options, certificate, engine=self._make_engine)
        thread = self._thread = threading.Thread(
            target=lambda: asyncio.run(server.serve(sockets)), name="vivavoce-server", daemon=True
        )
        thread.start()
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise ServerError("the server inside this process did not start")
            time.sleep(_POLL_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the sessions finish and stop the server."""
        if self._server is not None and self._thread is not None:
            self._server.request_stop()
            self._thread.join(self._options.finish_s + _START_TIMEOUT_S)

    @property
    def failure(self) -> str | None:
        """Why it serves no session: its models can't be loaded. None while that is not so."""
        engine = None if self._server is None else self._server.service.engine
        return engine.error if engine is not None and engine.state is EngineState.DEAD else None

    def wait_ready(self, timeout_s: float = 60.0) -> None:
        """Wait until the models are loaded.

        Args:
            timeout_s: How long to wait, in seconds.

        Raises:
            ServerError: They cannot be loaded, or not in time, or the server was not started.
        """
        if self._server is None:
            raise ServerError("the server inside this process was not started: enter it with `with`")
        engine = self._server.service.engine
        deadline = time.monotonic() + timeout_s
        while engine.state is EngineState.LOADING and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        if engine.state is not EngineState.READY:
            raise ServerError(engine.error or f"the models did not load within {timeout_s:g} s")
