"""Several processes that serve the sessions of one server: ``vivavoce serve --workers N``."""

from vivavoce.server.workers.parent import serve_workers

__all__ = ["serve_workers"]
