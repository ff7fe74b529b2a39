"""Keeps a session's core and its connections going, on one event loop.

It dials, reads, writes, dials again, and sees to it that nothing takes for ever. Both fronts use it: the
asynchronous one on its own loop, the other one on a loop in a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

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

_HOLD_S: Final = 0.5  # how long an error message waits for the close that belongs to it
_LAST_STALL_S: Final = 3.0  # after the end was asked for: when to ask another connection for it
_SHUT_S: Final = 1.5  # how long the closing handshake may take


class Runner:
    """Runs a core.

    Args:
        core: What the session is.
        dial: Opens a connection.
        lock: Held whenever the core is used, for a core that threads share.
        changed: Called, with the lock held, when others may have to look at the core again.
        timeouts: How long things may take.
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
        self._dials = 0
        self._work = asyncio.Event()
        self._look = asyncio.Event()
        self._connection: Connection | None = None
        self._reading: asyncio.Task[None] | None = None
        self._connecting: asyncio.Task[Connection | None] | None = None
        self._started = 0.0
        self._since = 0.0  # when there was progress: a connection, a message sent, the wish to end
        self._received_at = 0.0
        self._opened_at = 0.0
        self._lead_s = 0.0  # by how much the audio sent over the connection is longer than its time
        self._ending = False
        self._drained_at: float | None = None
        self._drained_lead_s = 0.0
        self._held_at: float | None = None

    def wake(self) -> None:
        """Say that the user has done something to the core. Called on the loop."""
        self._work.set()
        self._look.set()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    async def run(self) -> None:
        """Run until the session has ended."""
        self._since = self._started = self._now()
        watch = asyncio.create_task(self._watch())
        try:
            while True:
                with self._lock:
                    delay_s = self._core.delay_s
                if delay_s is None:
                    break
                await self._connect_and_serve(delay_s)
        finally:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch
            with self._lock:
                self._core.drop()  # does nothing unless this was cancelled
                self._changed()

    async def _connect_and_serve(self, delay_s: float) -> None:
        connecting = asyncio.create_task(self._connect(delay_s))
        self._connecting = connecting
        try:
            connection = await connecting
        except asyncio.CancelledError:
            with self._lock:
                if not self._core.is_finished:
                    raise
            return
        if connection is not None:
            await self._serve(connection)

    async def _connect(self, delay_s: float) -> Connection | None:
        await asyncio.sleep(delay_s)
        while True:
            self._dials += 1
            try:
                connection = await self._dial()
            except RealtimeError as error:
                if await self._may_redial(error):
                    continue
                with self._lock:
                    self._core.dial_failed(error)
                    self._changed()
                return None
            with self._lock:
                self._core.dial_succeeded()
            self._since = self._opened_at = self._now()
            self._lead_s = 0.0
            return connection

    async def _may_redial(self, error: RealtimeError) -> bool:
        """Whether a first connection is tried again: where nobody answered, not where somebody said no."""
        if self._core.has_opened or self._dials >= self._timeouts.connect_attempts:
            return False
        if not isinstance(error, ConnectError) or error.status_code is not None:
            return False
        await asyncio.sleep(self._timeouts.connect_retry_s)
        return True

    async def _serve(self, connection: Connection) -> None:
        self._connection = connection
        self._held_at = None
        tasks = [
            asyncio.create_task(self._write(connection)),
            asyncio.create_task(self._ask_for_life(connection)),
        ]
        reading = self._reading = asyncio.create_task(self._read(connection))
        try:
            await reading
        except asyncio.CancelledError:
            with self._lock:
                if self._core.state in {SessionState.OPENING, SessionState.OPEN}:
                    raise
        finally:
            self._connection = self._reading = None
            reading.cancel()
            for task in tasks:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_SHUT_S):
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
                holding = self._core.has_pending_error
                self._changed()
            self._work.set()
            self._received_at = self._now()
            if not holding:
                self._held_at = None
            elif self._held_at is None:
                self._held_at = self._now()
                self._look.set()
            if state not in {SessionState.OPENING, SessionState.OPEN}:
                return

    async def _write(self, connection: Connection) -> None:
        while True:
            with self._lock:
                message = self._core.next_outgoing(self._now())
                self._changed()
            if message is None:
                self._work.clear()
                self._look.set()
                await self._work.wait()
                continue
            try:
                await connection.send(message)
            except ConnectionEnded:
                return  # the reader learns why
            self._since = self._now()
            self._lead_s = max(0.0, self._core.sent_s - (self._since - self._opened_at))

    async def _ask_for_life(self, connection: Connection) -> None:
        """Ping, and take the connection for lost where neither an answer nor anything else comes.

        An answer comes when all the audio before the ping was read. So what was sent ahead of its time since
        the last answer may take longer.
        """
        ping: Callable[[], Coroutine[None, None, None]] | None = getattr(connection, "ping", None)
        half_s = self._timeouts.stall_s / 2
        read_s, read_at = 0.0, self._now()
        while ping is not None:
            await asyncio.sleep(half_s)
            asked_at, sent_s = self._now(), self._core.sent_s
            ahead_s = max(0.0, sent_s - read_s - (asked_at - read_at))
            answer = asyncio.create_task(ping())
            try:
                while not answer.done():
                    due = max(asked_at, self._received_at) + half_s + ahead_s / 2
                    if due <= self._now():
                        with self._lock:
                            self._core.stall()
                            self._changed()
                        self._look.set()
                        return
                    await asyncio.wait([answer], timeout=due - self._now())
                await answer
                read_s, read_at = sent_s, asked_at
            except ConnectionEnded:
                return  # the reader learns why
            finally:
                answer.cancel()

    # --- nothing takes for ever ---------------------------------------------------------------

    async def _watch(self) -> None:
        while True:
            self._look.clear()
            with self._lock:
                due = self._due()
                if due is not None and due <= self._now():
                    self._expire()
                    self._changed()
                    due = self._due()
                state = self._core.state
            if state in {SessionState.ENDED, SessionState.FAILED, SessionState.DIALLING}:
                if self._connection is not None and self._reading is not None:
                    self._connection.abort()
                    self._reading.cancel()  # which may wait on, in a connection that is not ours
                elif state is not SessionState.DIALLING and self._connecting is not None:
                    self._connecting.cancel()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await self._look.wait()

    def _due(self) -> float | None:
        """When something has to be done, unless something happens."""
        core, timeouts = self._core, self._timeouts
        if core.is_finished:
            return None
        times: list[float] = []
        if core.state is SessionState.OPENING:
            times.append(self._since + timeouts.begin_s)
            if not core.has_opened:
                times.append(self._started + timeouts.open_s)
        if core.has_pending_error and self._held_at is not None:
            times.append(self._held_at + _HOLD_S)
        if core.is_terminating:
            if not self._ending:
                self._ending, self._since = True, self._now()
            times += self._ends()
            if core.is_drained and core.can_reconnect:
                times.append(self._progress() + _LAST_STALL_S + min(timeouts.close_s, self._lead_s / 2))
        return min(times, default=None)

    def _progress(self) -> float:
        return max(self._since, self._received_at)

    def _ends(self) -> list[float]:
        """When a session that was to end is given up.

        A server that was sent a recording faster than it is spoken may need as much time to hear it, without
        a word in between. So half of that is waited for its next word beside what is waited anyway, but not
        more than as much again, and twice of it in all.
        """
        if self._core.is_drained and self._drained_at is None:
            self._drained_at, self._drained_lead_s = self._now(), self._lead_s
        limit_s = self._timeouts.close_s
        ends = [self._progress() + limit_s + min(limit_s, self._lead_s / 2)]
        if self._drained_at is not None:
            ends.append(self._drained_at + limit_s + 2 * self._drained_lead_s)
        return ends

    def _expire(self) -> None:
        core, timeouts, now = self._core, self._timeouts, self._now()
        if core.is_terminating and now >= min(self._ends()):
            core.give_up(f"the server did not end the session within {timeouts.close_s:g} s")
        elif core.has_pending_error and self._held_at is not None and now >= self._held_at + _HOLD_S:
            core.expire_pending_error()
            self._held_at = None
        elif core.has_opened:
            core.stall()
        else:
            core.give_up("the server did not begin a session in time")
