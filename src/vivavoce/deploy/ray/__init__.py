"""The application on Ray Serve: replicas on several cores and machines, more when more sessions are open.

    serve run vivavoce.deploy.ray:app min_replicas=2 max_replicas=8 sessions_per_replica=10 key_store=keys.db
    python -m vivavoce.deploy.ray min_replicas=2 max_replicas=2 no_auth=true

The first needs Ray's command and runs on any cluster; the second starts a Ray of its own on this machine.
Ray's usage statistics are switched off, whichever it is.
"""

from vivavoce.deploy.ray.application import app, build
from vivavoce.deploy.ray.environment import prepare
from vivavoce.deploy.ray.options import RayOptions

__all__ = ["RayOptions", "app", "build", "prepare"]
