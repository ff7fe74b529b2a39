"""Runs the application on a Ray of this machine, or on a cluster."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Final

from vivavoce.deploy.ray.environment import prepare

if TYPE_CHECKING:
    from ray.serve import Application

__all__ = ["run"]

_NAME: Final = "vivavoce"


def run(application: Application, *, address: str | None = None, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM, then let the open sessions continue for the drain.

    Call `keep_out` before anything of Ray is imported, unless the cluster runs already.

    Args:
        application: From `build`.
        address: A cluster that runs, or ``auto``; None: a Ray of its own, which ends with this call.
        host: Address to listen on.
        port: Port to listen on.
    """
    prepare(os.environ)
    import ray  # noqa: PLC0415 - an extra
    from ray import serve  # noqa: PLC0415

    is_stopped = threading.Event()
    ray.init(address=address, include_dashboard=None if address else False)
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: is_stopped.set())
    serve.start(
        http_options={"host": host, "port": port}, proxy_location="EveryNode" if address else "HeadOnly"
    )
    serve.run(application, name=_NAME, route_prefix="/")
    print(f"listening on ws://{host}:{port}", file=sys.stderr, flush=True)  # noqa: T201 - a command
    is_stopped.wait()
    serve.delete(_NAME)  # returns when the replicas have drained
    if address is None:
        serve.shutdown()
        ray.shutdown()
