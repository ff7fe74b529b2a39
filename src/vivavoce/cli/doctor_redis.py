"""The check of ``vivavoce doctor`` for the Redis that servers share."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Final

from vivavoce.cli.doctor_findings import Finding, Status
from vivavoce.errors import ConfigurationError, StoreError, VivavoceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import click

__all__ = ["check_redis"]

_TITLE: Final = "Redis"


def check_redis(group: click.Group) -> Iterator[Finding]:
    """Check the Redis that the environment or the configuration file names; nothing is written there.

    Args:
        group: The commands whose options the configuration file may set.
    """
    from vivavoce.store import RedisKeyStore, check_redis_url, shown_redis_url

    for url in _addresses(group):
        try:
            check_redis_url(url)
            shown = shown_redis_url(url)
            with RedisKeyStore(url, create=False) as store:
                n_keys = sum(record.revoked_unix is None for record in store.records())
                advice = store.warnings()
        except StoreError as error:
            yield Finding(Status.BROKEN, _TITLE, str(error), "start it, or correct its address or password")
        except ConfigurationError as error:
            yield Finding(Status.PROBLEM, _TITLE, str(error))
        else:
            yield Finding(Status.OK, _TITLE, f"{shown} can be used; API keys: {n_keys}")
            for text in advice:
                yield Finding(Status.PROBLEM, _TITLE, text)


def _addresses(group: click.Group) -> list[str]:
    from vivavoce.cli.config import config_path, defaults_of, read_config

    given = os.environ.get("VIVAVOCE_REDIS")
    if given:
        return [given]
    path = config_path()
    if path is None:
        return []
    with contextlib.suppress(VivavoceError):  # another check reports a broken file
        found = defaults_of(group, read_config(path), path)
        return list(dict.fromkeys(str(it["redis"]) for it in found.values() if it.get("redis")))
    return []
