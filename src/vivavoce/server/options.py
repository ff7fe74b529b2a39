"""What a server can be told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vivavoce.errors import ConfigurationError, ServerError
from vivavoce.server.access import KeyRing, is_loopback
from vivavoce.settings import DEFAULT_PORT

__all__ = ["ServerOptions"]


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Options of a server.

    Attributes:
        host: Address to listen on.
        port: Port to listen on; 0: any free one.
        api_keys: Keys that open a session; none are needed on a loopback address. One that is followed
            by ``no-funds``, ``unpaid`` or ``disabled`` is refused with that reason.
        no_auth: Whether a public address may be served without keys.
        max_sessions: How many sessions may be open at once; None: no limit.
        max_sessions_per_key: How many of them with one key, or tokens of it; None: no limit.
        turn_model: ``auto``, ``none``, or the file of a model that hears whether a turn is over.
        webhooks: Whether clients may have turns posted to an address they name.
        max_lead_s: By how much audio may run ahead of the clock, in seconds; None: the dialect's limit
            is not applied and fast clients are slowed down instead.
        drain_s: How long sessions may take to finish when the server stops, in seconds.
        log_level: ``debug``, ``info``, ``warning`` or ``error``.
        tls_cert: File with the certificate for TLS, in PEM form; None: none is shown.
        tls_key: File with its key; None: the key is in the same file.
        tls_self_signed: Whether to make a certificate, for a development machine.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    api_keys: tuple[str, ...] = ()
    no_auth: bool = False
    max_sessions: int | None = None
    max_sessions_per_key: int | None = None
    turn_model: str = "auto"
    webhooks: bool = True
    max_lead_s: float | None = 60.0
    drain_s: float = 10.0
    log_level: str = "info"
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_self_signed: bool = False

    @property
    def is_encrypted(self) -> bool:
        """Whether the server speaks TLS."""
        return self.tls_self_signed or self.tls_cert is not None

    @property
    def may_post(self) -> bool:
        """Whether webhooks are sent: never for people nobody knows, who could reach inner addresses so."""
        return self.webhooks and (bool(self.api_keys) or is_loopback(self.host))

    def check(self) -> None:
        """Refuse to serve a public address to everybody, and options that contradict each other.

        Raises:
            ServerError: No keys, and not said that none are wanted.
            ConfigurationError: Two certificates, a key without one, an API key with an unknown word, or a
                turn model that is not there.
        """
        KeyRing(self.api_keys)
        if self.tls_self_signed and (self.tls_cert or self.tls_key):
            raise ConfigurationError(
                "--tls-self-signed makes a certificate: it goes with neither --tls-cert nor --tls-key"
            )
        if self.tls_key and not self.tls_cert:
            raise ConfigurationError("--tls-key needs --tls-cert: the certificate that the key belongs to")
        if self.turn_model not in {"auto", "none"} and not Path(self.turn_model).is_file():
            raise ConfigurationError(f"--turn-model: neither auto nor none nor a file: {self.turn_model}")
        if not (self.api_keys or self.no_auth or is_loopback(self.host)):
            raise ServerError(
                f"{self.host} can be reached from outside: give --api-key (or VIVAVOCE_API_KEYS), or "
                "--no-auth to let everybody in"
            )
