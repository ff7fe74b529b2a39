"""The options of replicas on Ray Serve, and the arithmetic of their sessions."""

from __future__ import annotations

import dataclasses
import math
import os
import types
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from vivavoce.cli.capacity_file import figures_name, last_measured
from vivavoce.cli.model_options import chosen_models
from vivavoce.cli.serve import drain_seconds, read_keys
from vivavoce.deploy.ray.environment import leave_s
from vivavoce.errors import ConfigurationError
from vivavoce.server import ServerOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RayOptions", "share_of"]

_PUBLIC: Final = "0.0.0.0"  # the proxies of Serve listen for other machines
_REDIS: Final = "VIVAVOCE_REDIS"  # its address may contain a password, which belongs in no list of arguments
_SLACK_S: Final = 15.0  # for what Ray does around a drain
_LONGEST_SESSION_S: Final = 3 * 3600.0
_NOT_HERE: Final = {
    "host": "Serve's http_options have it",
    "port": "Serve's http_options have it",
    "max_sessions": "sessions_per_replica sets it",
    "streams_of_models": "sessions_per_replica limits the sessions",
    "max_connections_per_address": "all clients have the address of Serve's proxy",
    "tls_cert": "a load balancer before Serve ends TLS",
    "tls_key": "a load balancer before Serve ends TLS",
    "tls_self_signed": "a load balancer before Serve ends TLS",
}


@dataclass(frozen=True, kw_only=True)
class RayOptions:
    """Options of the replicas.

    Attributes:
        sessions_per_replica: Largest number of open sessions of a replica.
        server: Options of the server in each replica.
        min_replicas: Least replicas.
        max_replicas: Most replicas.
        cores: Cores of a replica: it decodes with as many threads.
        pin_cores: Whether each replica keeps to as many cores of its node and no others; not on macOS.
        target: Part of the sessions of a replica, above 0 and up to 1, that the autoscaler aims at. The rest
            takes those that come while a replica starts.
        upscale_delay_s: How long there must be too many sessions before replicas are added, in seconds.
        downscale_delay_s: How long there must be too few before one is removed, in seconds.
    """

    sessions_per_replica: int
    server: ServerOptions
    min_replicas: int = 1
    max_replicas: int = 1
    cores: int = 1
    pin_cores: bool = False
    target: float = 0.7
    upscale_delay_s: float = 10.0
    downscale_delay_s: float = 600.0

    def check(self) -> None:
        """Check what one option says about another.

        Raises:
            ConfigurationError: An option has an invalid value, or contradicts another.
            ServerError: There are neither keys nor ``no_auth``.
        """
        for name in ("sessions_per_replica", "min_replicas", "cores"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.max_replicas < self.min_replicas:
            raise ConfigurationError(
                f"max_replicas must be at least min_replicas, {self.min_replicas}, got {self.max_replicas}"
            )
        if not 0 < self.target <= 1:
            raise ConfigurationError(f"target must be above 0 and at most 1, got {self.target:g}")
        self.server.check()

    @property
    def target_sessions(self) -> int:
        """Sessions of a replica that the autoscaler aims at."""
        return max(1, math.floor(self.sessions_per_replica * self.target))

    @property
    def max_requests(self) -> int:
        """Requests at a time that Serve lets through; the server refuses sessions with its own words."""
        return 2 * self.sessions_per_replica + self.server.max_readers + 100

    @property
    def shutdown_s(self) -> float:
        """How long Serve must wait for a replica that stops, in seconds.

        First it stays reachable, then its sessions continue for the drain, then they send their last words,
        then webhooks are posted.
        """
        drain_s = _LONGEST_SESSION_S if self.server.drain_s is None else self.server.drain_s
        return leave_s(os.environ) + drain_s + 2 * self.server.finish_s + _SLACK_S

    @property
    def autoscaling(self) -> dict[str, Any]:
        """Serve's rule: a WebSocket is a request that lasts as long as its session."""
        return {
            "min_replicas": self.min_replicas,
            "max_replicas": self.max_replicas,
            "target_ongoing_requests": self.target_sessions,
            "upscale_delay_s": self.upscale_delay_s,
            "downscale_delay_s": self.downscale_delay_s,
        }

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> RayOptions:
        """Read options as ``serve run`` and Serve's configuration file have them.

        Args:
            arguments: Attributes of this class and of `ServerOptions` by name, as values or as text. Lists
                may be text with commas. ``models`` and ``final_model`` are names or folders; ``api_key_file``
                is a file of keys as for ``vivavoce serve``; ``sessions_per_replica`` may be ``measured``,
                which it is without. Keys and a Redis may also be in ``VIVAVOCE_API_KEYS`` and
                ``VIVAVOCE_REDIS``.

        Raises:
            ConfigurationError: An option is unknown or has an invalid value, or nothing was measured.
            ModelError: A model is unknown, or it is not here and can't be downloaded.
            ServerError: There are neither keys nor ``no_auth``.
        """
        own, given = _hints(cls), dict(arguments)
        if os.environ.get(_REDIS) and "redis" not in given:
            given["redis"] = os.environ[_REDIS]
        wanted = given.pop("sessions_per_replica", "measured")
        key_file = given.pop("api_key_file", None)
        settings = {
            name: _read(name, given.pop(name), own[name]) for name in own.keys() & given.keys() - {"server"}
        }
        server = _server(given, None if key_file is None else Path(key_file))
        if wanted == "measured":
            sessions = _measured(server, settings.get("cores", cls.cores))
        else:
            sessions = _read("sessions_per_replica", wanted, int)
        options = cls(
            sessions_per_replica=sessions,
            server=dataclasses.replace(server, max_sessions=sessions),
            **settings,
        )
        options.check()
        return options


def _hints(cls: type) -> dict[str, Any]:
    return {each.name: typing.get_type_hints(cls)[each.name] for each in dataclasses.fields(cls)}


def _server(given: Mapping[str, Any], key_file: Path | None) -> ServerOptions:
    known = _hints(ServerOptions)
    for name in given:
        if name in _NOT_HERE:
            raise ConfigurationError(f"{name} is no option of a replica: {_NOT_HERE[name]}")
        if name not in known:
            raise ConfigurationError(
                f"there is no option {name!r}; the options are those of RayOptions and ServerOptions"
            )
    models = chosen_models(_words(given.get("models")))
    final = chosen_models([str(given["final_model"])])[0] if given.get("final_model") else None
    plain = {
        name: _read(name, value, known[name])
        for name, value in given.items()
        if name not in {"models", "final_model", "api_keys", "drain_s"}
    }
    if given.get("drain_s") is not None:
        plain["drain_s"] = drain_seconds(str(given["drain_s"]))
    plain.setdefault("trusted_proxies", ("none",))  # Serve's proxies pass on what a client has written
    keys = read_keys(list(_words(given.get("api_keys"))), os.environ.get("VIVAVOCE_API_KEYS"), key_file)
    return ServerOptions(host=_PUBLIC, models=models, final_model=final, api_keys=keys, **plain)


def _words(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else tuple(value)  # type: ignore[arg-type]


def _read(name: str, value: object, hint: Any) -> Any:
    """Return a value of a type; text as the command line has it counts."""
    if typing.get_origin(hint) is tuple:
        value = _words(value)
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if Path in options and isinstance(value, str):
        return Path(value)
    try:
        return msgspec.convert(value, hint, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{name} can't be {value!r}: {error}") from None


def share_of(streams: int, cores: int, of_cores: int) -> int:
    """Return how many streams some cores of a machine hold.

    Args:
        streams: What all its cores hold, as it was measured.
        cores: How many it has.
        of_cores: How many are used.

    Returns:
        The share, rounded down, and at least 1.
    """
    return max(1, streams * of_cores // cores)


def _measured(server: ServerOptions, cores: int) -> int:
    default, final = server.models[0], server.final_model
    better = figures_name(final) if final is not None and final.can_revise(default) else None
    try:
        measured = last_measured(figures_name(default), better, device=server.device)
    except ConfigurationError as error:
        raise ConfigurationError(f"{error}; or give sessions_per_replica") from None
    return share_of(measured.streams, measured.cores, cores)
