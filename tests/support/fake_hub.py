"""A model hub on loopback that behaves as the public one does: redirects, ranges, declared checksums."""

from __future__ import annotations

import contextlib
import hashlib
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FakeHub:
    """Serves files by ``repository/revision/name``.

    Attributes:
        files: Content by path.
        requests: Path and ``Range`` header of each request for content, in their order.
        breaks: Bytes after which the next answer breaks off, by the name of the file.
        ignores_ranges: Whether files are always sent whole.
        always: Status of every answer; None: the right one.
        declared: Checksum that is declared instead of the right one; None: the right one.
        heads: The commit that ``main`` is at, by repository: it is named with each file, and files are served
            by their commit. A repository without one has no commits.
        on_content: Called when a file has been sent.
    """

    def __init__(self):
        self.files = {}
        self.requests = []
        self.breaks = {}
        self.ignores_ranges = False
        self.declared = None
        self.always = None
        self.heads = {}
        self.on_content = lambda: None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @contextlib.contextmanager
    def running(self):
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def _handler(self):
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"

            def log_message(self, *_):
                pass

            def do_GET(self):
                is_content = self.path.startswith("/content/")
                found = re.fullmatch(r"(?:/content)?/(.+)/resolve/(.+)/([^/]+)", self.path)
                repository, revision, name = found.groups() if found else ("", "", "")
                commit = hub.heads.get(repository) if revision == "main" else revision
                content = hub.files.get(f"{repository}/{commit or revision}/{name}")
                if hub.always is not None:
                    self.send_error(hub.always)
                elif content is None:
                    self.send_error(404, "Entry not found")
                elif is_content:
                    self._send(content)
                else:
                    self.send_response(302)
                    if repository in hub.heads:
                        self.send_header("X-Repo-Commit", commit)
                    self.send_header("Location", f"/content/{repository}/resolve/{commit or revision}/{name}")
                    self.send_header(
                        "X-Linked-ETag", f'"{hub.declared or hashlib.sha256(content).hexdigest()}"'
                    )
                    self.end_headers()

            def _send(self, content):
                wanted = self.headers.get("Range")
                hub.requests.append((self.path.removeprefix("/content/"), wanted))
                start = 0
                if wanted and not hub.ignores_ranges:
                    start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1])
                    if start >= len(content):
                        self.send_response(416, "Requested Range Not Satisfiable")
                        self.send_header("Content-Range", f"bytes */{len(content)}")
                        self.end_headers()
                        return
                    self.send_response(206)
                    self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
                else:
                    self.send_response(200)
                body = content[start:]
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: hub.breaks.pop(self.path.rpartition("/")[2], None)])
                hub.on_content()

        return Handler
