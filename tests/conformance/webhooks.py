"""A webhook receiver: it rejects the first attempt at each path and keeps the next."""

from __future__ import annotations

import http.server
import json
import threading
from dataclasses import dataclass
from typing import Any, Final, Self

__all__ = ["AUTH_HEADER", "Delivery", "Receiver"]

AUTH_HEADER: Final = ("X-Webhook-Key", "webhook-secret")
_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the server posted to a path.

    Attributes:
        attempts: How many times it posted.
        key: The value of the header `AUTH_HEADER`; None: the header is missing.
        body: The JSON of the last attempt.
    """

    attempts: int
    key: str | None
    body: dict[str, Any]


class Receiver:
    """An HTTP server on the loopback interface."""

    def __init__(self) -> None:
        self._deliveries: dict[str, Delivery] = {}  # by path
        self._changed = threading.Condition()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                attempts = receiver._store(self.path, self.headers.get(AUTH_HEADER[0]), body)
                self.send_response(503 if attempts == 1 else 204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def _store(self, path: str, key: str | None, body: dict[str, Any]) -> int:
        """Store a delivery and return how many attempts the path has had."""
        with self._changed:
            before = self._deliveries.get(path)
            attempts = before.attempts + 1 if before else 1
            self._deliveries[path] = Delivery(attempts, key, body)
            self._changed.notify_all()
            return attempts

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def url(self, path: str) -> str:
        """Return the URL of a path."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{path}"

    def wait(self, path: str) -> Delivery | None:
        """Wait for the second attempt at a path; return what the path has, None if nothing."""
        with self._changed:
            self._changed.wait_for(
                lambda: path in self._deliveries and self._deliveries[path].attempts > 1, _TIMEOUT_S
            )
            return self._deliveries.get(path)
