"""The server that a command uses: the configured one, or one inside this process."""

from __future__ import annotations

import contextlib
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vivavoce.cli.guarded import shown_once
from vivavoce.cli.missing_extras import missing_extra
from vivavoce.cli.model_options import chosen_models, find_models, with_folders
from vivavoce.configuration import settings
from vivavoce.errors import ConfigurationError, EngineError, RealtimeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vivavoce.server import LocalServer

__all__ = ["ChosenServer", "choose_server", "fetch_model", "local_server", "server_extra"]


@dataclass(frozen=True, slots=True)
class ChosenServer:
    """The server that a command uses.

    Attributes:
        base_url: Its address.
        local: The server object if it runs inside this process, else None.
    """

    base_url: str
    local: LocalServer | None = None


@contextlib.contextmanager
def server_extra(alternative: str = "") -> Iterator[None]:
    """Report an import that fails in the block as the missing extra ``server``.

    Args:
        alternative: What else the user can do, added to the message.

    Raises:
        ExtrasNotInstalledError: A package of the extra is missing.
    """
    with missing_extra(f'the server is not installed; run: pip install "vivavoce[server]"{alternative}'):
        yield


_NO_SERVER = ", or give the address of a server with --url"


def fetch_model(
    url: str | None,
    api_key: str | None,
    model: str | None,
    device: str = "cpu",
    *,
    check: Callable[[], object],
) -> None:
    """Download the model of a local server that `choose_server` will start, if it is needed and not here.

    A command calls it before it opens anything: a microphone, for example, would record meanwhile.

    Args:
        url: As for `choose_server`, like those that follow.
        api_key: API key from the command line.
        model: The name or folder of the model.
        device: Where it runs.
        check: Called before a download; raises what is wrong with the other options.

    Raises:
        ConfigurationError: The address or the key can't be used.
        ExtrasNotInstalledError: A package of the extra ``server`` is missing.
        ModelError: There is no such model, or it can't be downloaded, or it can't run there.
    """
    if model is None or url or settings.source_of("base_url") is not None:
        return

    found = find_models([model])

    def check_all() -> None:
        _check_settings(url, api_key)
        with server_extra(_NO_SERVER):
            importlib.import_module("vivavoce.server")
            from vivavoce.asr.models import check_device, check_installed
        found[0].check_partials()
        check_installed(found[0].family)
        check_device(device, [found[0].family])
        check()

    with_folders(found, offline=False, check=check_all)


@contextlib.contextmanager
def local_server(model: str | None = None, device: str = "cpu") -> Iterator[LocalServer]:
    """Run a server on a free loopback port while the block runs.

    Args:
        model: The name or folder of its model; None: the default.
        device: Where the model runs: ``cpu``, ``cuda`` or ``auto``.

    Raises:
        ExtrasNotInstalledError: A package of the extra ``server`` is missing.
        ModelError: There is no such model, or it can't be downloaded, or it can't run there.
    """
    with server_extra(_NO_SERVER):
        from vivavoce.server import LocalServer, ServerOptions
    options = None
    if model is not None or device != "cpu":
        models = chosen_models(None if model is None else [model])
        options = ServerOptions(port=0, max_lead_s=None, models=models, device=device)
    with shown_once("vivavoce.asr.engine.engine", "engine dead"), LocalServer(options) as server:
        yield server


@contextlib.contextmanager
def choose_server(
    url: str | None, api_key: str | None, model: str | None = None, device: str = "cpu"
) -> Iterator[ChosenServer]:
    """Choose the server and configure the SDK for it while the block runs.

    Args:
        url: Address from the command line; None: the configured one, or else a local server.
        api_key: API key from the command line; None: the configured one.
        model: The name or folder of the model of a local server; None: the default.
        device: Where the model of a local server runs: ``cpu``, ``cuda`` or ``auto``.

    Raises:
        ConfigurationError: The address or the key can't be used; the message says where it is set.
    """
    _check_settings(url, api_key)
    if api_key:
        settings.api_key = api_key
    if url:
        settings.base_url = url
    if settings.source_of("base_url") is not None:
        yield ChosenServer(settings.base_url)
        return
    with local_server(model, device) as server:
        settings.base_url = server.base_url
        try:
            yield ChosenServer(server.base_url, server)
        except RealtimeError as error:
            if server.failure is None:
                raise
            raise EngineError(server.failure) from error
        finally:
            settings.base_url = None


def _check_settings(url: str | None, api_key: str | None) -> None:
    """Check the address and the key, and name what set them: the SDK knows neither options nor variables."""
    from vivavoce.client.address import Address, request_headers

    for name, option, given in (("base_url", "--url", url), ("api_key", "--api-key", api_key)):
        value = given or getattr(settings, name)
        try:
            if name == "base_url":
                Address.parse(value)
            else:
                request_headers(value)
        except ConfigurationError as error:
            origin = option if given else settings.source_of(name) or name
            raise ConfigurationError(str(error).replace(name, origin, 1)) from None
