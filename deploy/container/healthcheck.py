# ruff: noqa: INP001, T201 - a script
"""Exits with 0 if the server in this container is alive: the health check of the image.

It asks as the server was configured by the environment: VIVAVOCE_PORT, and VIVAVOCE_TLS_CERT or
VIVAVOCE_TLS_SELF_SIGNED for TLS. A server that is configured otherwise needs another health check.
"""

import os
import ssl
import sys
import urllib.request
from collections.abc import Mapping


def url_of(environment: Mapping[str, str]) -> str:
    """Return the address of the server's liveness."""
    is_encrypted = environment.get("VIVAVOCE_TLS_CERT") or environment.get(
        "VIVAVOCE_TLS_SELF_SIGNED", ""
    ).lower() in {"1", "true", "yes", "on"}
    scheme = "https" if is_encrypted else "http"
    return f"{scheme}://127.0.0.1:{environment.get('VIVAVOCE_PORT') or 8765}/healthz"


def main() -> None:
    """Ask; an error is one line."""
    context = ssl.create_default_context()
    context.check_hostname = (
        False  # the certificate has the name that clients use, not that of this interface
    )
    context.verify_mode = ssl.CERT_NONE
    try:
        with urllib.request.urlopen(url_of(os.environ), timeout=4, context=context) as answer:  # noqa: S310 - ours
            print(answer.status)
    except OSError as error:
        sys.exit(f"not alive: {error}")


if __name__ == "__main__":
    main()
