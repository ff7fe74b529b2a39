"""Checks whatever can stop a server that starts, before anything that takes long is done for it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from vivavoce.asr.models import check_installed
from vivavoce.server.engines import check_devices
from vivavoce.server.sockets import listen
from vivavoce.server.tls import certificate_for
from vivavoce.server.tracing import check_tracing
from vivavoce.store import Store, open_key_storage

if TYPE_CHECKING:
    from vivavoce.server.options import ServerOptions

__all__ = ["check_start"]


def check_start(options: ServerOptions) -> None:
    """Check that a server with these options could start, the files of its models apart; nothing stays open.

    No client can connect meanwhile, and warnings are left to the start itself. The store, the key store and
    a self-signed certificate are made, as the start would make them.

    Args:
        options: Options of the server; the folders of its models may not be known yet.

    Raises:
        ServerError: A busy port, a public address without keys, or a certificate that cannot be used.
        ConfigurationError: Options contradict each other, or a store can't be used.
        ModelError: A package of a model is missing, or it can't run where it shall.
        StoreError: The Redis can't be reached.
        ExtrasNotInstalledError: The library that makes certificates, of Redis, or OpenTelemetry, is missing.
    """
    options.check()
    for model in (*options.models, options.final_model):
        if model is not None:
            check_installed(model.family)
    check_devices(options)
    if options.trace:
        check_tracing()
    if options.store is not None:
        Store(options.store).close()
    keys = open_key_storage(options.key_store, options.redis_of_keys)
    if keys is not None:
        keys.close()
    log = logging.getLogger(certificate_for.__module__)
    was_disabled, log.disabled = log.disabled, True
    try:
        certificate_for(options)
    finally:
        log.disabled = was_disabled
    for sock in listen(options.host, options.port):
        sock.close()
