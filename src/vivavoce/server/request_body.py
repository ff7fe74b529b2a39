"""Reading the body of a request, within limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["BodyError", "read_body"]


class BodyError(ValueError):
    """The body is longer than allowed, or the client left before its end."""


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Read the body of a request.

    Args:
        request: The request.
        max_bytes: The longest body.

    Raises:
        BodyError: It is longer, or the client disconnected.
    """
    body = b""
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > max_bytes:
                raise BodyError(f"the body is longer than {max_bytes} bytes")
    except ClientDisconnect:
        raise BodyError("the client disconnected") from None
    return body
