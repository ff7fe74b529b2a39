"""A receiver of webhooks: it turns the first of each away and keeps what comes then."""

from __future__ import annotations

import http.server
import json
import threading
from dataclasses import dataclass
from typing import Any, Final, Self

__all__ = ["HEADER", "Posted", "Receiver"]

HEADER: Final = ("X-Webhook-Key", "webhook-secret")
_WAIT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Posted:
    """What was posted to a path.

    Attributes:
        attempts: How often.
        key: The value of the header that was asked for; None: it was missing.
        body: The JSON of the last attempt.
    """

    attempts: int
    key: str | None
    body: dict[str, Any]


class Receiver:
    """An HTTP server on the loopback interface."""

    def __init__(self) -> None:
        self._posted: dict[str, Posted] = {}
        self._news = threading.Condition()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                attempts = receiver._take(self.path, self.headers.get(HEADER[0]), body)
                self.send_response(503 if attempts == 1 else 204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def _take(self, path: str, key: str | None, body: dict[str, Any]) -> int:
        with self._news:
            before = self._posted.get(path)
            attempts = before.attempts + 1 if before else 1
            self._posted[path] = Posted(attempts, key, body)
            self._news.notify_all()
            return attempts

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def url(self, path: str) -> str:
        """Where to post."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{path}"

    def wait(self, path: str) -> Posted | None:
        """What was posted a second time to a path; waits for it; None: nothing came."""
        with self._news:
            self._news.wait_for(lambda: path in self._posted and self._posted[path].attempts > 1, _WAIT_S)
            return self._posted.get(path)
