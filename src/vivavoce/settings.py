"""Where the SDK finds its server and its key.

Each setting is looked for, in this order, in what the program assigned, in the environment under our
prefix, in the environment under the vendor's, and in a ``.env`` file in the working folder or one
above it. It is read when it is first needed, so that a program may load its own environment first.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from vivavoce.errors import ConfigurationError

__all__ = ["DEFAULT_BASE_URL", "DEFAULT_PORT", "PREFIXES", "Settings", "settings"]

DEFAULT_PORT: Final = 8765
DEFAULT_BASE_URL: Final = f"ws://127.0.0.1:{DEFAULT_PORT}"
PREFIXES: Final = ("VIVAVOCE_", "ASSEMBLYAI_")


def _env_file() -> tuple[str, dict[str, str]]:
    """Path of the ``.env`` file and what is in it."""
    import dotenv  # noqa: PLC0415  - loading it takes as long as a quarter of the SDK

    found = dotenv.find_dotenv(usecwd=True)
    if not found or not Path(found).is_file():
        return "", {}
    return found, {name: value for name, value in dotenv.dotenv_values(found).items() if value is not None}


class Settings:
    """Settings of the SDK; assign an attribute to override what the environment says.

    Attributes:
        api_key: The key sent to the server; a local server needs none.
        base_url: Address of the server, ``ws://``, ``wss://``, ``http://`` or ``https://``.
        http_timeout: Limit for requests other than the WebSocket, in seconds.
        polling_interval: Kept for programs that set it; nothing is polled here. In seconds.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        http_timeout: float | None = None,
        polling_interval: float | None = None,
    ) -> None:
        self._assigned: dict[str, str | float | None] = {
            "api_key": api_key,
            "base_url": base_url,
            "http_timeout": http_timeout,
            "polling_interval": polling_interval,
        }

    def __repr__(self) -> str:
        return f"Settings(base_url={self.base_url!r}, api_key={'set' if self.api_key else None!r})"

    def source_of(self, name: str) -> str | None:
        """Where a setting comes from, for people: ``program``, a variable's name, or a file's path."""
        if self._assigned.get(name) is not None:
            return "program"
        variables = [prefix + name.upper() for prefix in PREFIXES]
        for variable in variables:
            if os.environ.get(variable):
                return variable
        path, values = _env_file()
        for variable in variables:
            if values.get(variable):
                return f"{variable} in {path}"
        return None

    def _text(self, name: str) -> str | None:
        assigned = self._assigned[name]
        if assigned is not None:
            return str(assigned)
        variables = [prefix + name.upper() for prefix in PREFIXES]
        for variable in variables:
            if value := os.environ.get(variable):
                return value
        _, values = _env_file()
        return next((values[variable] for variable in variables if values.get(variable)), None)

    def _seconds(self, name: str, default: float) -> float:
        text = self._text(name)
        if text is None:
            return default
        try:
            return float(text)
        except ValueError:
            raise ConfigurationError(f"{name} must be a number of seconds, got {text!r}") from None

    @property
    def api_key(self) -> str | None:
        """The key sent to the server, or None."""
        return self._text("api_key")

    @api_key.setter
    def api_key(self, value: str | None) -> None:
        self._assigned["api_key"] = value

    @property
    def base_url(self) -> str:
        """Address of the server."""
        return self._text("base_url") or DEFAULT_BASE_URL

    @base_url.setter
    def base_url(self, value: str | None) -> None:
        self._assigned["base_url"] = value

    @property
    def http_timeout(self) -> float:
        """Limit for requests other than the WebSocket, in seconds."""
        return self._seconds("http_timeout", 30.0)

    @http_timeout.setter
    def http_timeout(self, value: float | None) -> None:
        self._assigned["http_timeout"] = value

    @property
    def polling_interval(self) -> float:
        """Kept for programs that set it, in seconds."""
        return self._seconds("polling_interval", 3.0)

    @polling_interval.setter
    def polling_interval(self, value: float | None) -> None:
        self._assigned["polling_interval"] = value


settings = Settings()
"""The settings used where a program gives no others."""
