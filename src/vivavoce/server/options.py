"""What a server can be told."""

from __future__ import annotations

from dataclasses import dataclass

from vivavoce.auth import is_loopback
from vivavoce.errors import ServerError
from vivavoce.settings import DEFAULT_PORT

__all__ = ["ServerOptions"]


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Options of a server.

    Attributes:
        host: Address to listen on.
        port: Port to listen on; 0: any free one.
        api_keys: Keys that open a session; none are needed on a loopback address.
        no_auth: Whether a public address may be served without keys.
        max_sessions: How many sessions may be open at once; None: no limit.
        max_lead_s: By how much audio may run ahead of the clock, in seconds; None: the dialect's limit
            is not applied and fast clients are slowed down instead.
        drain_s: How long sessions may take to finish when the server stops, in seconds.
        log_level: ``debug``, ``info``, ``warning`` or ``error``.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    api_keys: tuple[str, ...] = ()
    no_auth: bool = False
    max_sessions: int | None = None
    max_lead_s: float | None = 60.0
    drain_s: float = 10.0
    log_level: str = "info"

    def check(self) -> None:
        """Refuse to serve a public address to everybody.

        Raises:
            ServerError: No keys, and not said that none are wanted.
        """
        if not (self.api_keys or self.no_auth or is_loopback(self.host)):
            raise ServerError(
                f"{self.host} can be reached from outside: give --api-key (or VIVAVOCE_API_KEYS), or "
                "--no-auth to let everybody in"
            )
