"""Which server a command talks to: the configured one, or one inside this process."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vivavoce.errors import ExtrasNotInstalledError
from vivavoce.settings import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vivavoce.server import LocalServer

__all__ = ["SERVER_EXTRA", "ChosenServer", "choose_server", "local_server"]

SERVER_EXTRA = (
    'the server is not installed; run: pip install "vivavoce[server]", or say with --url where one runs'
)


@dataclass(frozen=True, slots=True)
class ChosenServer:
    """A server to talk to.

    Attributes:
        base_url: Its address.
        local: The server, if it runs inside this process.
    """

    base_url: str
    local: LocalServer | None = None


@contextlib.contextmanager
def local_server() -> Iterator[LocalServer]:
    """A server on a free loopback port for as long as the block runs.

    Raises:
        ExtrasNotInstalledError: The server's packages are not there.
    """
    try:
        from vivavoce.server import LocalServer
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("vivavoce"):
            raise
        raise ExtrasNotInstalledError(SERVER_EXTRA) from error
    with LocalServer() as server:
        yield server


@contextlib.contextmanager
def choose_server(
    url: str | None,
    api_key: str | None,
    *,
    local: Callable[[], contextlib.AbstractContextManager[LocalServer]] = local_server,
) -> Iterator[ChosenServer]:
    """Choose the server and tell the SDK's settings.

    Args:
        url: What the command line says.
        api_key: What the command line says.
        local: Starts a server inside this process.
    """
    if api_key:
        settings.api_key = api_key
    if url:
        settings.base_url = url
    if settings.source_of("base_url") is not None:
        yield ChosenServer(settings.base_url)
        return
    with local() as server:
        settings.base_url = server.base_url
        try:
            yield ChosenServer(server.base_url, server)
        finally:
            settings.base_url = None
