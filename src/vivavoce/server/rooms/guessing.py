"""Makes guessing the names of rooms slow."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from typing import Final

__all__ = ["GuessLimit"]

_MAX_ADDRESSES: Final = 10_000
_IPV6_NETWORK_BITS: Final = 64  # what one subscriber has


class GuessLimit:
    """Limits how many different rooms that do not exist one address may ask for.

    Many readers of one room share an address, and come before the room is opened: repeated names are free.
    """

    def __init__(self, *, names: int = 20, period_s: float = 600.0) -> None:
        """Begin to count.

        Args:
            names: Different unknown names that an address may ask for in a period.
            period_s: The period, in seconds.
        """
        self._names = names
        self._period_s = period_s
        self._asked: OrderedDict[str, tuple[float, set[str]]] = OrderedDict()  # begin of the period, names

    def retry_after_s(self, address: str, name: str, now: float) -> float | None:
        """Note that an address asked for an unknown room.

        Args:
            address: The client's address.
            name: The room.
            now: In seconds of any clock that never goes back.

        Returns:
            None: the address may ask. Else how long it must wait, in seconds.
        """
        network = _network(address)
        began, names = self._asked.pop(network, (now, set()))
        if now - began >= self._period_s:
            began, names = now, set()
        is_too_much = name not in names and len(names) >= self._names
        if not is_too_much:
            names.add(name)
        self._asked[network] = (began, names)
        if len(self._asked) > _MAX_ADDRESSES:
            self._asked.popitem(last=False)
        return began + self._period_s - now if is_too_much else None


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    except ValueError:
        return address
    if parsed.version == 4:  # noqa: PLR2004 - the version of IP
        return address
    return str(ipaddress.ip_network((parsed, _IPV6_NETWORK_BITS), strict=False))
