"""Runs a session's core and its connections on one event loop.

The runner connects, reads, writes, reconnects, and keeps every deadline. Both fronts use it: the asynchronous
one on the program's loop, the other one on a loop in a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

from vivavoce.client.deadlines import Deadlines, Expiry
from vivavoce.client.session_core import SessionState
from vivavoce.client.transport import ConnectionEnded
from vivavoce.errors import ConnectError, RealtimeError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from contextlib import AbstractContextManager

    from vivavoce.client.session_core import SessionCore
    from vivavoce.client.timeouts import Timeouts
    from vivavoce.client.transport import Connection

__all__ = ["Runner"]

_CLOSING_HANDSHAKE_S: Final = 1.5
_CONNECTED: Final = frozenset({SessionState.OPENING, SessionState.OPEN})


class Runner:
    """Runs a core.

    Args:
        core: The session.
        dial: Opens a connection.
        lock: Held while the core is used, for a core that threads share.
        changed: Called, with the lock held, when the state of the core may have changed.
        timeouts: Limits of each step.
    """

    def __init__(
        self,
        core: SessionCore[Any],
        dial: Callable[[], Awaitable[Connection]],
        *,
        lock: AbstractContextManager[object],
        changed: Callable[[], None],
        timeouts: Timeouts,
    ) -> None:
        self._core = core
        self._dial = dial
        self._lock = lock
        self._changed = changed
        self._timeouts = timeouts
        self._deadlines = Deadlines(timeouts)
        self._attempts = 0  # to open a connection, over the whole session
        self._has_outgoing = asyncio.Event()  # wakes the writer
        self._must_check = asyncio.Event()  # wakes the watch, which looks at deadlines and at the end
        self._connection: Connection | None = None  # the one that is read; None in between
        self._reading: asyncio.Task[None] | None = None  # reads it
        self._connecting: asyncio.Task[Connection | None] | None = None  # the latest attempt

    def wake(self) -> None:
        """Let the runner look at the core again, after a command of the user. Called on the loop."""
        self._has_outgoing.set()
        self._must_check.set()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    async def run(self) -> None:
        """Run until the session is over."""
        self._deadlines.start(self._now())
        watch = asyncio.create_task(self._watch())
        try:
            while True:
                with self._lock:
                    delay_s = self._core.delay_s
                if delay_s is None:
                    break
                await self._connect_and_serve(delay_s)
        except Exception as error:
            with self._lock:
                self._core.give_up(f"the session broke: {error!r}")
            raise
        finally:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch
            with self._lock:
                self._core.drop()  # no effect unless this task was cancelled
                self._changed()

    # --- connecting ----------------------------------------------------------------------------

    async def _connect_and_serve(self, delay_s: float) -> None:
        connecting = self._connecting = asyncio.create_task(self._connect(delay_s))
        try:
            await asyncio.wait([connecting])
        finally:
            connecting.cancel()
        if connecting.cancelled():
            return  # by the watch: the session is over
        connection = connecting.result()
        if connection is not None:
            await self._serve(connection)

    async def _connect(self, delay_s: float) -> Connection | None:
        await asyncio.sleep(delay_s)
        while True:
            self._attempts += 1
            try:
                connection = await self._dial()
            except RealtimeError as error:
                if self._may_try_again(error):
                    await asyncio.sleep(self._timeouts.connect_retry_s)
                    continue
                with self._lock:
                    self._core.dial_failed(error)
                    self._changed()
                return None
            with self._lock:
                self._core.dial_succeeded()
            self._deadlines.connected(self._now())
            return connection

    def _may_try_again(self, error: RealtimeError) -> bool:
        """Return whether the first connection is tried again: only if no server answered."""
        if self._core.has_opened or self._attempts >= self._timeouts.connect_attempts:
            return False
        return isinstance(error, ConnectError) and error.status_code is None

    # --- one connection ------------------------------------------------------------------------

    async def _serve(self, connection: Connection) -> None:
        """Use a connection until it ends."""
        self._connection = connection
        others = {asyncio.create_task(self._write(connection)), asyncio.create_task(self._ping(connection))}
        reading = self._reading = asyncio.create_task(self._read(connection))
        try:
            running = {reading, *others}
            while reading in running:
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    if not task.cancelled():  # as the watch cancels the reader
                        task.result()  # raises what the transport raised
        finally:
            self._connection = self._reading = None
            reading.cancel()
            for task in others:
                task.cancel()
            await asyncio.wait(others)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSING_HANDSHAKE_S):
                    await connection.close()
            connection.abort()

    async def _read(self, connection: Connection) -> None:
        while True:
            try:
                message = await connection.receive()
            except ConnectionEnded as ended:
                with self._lock:
                    self._core.receive_close(ended.code, ended.reason)
                    self._changed()
                return
            with self._lock:
                self._core.receive_message(message)
                state = self._core.state
                has_pending_error = self._core.has_pending_error
                self._changed()
            self._has_outgoing.set()
            self._deadlines.received(self._now(), has_pending_error=has_pending_error)
            if has_pending_error:
                self._must_check.set()
            if state not in _CONNECTED:
                return

    async def _write(self, connection: Connection) -> None:
        while True:
            with self._lock:
                message = self._core.next_outgoing(self._now())
                self._changed()
            if message is None:
                self._has_outgoing.clear()
                self._must_check.set()
                await self._has_outgoing.wait()
                continue
            try:
                await connection.send(message)
            except ConnectionEnded:
                return  # the reader gets the reason
            self._deadlines.sent(self._now(), self._core.sent_s)

    async def _ping(self, connection: Connection) -> None:
        """Ping every half of ``stall_s``; the connection is lost if neither an answer nor a message comes.

        The answer comes once the server has read all audio before the ping. Audio that was sent faster than
        real time since the last answer may delay it. So does a link that is slower than the audio: each
        answer takes longer then than the last one.
        """
        ping: Callable[[], Coroutine[None, None, None]] | None = getattr(connection, "ping", None)
        if ping is None:
            return
        half_s = self._timeouts.stall_s / 2
        answered_s, answered_at = 0.0, self._now()  # audio sent before the ping answered last, and its time
        latency_s = 0.0  # of the last answer
        while True:
            await asyncio.sleep(half_s)
            asked_at, sent_s = self._now(), self._core.sent_s
            lead_s = max(0.0, sent_s - answered_s - (asked_at - answered_at))
            answer = asyncio.create_task(ping())
            try:
                while not answer.done():
                    due = max(asked_at, self._deadlines.received_at) + half_s + lead_s / 2 + 2 * latency_s
                    if due <= self._now():
                        with self._lock:
                            self._core.stall()
                            self._changed()
                        self._must_check.set()
                        return
                    await asyncio.wait([answer], timeout=due - self._now())
                await answer
                answered_s, answered_at, latency_s = sent_s, asked_at, self._now() - asked_at
            except ConnectionEnded:
                return  # the reader gets the reason
            finally:
                answer.cancel()

    # --- deadlines -----------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Act on deadlines that pass, and end a connection that the core does not need any more."""
        while True:
            self._must_check.clear()
            with self._lock:
                now = self._now()
                self._deadlines.observe(self._core, now)
                expiry = self._deadlines.passed(self._core, now)
                if expiry is not None:
                    self._expire(expiry)
                    self._changed()
                due = self._deadlines.next_at(self._core)
                state = self._core.state
            if state not in _CONNECTED:
                if self._connection is not None and self._reading is not None:
                    self._connection.abort()
                    self._reading.cancel()  # a transport of the user may go on waiting after abort()
                elif state is not SessionState.DIALLING and self._connecting is not None:
                    self._connecting.cancel()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await self._must_check.wait()

    def _expire(self, expiry: Expiry) -> None:
        match expiry:
            case Expiry.CLOSE:
                self._core.give_up(f"the server did not end the session within {self._timeouts.close_s:g} s")
            case Expiry.CLOSE_FRAME:
                self._core.expire_pending_error()
                self._deadlines.pending_error_expired()
            case Expiry.RESPONSE:
                self._core.stall()
            case Expiry.BEGIN:
                self._core.give_up("the server did not begin a session in time")
