"""The sockets that a server listens on: one for each address of its host."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING, Any, Final

from vivavoce.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["listen", "urls_of"]

_BACKLOG: Final = 2_048
_FREE_PORT_TRIES: Final = 10
_NOT_HERE: Final = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}  # an address that this machine does not have


def listen(host: str, port: int) -> list[socket.socket]:
    """Open the listening sockets, so that a busy port is reported before anything is loaded.

    Args:
        host: An address, or a name; a name such as ``localhost`` may have addresses of both families.
        port: The port; 0: any port that is free on each address.

    Returns:
        A socket for each address of the host that this machine has.

    Raises:
        ServerError: The port is taken, or the host has no address of this machine.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ServerError(f"cannot listen on {host or repr(host)}: {reason}; check --host") from error
    addresses = list(dict.fromkeys((family, address) for family, _, _, _, address in found))
    for _ in range(_FREE_PORT_TRIES):
        try:
            return _listen_on_all(addresses, host, port)
        except ServerError as error:
            cause = error.__cause__
            is_taken = isinstance(cause, OSError) and cause.errno == errno.EADDRINUSE
            if port or not is_taken:  # another port may be free on each address
                raise
    raise ServerError(f"no port is free on each address of {host}: choose one with --port")


def _listen_on_all(
    addresses: Sequence[tuple[int, tuple[Any, ...]]], host: str, port: int
) -> list[socket.socket]:
    """Open a socket for each address that exists on this machine, all on one port."""
    sockets: list[socket.socket] = []
    missing: OSError | None = None  # why the last address that was left out is none of this machine
    for family, address in addresses:
        try:
            sockets.append(_listen_on(family, (address[0], port, *address[2:]), alone=len(addresses) == 1))
        except OSError as error:
            if error.errno in _NOT_HERE and len(addresses) > 1:
                missing = error
                continue
            for sock in sockets:
                sock.close()
            raise ServerError(_listen_error(error, host, port)) from error
        port = sockets[-1].getsockname()[1]
    if not sockets:
        raise ServerError(_listen_error(missing or OSError("no address"), host, port)) from missing
    return sockets


def _listen_on(family: int, address: tuple[Any, ...], *, alone: bool) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and not alone:  # alone, :: also takes clients of IPv4
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
        sock.listen(_BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def _listen_error(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} on {host} is taken: choose another with --port"
        case errno.EACCES:
            return f"this user may not open port {port} on {host}: choose one above 1023 with --port"
        case errno.EADDRNOTAVAIL:
            return f"cannot listen on {host}:{port}: this machine does not have the address; check --host"
    return f"cannot listen on {host}:{port}: {error.strerror or error}"


def urls_of(sockets: Sequence[socket.socket], scheme: str) -> list[str]:
    """Return the address of each socket, for messages."""
    names = [sock.getsockname()[:2] for sock in sockets]
    return [f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}" for host, port in names]
