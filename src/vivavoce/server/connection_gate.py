"""How many connections there may be: from one address, and in all."""

from __future__ import annotations

import ipaddress
import resource
from collections import Counter
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ConnectionGate", "Gate", "allow_many_files"]

_RESERVED_FILES: Final = 128  # for models, logs, the store and webhooks
_MANY_FILES: Final = (1 << 16, 10_240)  # macOS says that it has no limit, and has one
_NETWORK_BITS: Final = 64  # an IPv6 client chooses the rest of its address at will


class Gate(Protocol):
    """Counts connections."""

    def enter(self, host: str) -> str | None:
        """Count a connection of an address; returns why it must be refused, None: it need not be."""

    def is_plain(self) -> None:
        """Note that a connection asks for something else than a WebSocket; may be called again."""

    def leave(self, host: str) -> None:
        """Forget a connection."""


class ConnectionGate:
    """Counts open connections, and says which one is too much. Pure.

    Attributes:
        n_open: Connections that are open.
        in_all: Most connections; None: no limit.
    """

    def __init__(
        self, per_address: int | None = None, is_proxy: Callable[[str], bool] = lambda _: False
    ) -> None:
        """Begin with none.

        Args:
            per_address: Most connections from one address, or from one network of 64 bits in IPv6; None: no
                limit. Connections from this machine are not limited: they may come from a proxy.
            is_proxy: Whether an address is that of a proxy elsewhere, which is not limited either: its
                clients are, by `enter_forwarded`.
        """
        self._is_proxy = is_proxy
        self.n_open = 0
        self._per_address = per_address
        self.in_all: int | None = None
        self._by_address: Counter[str] = Counter()

    def enter(self, host: str) -> str | None:
        """Count a connection.

        Args:
            host: The address of the client.

        Returns:
            Why it must be refused; None: it need not be. It counts either way until it leaves.
        """
        self.n_open += 1
        excess = self.enter_forwarded(host)
        if self.in_all is not None and self.n_open > self.in_all:
            return f"the server has {self.in_all} connections, which is all it can take"
        return excess

    def leave(self, host: str) -> None:
        """Forget a connection."""
        self.n_open -= 1
        self.leave_forwarded(host)

    def enter_forwarded(self, host: str) -> str | None:
        """Count a request, or a WebSocket, that came through a proxy as a connection of its client.

        Args:
            host: The address of the client, from the proxy.

        Returns:
            Why it must be refused; None: it need not be. It counts either way until it leaves.
        """
        address, is_local = _network(host)
        self._by_address[address] += 1
        limit = self._per_address
        is_free = is_local or self._is_proxy(host)
        if limit is not None and not is_free and self._by_address[address] > limit:
            return f"an address may have at most {limit} connections at a time"
        return None

    def is_plain(self) -> None:
        """Note nothing: all connections count alike."""

    def leave_forwarded(self, host: str) -> None:
        """Forget a request that came through a proxy."""
        address, _ = _network(host)
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]


def _network(host: str) -> tuple[str, bool]:
    """Return what counts as one client, and whether it is this machine."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:  # a Unix socket has none
        return host, not host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            network = ipaddress.ip_network((address, _NETWORK_BITS), strict=False)
            return str(network), address.is_loopback
        address = address.ipv4_mapped
    return str(address), address.is_loopback


def allow_many_files() -> int:
    """Raise the limit of open files as far as this user may; returns how many connections that allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return 1 << 20
    for wanted in _MANY_FILES if hard == resource.RLIM_INFINITY else (hard,):
        if wanted <= soft:
            break
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (ValueError, OSError):
            continue
        soft = wanted
        break
    return max(1, soft - _RESERVED_FILES)
