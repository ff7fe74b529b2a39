"""The server: both protocols over WebSockets, access control, health, graceful shutdown."""

from vivavoce.server.app import create_app
from vivavoce.server.local import LocalServer
from vivavoce.server.options import ServerOptions
from vivavoce.server.run import serve
from vivavoce.server.start_checks import check_start
from vivavoce.server.workers import serve_workers

__all__ = ["LocalServer", "ServerOptions", "check_start", "create_app", "serve", "serve_workers"]
