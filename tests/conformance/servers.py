"""`vivavoce serve` as users run it: a process of its own, with or without TLS."""

from __future__ import annotations

import json
import os
import re
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Self

from conformance.cases import UNFUNDED_KEY

__all__ = ["API_KEY", "Server"]

API_KEY = "conformance-key"
_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 20.0


class Server:
    """A server process.

    Attributes:
        authority: Host and port, ``HOST:PORT``.
        ca_file: The certificate that clients must trust; None without TLS.
    """

    start_timeout_s = _START_TIMEOUT_S
    stop_timeout_s = _STOP_TIMEOUT_S

    def __init__(self, folder: Path, *, tls: bool) -> None:
        self._log = folder / f"server-{'tls' if tls else 'plain'}.log"
        self._tls = tls
        self._home = folder / "home"
        self._process: subprocess.Popen[bytes] | None = None  # None before `__enter__`
        self.authority = ""
        self.ca_file: Path | None = None

    def __enter__(self) -> Self:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("VIVAVOCE_")}
        # Certificate and model graphs go into a folder of the suite, so a run never uses the user's.
        environment |= {
            "VIVAVOCE_HOME": str(self._home),
            "VIVAVOCE_API_KEYS": API_KEY,
            "PYTHONUNBUFFERED": "1",
        }
        with self._log.open("w") as log:
            process = subprocess.Popen(
                self._command(), env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._process = process
        deadline = time.monotonic() + self.start_timeout_s
        while not self._is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise RuntimeError(f"the server did not start:\n{self._log.read_text()}")
            time.sleep(0.1)
        return self

    def _command(self) -> list[str]:
        command = [
            sys.executable,
            "-m",
            "vivavoce",
            "serve",
            "--port",
            "0",
            "--api-key",
            f"{UNFUNDED_KEY} no-funds",
            "--private-webhooks",  # the receiver is on this machine
        ]
        return [*command, "--tls-self-signed"] if self._tls else command

    def _is_ready(self) -> bool:
        log = self._log.read_text()
        listening = re.search(r"listening on wss?://(\S+)", log)
        if listening is None:
            return False
        self.authority = listening[1]
        if self._tls:
            certificate = re.search(r"self-signed certificate: ([^;]+);", log)
            if certificate is None:
                return False
            self.ca_file = Path(certificate[1])
        try:
            with urllib.request.urlopen(
                f"{self.http_url}/readyz", context=self._context(), timeout=5
            ) as response:
                return bool(json.load(response)["status"] == "ready")
        except (urllib.error.HTTPError, OSError):
            return False

    def _context(self) -> ssl.SSLContext | None:
        return ssl.create_default_context(cafile=self.ca_file) if self._tls else None

    @property
    def http_url(self) -> str:
        """Base URL of HTTP requests."""
        return f"{'https' if self._tls else 'http'}://{self.authority}"

    @property
    def ws_url(self) -> str:
        """Base URL of WebSockets."""
        return f"{'wss' if self._tls else 'ws'}://{self.authority}"

    def __exit__(self, *_: object) -> None:
        assert self._process
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(self.stop_timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def failures(self) -> list[str]:
        """Return the errors in the log of the stopped server, and its exit code unless it is 0."""
        lines = self._log.read_text().splitlines()
        failures = [line for line in lines if re.search(r"Traceback|\b(ERROR|CRITICAL)\b", line)]
        assert self._process
        if self._process.returncode != 0:
            failures.append(f"exit code {self._process.returncode}")
        return [f"{self._log.name}: {failure}" for failure in failures]
