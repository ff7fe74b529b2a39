"""Long answers in slices: a client that takes one slowly is not one that takes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["SlicedBodies"]

_SLICE_BYTES: Final = 16 * 1024


class SlicedBodies:
    """ASGI middleware that waits, within the body of an answer, until its client has taken what came before.

    An answer that is written at once waits in one buffer, whose client seems to take nothing until the end.

    Args:
        app: The application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection."""

        async def send_slices(message: Message) -> None:
            body = message.get("body", b"")
            if message["type"] == "http.response.body" and len(body) > _SLICE_BYTES:
                last = (len(body) - 1) // _SLICE_BYTES * _SLICE_BYTES
                for start in range(0, last, _SLICE_BYTES):
                    part = body[start : start + _SLICE_BYTES]
                    await send({"type": message["type"], "body": part, "more_body": True})
                message = {**message, "body": body[last:]}
            await send(message)

        await self._app(scope, receive, send_slices if scope["type"] == "http" else send)
