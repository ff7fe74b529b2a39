"""Options about who may use a server, shared by commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["KeyStoreOption", "RedisOption", "SharedRoomsOption", "TrustedProxyOption"]

KeyStoreOption = Annotated[
    Path | None,
    typer.Option(
        "--key-store",
        metavar="FILE",
        envvar="VIVAVOCE_KEY_STORE",
        show_default=False,
        help="Accept the API keys in this SQLite file, which vivavoce keys changes while the server runs.",
    ),
]
RedisOption = Annotated[
    str | None,
    typer.Option(
        "--redis",
        metavar="URL",
        envvar="VIVAVOCE_REDIS",
        show_default=False,
        help="Share API keys, tokens, limits and rooms with all servers that use this Redis, such as "
        "redis://host:6379/0; the password may be in VIVAVOCE_REDIS_PASSWORD.",
    ),
]
SharedRoomsOption = Annotated[
    bool,
    typer.Option(
        "--shared-rooms/--no-shared-rooms",
        envvar="VIVAVOCE_SHARED_ROOMS",
        help="With --redis, serve the same rooms on all servers: the Redis then holds what is said in them, "
        "for some hours.",
    ),
]
TrustedProxyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--trusted-proxy",
        metavar="ADDRESS",
        envvar="VIVAVOCE_TRUSTED_PROXY",
        show_default=False,
        help="Believe the proxy at this address, or those of a network such as 10.0.0.0/8, about the "
        "addresses of its clients; repeatable, separated by spaces in the environment; none believes nobody "
        "(default: proxies on this machine).",
    ),
]
