"""The stream of events that a reader follows."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from vivavoce.server.rooms.feed import PING, RETRY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Scope, Send

    from vivavoce.server.rooms.feed import Cursor
    from vivavoce.server.rooms.served_room import ServedRoom

__all__ = ["EventStream"]

_PING_S: Final = 15.0
# A reader that takes nothing for this long is gone.
_SEND_TIMEOUT_S: Final = 30.0
# Several changes within this time go out together: readers see no difference, and the server sends less.
_GATHER_S: Final = 0.03
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would hold the events back
    "X-Content-Type-Options": "nosniff",
}


class EventStream(Response):
    """A response that sends the news of a room for as long as its reader stays."""

    def __init__(self, served: ServedRoom, cursor: Cursor, headers: Mapping[str, str]) -> None:
        """Prepare.

        Args:
            served: The room.
            cursor: Where the reader is.
            headers: More headers.
        """
        super().__init__(headers={**_HEADERS, **headers}, media_type="text/event-stream")
        del self.headers["content-length"]
        self._served = served
        self._cursor = cursor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the reader leaves."""
        del scope
        with self._served.reading() as news:
            leaving = asyncio.create_task(_wait_for_disconnect(receive))
            leaving.add_done_callback(lambda _: news.set())
            try:
                await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                await self._send(send, RETRY)
                while not leaving.done():
                    news.clear()
                    data = self._served.feed.read(self._cursor, time.time())
                    if data:
                        await self._send(send, data)
                        await asyncio.sleep(_GATHER_S)
                    elif self._served.is_closed:
                        break
                    elif not await _is_set_within(news, _PING_S):
                        await self._send(send, PING)
                if not leaving.done():
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
            except (OSError, TimeoutError):
                return
            finally:
                leaving.cancel()

    @staticmethod
    async def _send(send: Send, data: bytes) -> None:
        async with asyncio.timeout(_SEND_TIMEOUT_S):
            await send({"type": "http.response.body", "body": data, "more_body": True})


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _is_set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
