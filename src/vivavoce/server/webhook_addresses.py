"""Which addresses webhooks may reach, and with which headers.

A client names the address, and the server posts from inside the operator's network. Without a rule a client
could reach through it what it can't reach itself: other machines, this one, the cloud's metadata.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Final, TypeAlias

__all__ = ["is_public", "public_addresses", "refused_header", "refused_host"]

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
_LOCAL_NAMES: Final = ("localhost", ".localhost", ".local", ".internal")

_OWN_HEADERS: Final = frozenset(
    {"connection", "content-length", "content-type", "expect", "host", "keep-alive", "te", "trailer"}
    | {"transfer-encoding", "upgrade", "user-agent"}
)


def is_public(text: str) -> bool:
    """Whether an address is one of the public Internet, also inside of IPv6.

    Args:
        text: An address of IPv4 or IPv6, as `socket.getaddrinfo` gives it.
    """
    address: _Address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is None and address.is_site_local:  # deprecated, and still that of QEMU's networks
            return False
        address = inner or address
    return address.is_global and not (address.is_multicast or address.is_reserved)


def refused_host(host: str) -> str | None:
    """Return why a host can't be public, as far as its name says; None: it may be.

    Args:
        host: Of a URL, in lower case and without brackets; IPv4 in any spelling that ``inet_aton`` takes.
    """
    name = host.rstrip(".")
    if any(name == local or (local[0] == "." and name.endswith(local)) for local in _LOCAL_NAMES):
        return f"{host} is a name of this network"
    try:
        address = socket.inet_ntoa(socket.inet_aton(name))  # also 127.1, 0x7f.1, 2130706433
    except (OSError, ValueError):
        address = name
    try:
        return None if is_public(address) else f"{host} is not an address of the public Internet"
    except ValueError:  # a name
        return None


def refused_header(name: str) -> str | None:
    """Return why a client may not choose a header; None: it may.

    With another length, for example, the rest of the body would be a second request.
    """
    is_own = name.lower() in _OWN_HEADERS or name.lower().startswith("proxy-")
    return f"the header {name} is set by the server" if is_own else None


def public_addresses(host: str, port: int, *, allow_private: bool) -> list[str]:
    """Resolve a host, once: what is checked here is what must be connected to.

    Args:
        host: A name or an address.
        port: The port.
        allow_private: Whether addresses that are not public are fine too.

    Returns:
        Its addresses.

    Raises:
        OSError: It has none, or one that is not public.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not allow_private and not all(map(is_public, addresses)):
        raise OSError(f"{host} has an address that is not of the public Internet")
    return addresses
