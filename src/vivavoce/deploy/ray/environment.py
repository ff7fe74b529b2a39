"""The environment that Ray needs, whatever starts it.

Ray reads these variables when its processes start: the controller and the proxies of Serve as well as the
replicas. On a cluster they belong into the environment of ``ray start`` on each node.
"""

from __future__ import annotations

import secrets
import sys
from typing import TYPE_CHECKING, Final

from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import MutableMapping

__all__ = [
    "LEAVE_S",
    "SETTINGS",
    "USAGE_STATISTICS",
    "check_private",
    "keep_out",
    "leave_s",
    "prepare",
    "uses_haproxy",
]

USAGE_STATISTICS: Final = "RAY_USAGE_STATS_ENABLED"
"""Whether Ray sends statistics to its makers; without it, it does."""

_HAPROXY: Final = "RAY_SERVE_ENABLE_HA_PROXY"
_AUTHENTICATION: Final = "RAY_AUTH_MODE"
_LEAVE: Final = "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S"

LEAVE_S: Final = 5.0
"""How long a replica that stops stays reachable, until no proxy sends it new sessions, in seconds."""

_LONGEST_SESSION_S: Final = 3 * 3600

SETTINGS: Final = {
    # A proxy in C that moves bytes. Serve's own one in Python moves each message through two more processes.
    _HAPROXY: "1",
    # The session reads its socket itself, so a client that sends too fast is slowed down, as elsewhere.
    "RAY_SERVE_RUN_USER_CODE_IN_SEPARATE_THREAD": "0",
    # Each change of the replicas starts another process of the proxy. This is when the one before is killed,
    # with the sessions that it still carries; Ray's default is 120 s.
    "RAY_SERVE_HAPROXY_HARD_STOP_AFTER_S": str(_LONGEST_SESSION_S + 600),
    # A session that a full replica refuses is offered to another one.
    "RAY_SERVE_HAPROXY_RETRY_ON": "conn-failure 503",
    # 100 key terms of 50 characters make a request of up to 80 KB.
    "RAY_SERVE_HAPROXY_TUNE_BUFSIZE": str(144 * 1024),
    # Its lines would contain the query, which may contain a token.
    "RAY_SERVE_HAPROXY_LOG_TARGET": "/dev/null",
    _LEAVE: f"{LEAVE_S:g}",
    # Ray's default is ten times a second, which keeps a twentieth of a core busy.
    "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.5",
    # Only this server's own rule (`trusted_proxies`) decides who is believed about the address of a client.
    "FORWARDED_ALLOW_IPS": "",
    "RAY_DEDUP_LOGS": "0",  # lines of several replicas that are alike are not one
    "OPENBLAS_NUM_THREADS": "1",  # as for the command: a core has work of its own
}
"""What a cluster should have in its environment; whatever is set already stays."""


def prepare(environment: MutableMapping[str, str], *, system: str = sys.platform) -> None:
    """Set what Ray needs before it starts, and switch its usage statistics off.

    Args:
        environment: Usually `os.environ`, which the processes of a local Ray inherit.
        system: As `sys.platform`: Ray brings HAProxy for Linux only.
    """
    environment[USAGE_STATISTICS] = "0"
    for name, value in SETTINGS.items():
        if name != _HAPROXY or system == "linux":
            environment.setdefault(name, value)


def keep_out(environment: MutableMapping[str, str]) -> None:
    """Let no stranger into a Ray that this process starts.

    Ray listens on all addresses of the machine, and runs whatever it is sent, unless it wants a token.

    Args:
        environment: Usually `os.environ`; a mode that is set already stays.
    """
    if _AUTHENTICATION not in environment:
        environment[_AUTHENTICATION] = "token"
        environment["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


def check_private(environment: MutableMapping[str, str]) -> None:
    """Refuse to run where Ray reports to its makers.

    Args:
        environment: Of a process that Ray has started.

    Raises:
        ConfigurationError: The usage statistics are not switched off.
    """
    if environment.get(USAGE_STATISTICS) != "0":
        raise ConfigurationError(
            f"{USAGE_STATISTICS} must be 0 where Ray is started, got "
            f"{environment.get(USAGE_STATISTICS, 'nothing')}: Ray would report to its makers; set it for "
            "ray start"
        )


def uses_haproxy(environment: MutableMapping[str, str]) -> bool:
    """Whether clients reach the replicas through HAProxy, and not through Serve's proxy in Python."""
    return environment.get(_HAPROXY) == "1"


def leave_s(environment: MutableMapping[str, str]) -> float:
    """How long a replica that stops stays reachable, in seconds."""
    return float(environment.get(_LEAVE, LEAVE_S))
