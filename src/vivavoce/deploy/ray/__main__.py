"""``python -m vivavoce.deploy.ray``: replicas on this machine, or on a cluster that runs."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from vivavoce.configuration import DEFAULT_PORT
from vivavoce.deploy.ray.application import app
from vivavoce.deploy.ray.environment import keep_out, prepare
from vivavoce.deploy.ray.run import run
from vivavoce.errors import ConfigurationError, VivavoceError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM, then let the open sessions continue for the drain.

    Args:
        arguments: Of the command line; None: those of this process.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(
        prog="python -m vivavoce.deploy.ray",
        description="Serve with Ray: replicas on this machine, or on a cluster that runs.",
        epilog="Options are the attributes of RayOptions and ServerOptions: min_replicas=2 key_store=keys.db",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="port to listen on (default: %(default)s)"
    )
    parser.add_argument("--address", help="a cluster that runs, or auto (default: a Ray of its own)")
    parser.add_argument("options", nargs="*", metavar="NAME=VALUE", help="an option of the replicas")
    given = parser.parse_args(arguments)
    prepare(os.environ)
    if given.address is None:
        keep_out(os.environ)  # Ray reads that when it is imported
    try:
        application = app(dict(map(_pair, given.options)))
    except VivavoceError as error:
        print(f"vivavoce: {error}", file=sys.stderr)  # noqa: T201 - a command
        return 2
    run(application, address=given.address, host=given.host, port=given.port)
    return 0


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise ConfigurationError(f"an option must be NAME=VALUE, got {text!r}")
    return name.replace("-", "_"), value


if __name__ == "__main__":
    sys.exit(main())
