"""Keeps a program alive while a handler runs, and lets it open sessions until the end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ExitGuard", "SessionLoop"]


class ExitGuard:
    """Keeps the interpreter alive while it is held.

    The thread that calls handlers is a daemon, because a program that never closes its session must end. A
    daemon ends with the program, even inside a handler; the interpreter waits for other threads only.
    """

    def __init__(self) -> None:
        self._released: threading.Event | None = None  # ends the thread that holds; None: not held

    def hold(self) -> None:
        """Keep the interpreter alive until :meth:`release`; more calls have no effect."""
        if self._released is not None:
            return
        self._released = threading.Event()
        holder = threading.Thread(target=self._released.wait, name="vivavoce-handler-runs", daemon=False)
        with contextlib.suppress(RuntimeError):  # the interpreter is ending already
            holder.start()

    def release(self) -> None:
        """Let the interpreter end; no effect unless it is held."""
        if self._released is not None:
            self._released.set()
            self._released = None


if sys.platform == "win32":
    _Loop = asyncio.ProactorEventLoop
else:
    _Loop = asyncio.SelectorEventLoop


class SessionLoop(_Loop):
    """An event loop that resolves names in a thread of its own, not in the executor.

    Executors refuse work once the main thread has ended. A handler may open a session after that.
    """

    async def getaddrinfo(
        self,
        host: Any,
        port: Any,
        *,
        family: int = 0,
        type: int = 0,  # noqa: A002  - the name in asyncio
        proto: int = 0,
        flags: int = 0,
    ) -> Any:
        """Resolve a name; see :meth:`asyncio.loop.getaddrinfo`."""
        future: asyncio.Future[Any] = self.create_future()

        def settle(method: Callable[[Any], None], value: object) -> None:
            if not future.done():  # as after a timeout
                method(value)

        def resolve() -> None:
            try:
                found: Any = socket.getaddrinfo(host, port, family, type, proto, flags)
                outcome = (future.set_result, found)
            except Exception as error:  # noqa: BLE001  - raised in the coroutine
                outcome = (future.set_exception, error)
            with contextlib.suppress(RuntimeError):  # the loop has been closed
                self.call_soon_threadsafe(settle, *outcome)

        threading.Thread(target=resolve, name="vivavoce-resolver", daemon=True).start()
        return await future
