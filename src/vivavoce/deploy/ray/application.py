"""Builds the application of Ray Serve."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from vivavoce.deploy.ray.environment import prepare
from vivavoce.deploy.ray.options import RayOptions
from vivavoce.deploy.ray.replica import Replica
from vivavoce.errors import ExtrasNotInstalledError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ray.serve import Application

    from vivavoce.server.engines import EngineMaker

__all__ = ["app", "build"]

_NAME = "vivavoce"
_HEALTH_PERIOD_S = 5.0
_HEALTH_TIMEOUT_S = 30.0


def app(arguments: dict[str, Any]) -> Application:
    """Build the application; what ``serve run vivavoce.deploy.ray:app`` and Serve's configuration file name.

    Args:
        arguments: As for `RayOptions.of`.

    Raises:
        ConfigurationError: An option is unknown or has an invalid value, or nothing was measured.
        ModelError: A model is unknown, or it is not here and can't be downloaded.
        ServerError: There are neither keys nor ``no_auth``.
        ExtrasNotInstalledError: Ray is missing.
    """
    return build(_options(arguments))


def _options(arguments: Mapping[str, Any]) -> RayOptions:
    return RayOptions.of(arguments)


def build(options: RayOptions, *, engine: EngineMaker | None = None) -> Application:
    """Build the application.

    Args:
        options: Options of the replicas.
        engine: Makes the engine of a model, in each replica; None: one that loads its files.

    Raises:
        ExtrasNotInstalledError: Ray is missing.
    """
    prepare(os.environ)  # before anything of Ray starts
    try:
        from ray import serve  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise ExtrasNotInstalledError(
            'Ray Serve is not installed; run: pip install "vivavoce[ray]"'
        ) from error
    deployment = serve.deployment(
        name=_NAME,
        autoscaling_config=options.autoscaling,
        max_ongoing_requests=options.max_requests,
        ray_actor_options={"num_cpus": options.cores},
        graceful_shutdown_wait_loop_s=0.5,
        graceful_shutdown_timeout_s=options.shutdown_s,
        health_check_period_s=_HEALTH_PERIOD_S,
        health_check_timeout_s=_HEALTH_TIMEOUT_S,
        logging_config={"enable_access_log": False},
    )(serve.ingress()(Replica))
    return deployment.bind(options, engine)
