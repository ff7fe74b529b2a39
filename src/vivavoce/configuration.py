"""Settings of the SDK: the server's address, the key, time limits.

Each setting is searched for in this order: what the program assigned, the environment under ``VIVAVOCE_``,
the environment under the vendor's ``ASSEMBLYAI_``, and a ``.env`` file in the working folder or one above it.
It is read when it is needed, so a program may load its own environment first.
"""

from __future__ import annotations

import logging
import os
from io import StringIO
from pathlib import Path
from typing import Final

from vivavoce.errors import ConfigurationError

__all__ = ["DEFAULT_BASE_URL", "DEFAULT_PORT", "PREFIXES", "Settings", "settings"]

DEFAULT_PORT: Final = 8765
DEFAULT_BASE_URL: Final = f"ws://127.0.0.1:{DEFAULT_PORT}"
PREFIXES: Final = ("VIVAVOCE_", "ASSEMBLYAI_")


_logger = logging.getLogger("vivavoce")

_named: set[str] = set()  # files of which a warning has been logged


def _warn_once(path: str, problem: str) -> None:
    if path not in _named:
        _named.add(path)
        _logger.warning("%s %s", path, problem)


def _env_file() -> tuple[str, dict[str, str]]:
    """Path and contents of the ``.env`` file; an empty path if there is none that can be read.

    Any program may have left such a file in a folder above, so what can't be read of one is no error.
    """
    import dotenv  # noqa: PLC0415  - takes a quarter of the SDK's import time
    from dotenv.parser import parse_stream  # noqa: PLC0415  - the same

    try:
        path = dotenv.find_dotenv(usecwd=True)
        if not path or not Path(path).is_file():
            return "", {}
    except OSError:  # the working folder was removed
        return "", {}
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")  # some editors begin a file with the mark
    except UnicodeDecodeError:
        _warn_once(path, "is ignored: it is not UTF-8 text; save it as UTF-8, or set the variables yourself")
        return "", {}
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        _warn_once(path, f"is ignored: {reason}; make it readable, or set the variables yourself")
        return "", {}
    statements = list(parse_stream(StringIO(text)))
    bad_lines = [str(each.original.line) for each in statements if each.error]
    if bad_lines:
        _warn_once(path, f"has lines that are not NAME=VALUE, which are ignored: {', '.join(bad_lines[:5])}")
    good = StringIO("".join(each.original.string for each in statements if not each.error))
    values = dotenv.dotenv_values(stream=good)
    return path, {name: value for name, value in values.items() if value is not None}


class Settings:
    """Settings of the SDK; an assigned attribute overrides the environment.

    Attributes:
        api_key: The key sent to the server; None for a server that needs no key.
        base_url: Address of the server: ``ws://``, ``wss://``, ``http://`` or ``https://``.
        http_timeout: Time limit of HTTP requests, in seconds.
        polling_interval: Without effect, for programs that set it; in seconds.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        http_timeout: float | None = None,
        polling_interval: float | None = None,
    ) -> None:
        # Under the names of the properties, which take precedence: mock.patch looks here for what to restore.
        vars(self).update(
            api_key=api_key,
            base_url=base_url,
            http_timeout=http_timeout,
            polling_interval=polling_interval,
        )

    def _assigned(self, name: str) -> str | float | None:
        """What the program assigned; None: read from the environment."""
        value: str | float | None = vars(self).get(name)
        return value

    def __repr__(self) -> str:
        return f"Settings(base_url={self.base_url!r}, api_key={'set' if self.api_key else None!r})"

    def source_of(self, name: str) -> str | None:
        """Where a setting comes from: ``program``, a variable, or a variable in a file; None: its default."""
        if self._assigned(name) is not None:
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
        assigned = self._assigned(name)
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
            where = f"{name} (from {self.source_of(name)})"
            raise ConfigurationError(f"{where} must be a number of seconds, got {text!r}") from None

    @property
    def api_key(self) -> str | None:
        """The key sent to the server; None if there is none."""
        return self._text("api_key")

    @api_key.setter
    def api_key(self, value: str | None) -> None:
        vars(self)["api_key"] = value

    @api_key.deleter
    def api_key(self) -> None:
        vars(self).pop("api_key", None)

    @property
    def base_url(self) -> str:
        """Address of the server."""
        return self._text("base_url") or DEFAULT_BASE_URL

    @base_url.setter
    def base_url(self, value: str | None) -> None:
        vars(self)["base_url"] = value

    @base_url.deleter
    def base_url(self) -> None:
        vars(self).pop("base_url", None)

    @property
    def http_timeout(self) -> float:
        """Time limit of HTTP requests, in seconds."""
        return self._seconds("http_timeout", 30.0)

    @http_timeout.setter
    def http_timeout(self, value: float | None) -> None:
        vars(self)["http_timeout"] = value

    @http_timeout.deleter
    def http_timeout(self) -> None:
        vars(self).pop("http_timeout", None)

    @property
    def polling_interval(self) -> float:
        """Without effect, for programs that set it; in seconds."""
        return self._seconds("polling_interval", 3.0)

    @polling_interval.setter
    def polling_interval(self, value: float | None) -> None:
        vars(self)["polling_interval"] = value

    @polling_interval.deleter
    def polling_interval(self) -> None:
        vars(self).pop("polling_interval", None)


settings = Settings()
"""The settings of every client that gets no others."""
