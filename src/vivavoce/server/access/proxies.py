"""The address of a client whose requests come through proxies.

A proxy adds the address that it saw to the header ``X-Forwarded-For`` or ``Forwarded`` (RFC 7239), after what
the client itself may have written there. Only what trusted proxies have added can be believed, so the list
is read from its end.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final, TypeAlias

from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["LOCAL_PROXIES", "ForwardedClient", "TrustedProxies"]

_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

LOCAL_PROXIES: Final = ("127.0.0.0/8", "::1")
"""Proxies on this machine: who can send requests from here has better ways to do harm."""

_NONE: Final = "none"
_WITH_PORT: Final = re.compile(r"\[([^\]]+)\](?::[\w-]+)?|([\d.]+)(?::[\w-]+)?")
_PIECE: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|[,;]|[^",;]+', re.DOTALL)  # one pass, whatever it is given


class TrustedProxies:
    """The proxies whose word about their clients is believed."""

    def __init__(self, networks: Iterable[str] = LOCAL_PROXIES) -> None:
        """Take addresses.

        Args:
            networks: Addresses and networks such as ``10.0.0.0/8``; ``none``: no proxy.

        Raises:
            ConfigurationError: One of them is neither.
        """
        self._networks = tuple(_network(each) for each in networks if each != _NONE)

    def address_of(self, peer: str, headers: Sequence[tuple[bytes, bytes]]) -> str:
        """Return the address of a client: the last one that no trusted proxy has.

        Args:
            peer: The address that the connection comes from.
            headers: Names, in lower case, and values of the request's headers. ``X-Forwarded-For`` counts
                before ``Forwarded``.

        Returns:
            The address; that of the last trusted proxy where the one before it is not known.
        """
        address = _parsed(peer)
        if address is None or not self._has(address):
            return peer
        for text in reversed(_forwarded(headers)):
            before = _parsed(text)
            if before is None:
                break
            address = before
            if not self._has(address):
                break
        return str(address)

    def trusts(self, peer: str) -> bool:
        """Whether a connection from an address may carry requests of many clients."""
        address = _parsed(peer)
        return address is not None and self._has(address)

    def _has(self, address: _Address) -> bool:
        return any(address.version == each.version and address in each for each in self._networks)


async def _let_in(_host: str) -> str | None:
    return None


class ForwardedClient:
    """ASGI middleware that replaces the address of a proxy by that of its client, and limits that one, too.

    Args:
        app: The application.
        proxies: The proxies that are believed.
        enter: Counts a request of a client; returns why it must be refused, or None.
        leave: Forgets it, refused or not.
        refuse: The application that answers those that are refused, made from the reason.
    """

    def __init__(
        self,
        app: ASGIApp,
        proxies: TrustedProxies,
        *,
        enter: Callable[[str], Awaitable[str | None]] = _let_in,
        leave: Callable[[str], None] = lambda _: None,
        refuse: Callable[[str], ASGIApp] | None = None,
    ) -> None:
        self._app = app
        self._proxies = proxies
        self._enter = enter
        self._leave = leave
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection."""
        if scope["type"] in {"http", "websocket"} and scope.get("client"):
            host = scope["client"][0]
            address = self._proxies.address_of(host, scope["headers"])
            if address != host:
                await self._serve(address, {**scope, "client": (address, 0)}, receive, send)  # port unknown
                return
        await self._app(scope, receive, send)

    async def _serve(self, address: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a client of a proxy, unless it has too many requests open."""
        try:
            excess = await self._enter(address)
            app = self._app if excess is None or self._refuse is None else self._refuse(excess)
            await app(scope, receive, send)
        finally:
            self._leave(address)


def _network(text: str) -> _Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ConfigurationError(
            f"--trusted-proxy must be an address, a network such as 10.0.0.0/8, or none, got {text!r}"
        ) from None


def _parsed(text: str) -> _Address | None:
    """Return the address in one entry, which may have a port; None: it holds none."""
    text = text.strip()
    with_port = _WITH_PORT.fullmatch(text)
    if with_port:
        text = with_port[1] or with_port[2]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _forwarded(headers: Sequence[tuple[bytes, bytes]]) -> list[str]:
    """Return the entries about clients in the order in which proxies have added them."""
    lists = {name: _joined(headers, name) for name in (b"x-forwarded-for", b"forwarded")}
    if lists[b"x-forwarded-for"]:
        return lists[b"x-forwarded-for"].split(",")
    return list(_elements(lists[b"forwarded"]))


def _joined(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> str:
    return ",".join(value.decode("latin-1") for each, value in headers if each.lower() == name)


def _elements(text: str) -> Iterator[str]:
    """Yield what each element says of its client; quotes may hold commas, as those of a client's Host."""
    for element in _split(text, ","):
        pairs = (pair.partition("=") for pair in _split(element, ";"))
        yield next((value.strip(' \t"') for name, _, value in pairs if name.strip().lower() == "for"), "")


def _split(text: str, separator: str) -> list[str]:
    """Split a text where the separator is in no quotes."""
    parts: list[list[str]] = [[]]
    for piece in _PIECE.findall(text):
        if piece == separator:
            parts.append([])
        else:
            parts[-1].append(piece)
    return ["".join(part) for part in parts]
