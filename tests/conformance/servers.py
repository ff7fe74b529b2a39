"""`vivavoce serve` as its users run it: a process, in the clear or over TLS."""

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

from conformance.cases import BROKE_KEY

__all__ = ["API_KEY", "Server"]

API_KEY = "conformance-key"
_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 20.0


class Server:
    """A server process.

    Attributes:
        authority: Host and port.
        ca_file: What its clients must trust; None: it speaks in the clear.
    """

    def __init__(self, folder: Path, *, tls: bool) -> None:
        self._log = folder / f"server-{'tls' if tls else 'plain'}.log"
        self._tls = tls
        self._home = folder / "home"
        self.authority = ""
        self.ca_file: Path | None = None

    def __enter__(self) -> Self:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("VIVAVOCE_")}
        # The certificate goes into a folder of ours; the graphs too, so that a clean clone is one.
        environment |= {
            "VIVAVOCE_HOME": str(self._home),
            "VIVAVOCE_API_KEYS": API_KEY,
            "PYTHONUNBUFFERED": "1",
        }
        command = [
            sys.executable,
            "-m",
            "vivavoce",
            "serve",
            "--port",
            "0",
            "--api-key",
            f"{BROKE_KEY} no-funds",
        ]
        if self._tls:
            command.append("--tls-self-signed")
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._process.kill()
                raise RuntimeError(f"the server did not start:\n{self._log.read_text()}")
            time.sleep(0.1)
        return self

    def _is_ready(self) -> bool:
        said = self._log.read_text()
        listening = re.search(r"listening on wss?://(\S+)", said)
        if listening is None:
            return False
        self.authority = listening[1]
        if self._tls:
            made = re.search(r"self-signed certificate: ([^;]+);", said)
            if made is None:
                return False
            self.ca_file = Path(made[1])
        try:
            with urllib.request.urlopen(
                f"{self.http_url}/readyz", context=self._context(), timeout=5
            ) as answer:
                return bool(json.load(answer)["status"] == "ready")
        except (urllib.error.HTTPError, OSError):
            return False

    def _context(self) -> ssl.SSLContext | None:
        return ssl.create_default_context(cafile=self.ca_file) if self._tls else None

    @property
    def http_url(self) -> str:
        """For requests."""
        return f"{'https' if self._tls else 'http'}://{self.authority}"

    @property
    def ws_url(self) -> str:
        """For WebSockets."""
        return f"{'wss' if self._tls else 'ws'}://{self.authority}"

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def faults(self) -> list[str]:
        """What is wrong with the server itself, once it has stopped."""
        said = self._log.read_text()
        found = [line for line in said.splitlines() if re.search(r"Traceback|\b(ERROR|CRITICAL)\b", line)]
        if self._process.returncode != 0:
            found.append(f"exit code {self._process.returncode}")
        return [f"{self._log.name}: {fault}" for fault in found]
