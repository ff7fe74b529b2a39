"""A line of the log for each HTTP request that is refused for what its client may not do."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import Request

    from vivavoce.errors import ProtocolViolation

__all__ = ["log_refusal"]

_log = logging.getLogger(__name__)


def log_refusal(request: Request, violation: ProtocolViolation) -> None:
    """Log who was refused what, without the query, which may hold a token."""
    client = request.client.host if request.client else "unknown"
    _log.info("refused %s %s %s: %s", client, request.method, request.url.path, violation.failure.name)
