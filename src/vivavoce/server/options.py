"""The options of a server."""

from __future__ import annotations

import re
from collections.abc import Mapping  # noqa: TC003  - dataclasses may be asked for their types
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from vivavoce.asr.models import DEVICE_CHOICES, PACKAGED_EMBEDDERS
from vivavoce.configuration import DEFAULT_PORT
from vivavoce.errors import ConfigurationError, ServerError
from vivavoce.model_files import DEFAULT_MODEL, VOICE_CATALOGUE, ChosenModel, choose
from vivavoce.server.access import LOCAL_PROXIES, KeyRing, TrustedProxies, is_loopback
from vivavoce.store import check_redis_url

__all__ = ["ServerOptions"]

_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s]+/?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Options of a server.

    Attributes:
        host: Address to listen on.
        port: Port to listen on; 0: any free port.
        api_keys: Keys that open a session; a loopback address needs none. A key that is followed by
            ``no-funds``, ``unpaid`` or ``disabled`` is refused for that reason.
        key_store: File of more API keys, which ``vivavoce keys`` changes while the server runs; None: none.
        redis: Address of a Redis with what several servers share: more API keys, as in a key store, unless
            ``no_auth`` says that there are none. None: nothing is shared.
        shared_rooms: Whether all servers with this Redis have the same rooms: for hours it then holds what is
            said in them.
        no_auth: Whether a public address may be served without keys.
        max_sessions: Largest number of open sessions; None: no limit.
        max_sessions_per_key: Largest number of open sessions with one key and its tokens; None: no limit.
        max_connections_per_address: Largest number of connections from one address, or one IPv6 network of 64
            bits; None: no limit. Those from this machine are not limited.
        limit_bursts: Whether sessions of a burst are refused that this machine is not expected to hold,
            before their load shows.
        expected_sessions: How many sessions this machine is expected to hold; None: ``max_sessions``, or 12
            a core.
        streams_of_models: How many streams of each model this machine holds while it serves no other, by the
            name of the model; its sessions share the machine accordingly. Empty: unknown.
        models: The models that sessions can ask for, the default first; each is loaded when it is first used.
        final_model: A better model that hears finished utterances again, for sessions of models all of whose
            languages it knows; None: finals come from the model of the partials.
        final_wait_s: How long a final may wait for that one, in seconds.
        device: Where the models run: ``cpu``, ``cuda``, or ``auto``: CUDA where it can be used.
        turn_model: ``auto``, ``none``, or the file of a model that detects the end of a turn.
        speaker_model: The voice encoder that tells speakers apart: ``auto``, ``none``, its name or its file.
        known_voices: File of ``vivavoce voices``: sessions that label speakers get the names of these voices;
            None: they get letters only.
        webhooks: Whether clients may have turns posted to an address of their choice; None: if the server has
            keys.
        private_webhooks: Whether that may be an address that is not of the public Internet.
        max_lead_s: How far audio may run ahead of the clock, in seconds; None: no limit, and fast clients
            are slowed down instead.
        strict_chunks: Whether v2 messages of less than 100 ms are refused, as the protocol documents, and not
            only those of less than 10 ms.
        drain_s: How long open sessions may continue when the server stops, in seconds; None: until all of
            them have ended.
        finish_s: How long they may take after that to send their last words, in seconds.
        allow_origins: Origins of other sites, such as ``https://example.org``, whose pages may open sessions
            without a key and read rooms; ``*``: all.
        trusted_proxies: Addresses and networks of the proxies whose word about the address of a client is
            believed; ``none``: no proxy.
        store: File in which transcripts are kept; None: nothing is kept.
        keep_days: How long they are kept, in days; None: until they are deleted.
        max_readers: Largest number of readers of all rooms.
        public_status: Whether figures of a server on a public address are shown to everyone, and not only to
            this machine and with an API key.
        log_level: ``debug``, ``info``, ``warning`` or ``error``.
        log_format: ``text``, or ``json``: one object a line.
        trace: Whether a trace of each turn is sent as OpenTelemetry's variables of the environment say.
        tls_cert: File with the TLS certificate, in PEM form; None: no certificate file.
        tls_key: File with the certificate's key; None: the key is in the same file.
        tls_self_signed: Whether to make a certificate, for a development machine.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    api_keys: tuple[str, ...] = ()
    key_store: Path | None = None
    redis: str | None = field(default=None, repr=False)  # it may contain a password
    shared_rooms: bool = True
    no_auth: bool = False
    max_sessions: int | None = None
    max_sessions_per_key: int | None = None
    max_connections_per_address: int | None = None
    limit_bursts: bool = True
    expected_sessions: int | None = None
    streams_of_models: Mapping[str, int] = field(default_factory=dict)
    models: tuple[ChosenModel, ...] = (choose(DEFAULT_MODEL),)
    final_model: ChosenModel | None = None
    final_wait_s: float = 1.0
    device: str = "cpu"
    turn_model: str = "auto"
    speaker_model: str = "auto"
    known_voices: Path | None = None
    webhooks: bool | None = None
    private_webhooks: bool = False
    max_lead_s: float | None = 60.0
    strict_chunks: bool = False
    drain_s: float | None = 30.0
    finish_s: float = 10.0
    allow_origins: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = LOCAL_PROXIES
    max_readers: int = 5_000
    store: Path | None = None
    keep_days: float | None = None
    public_status: bool = False
    log_level: str = "info"
    log_format: str = "text"
    trace: bool = False
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_self_signed: bool = False

    @property
    def is_encrypted(self) -> bool:
        """Whether the server uses TLS."""
        return self.tls_self_signed or self.tls_cert is not None

    @property
    def needs_key(self) -> bool:
        """Whether a client needs an API key, or a token of one; even if there is none yet."""
        return bool(self.api_keys) or self.key_store is not None or self.redis_of_keys is not None

    @property
    def redis_of_keys(self) -> str | None:
        """Address of the Redis with API keys; None: there are none."""
        return None if self.no_auth else self.redis

    @property
    def redis_of_rooms(self) -> str | None:
        """Address of the Redis that keeps rooms equal on all servers; None: this server's are its own."""
        return self.redis if self.shared_rooms else None

    @property
    def may_post(self) -> bool:
        """Whether webhooks are sent.

        A public server without keys sends none: an anonymous client could use it to send requests. One on a
        loopback address sends them if it is asked to, since it may be behind a proxy.
        """
        if self.webhooks is None:
            return self.needs_key
        return self.webhooks and (self.needs_key or is_loopback(self.host))

    def check(self) -> None:
        """Refuse to serve a public address without keys, and options that contradict each other.

        Raises:
            ServerError: The address is public, and there are neither keys nor ``no_auth``.
            ConfigurationError: An option needs another one, contradicts one, or has an invalid value.
        """
        KeyRing(self.api_keys)
        TrustedProxies(self.trusted_proxies)
        self._check_stores()
        if self.tls_self_signed and (self.tls_cert or self.tls_key):
            raise ConfigurationError(
                "--tls-self-signed makes a certificate: use it with neither --tls-cert nor --tls-key"
            )
        if self.tls_key and not self.tls_cert:
            raise ConfigurationError("--tls-key needs --tls-cert: the certificate that the key belongs to")
        names = [model.name for model in self.models]
        if len(set(names)) < len(names):
            raise ConfigurationError(f"--model must name each model once, got {', '.join(names)}")
        for model in self.models:
            model.check_partials()
        if self.webhooks and not (self.needs_key or is_loopback(self.host)):
            raise ConfigurationError(
                "--webhooks on a public address needs keys: without them anyone could use the server to send "
                "requests; set --api-key, --key-store or --redis"
            )
        if self.device not in DEVICE_CHOICES:
            raise ConfigurationError(f"--device must be {', '.join(DEVICE_CHOICES)}, got {self.device!r}")
        if self.turn_model not in {"auto", "none"} and not Path(self.turn_model).is_file():
            raise ConfigurationError(
                f"--turn-model must be auto, none or an existing file, got {self.turn_model}"
            )
        encoders = ("auto", "none", *PACKAGED_EMBEDDERS, *VOICE_CATALOGUE)
        if self.speaker_model not in encoders and not Path(self.speaker_model).is_file():
            raise ConfigurationError(
                f"--speaker-model must be {', '.join(encoders)} or an existing file, got {self.speaker_model}"
            )
        if self.known_voices is not None and self.speaker_model == "none":
            raise ConfigurationError("--known-voices needs a voice encoder: leave out --speaker-model none")
        if self.keep_days is not None and self.store is None:
            raise ConfigurationError(
                "--keep-days needs --store: the file of the transcripts that are deleted"
            )
        for origin in self.allow_origins:
            if origin not in {"*", "null"} and not _ORIGIN.fullmatch(origin):
                raise ConfigurationError(
                    f"--allow-origin must be * or like https://example.org, without a path, got {origin!r}"
                )
        self._check_host()
        if not (self.needs_key or self.no_auth or is_loopback(self.host)):
            raise ServerError(
                f"{self.host} is reachable from other machines: set --api-key (or VIVAVOCE_API_KEYS) or "
                "--key-store or --redis, or --no-auth to accept every client"
            )

    def _check_stores(self) -> None:
        if self.redis is not None:
            check_redis_url(self.redis)
        if self.redis is not None and self.key_store is not None:
            raise ConfigurationError(
                "--redis and --key-store both keep API keys: use one of them; vivavoce keys copy --key-store "
                "FILE --redis URL brings the keys of a file into a Redis"
            )
        if self.key_store and self.store and self.key_store.resolve() == self.store.resolve():
            raise ConfigurationError(f"--key-store and --store must be two files, got {self.store} twice")

    def _check_host(self) -> None:
        is_address = self.host.count(":") > 1  # of IPv6
        if not self.host or {*self.host} & {*"/[] "} or (":" in self.host and not is_address):
            raise ConfigurationError(
                f"--host must be an address or a name, got {self.host!r}; --port sets the port"
            )
