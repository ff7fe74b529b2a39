"""A worker as its parent sees it: a process, a channel to it, and how often it had to be started."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import signal
import socket
from typing import TYPE_CHECKING, Final

from vivavoce.server.workers.channel import Channel, Handler
from vivavoce.server.workers.handover import socket_pair
from vivavoce.server.workers.process import SIGNALS, Boot, run_worker
from vivavoce.server.workers.restarts import Restarts

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.context import SpawnProcess

__all__ = ["Child"]

_log = logging.getLogger(__name__)

_EXIT_S: Final = 20.0  # for the end of a process whose channel is closed


class Child:
    """One worker through all its starts.

    Attributes:
        number: Which worker it is, from 1.
        restarts: Says whether and when it is started again.
        channel: To its present process.
        handover: What connections are sent through.
        failure: Why its present process ended by itself; None: it does not say.
        signed_at: When it gave the last sign of life, in seconds of the loop's clock.
    """

    def __init__(self, number: int, handlers: dict[str, Handler]) -> None:
        """Prepare.

        Args:
            number: Which worker it is, from 1.
            handlers: What handles its messages.
        """
        self.number = number
        self.restarts = Restarts()
        self.failure: str | None = None
        self.signed_at = 0.0
        self._handlers = handlers
        self._process: SpawnProcess | None = None  # None before the first start
        self.channel = Channel(handlers)
        self.handover: socket.socket | None = None  # None while there is no process

    async def run(self, make_boot: Callable[[socket.socket, socket.socket], Boot]) -> int:
        """Start a process, exchange messages with it, and return its exit status once it has ended.

        Args:
            make_boot: Returns what it needs, from its ends of the channel and of the handover.

        Raises:
            OSError: The system lets no process start: too many of them, or no memory.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self.handover, their_handover = socket_pair()
        self.channel, self.failure = Channel(self._handlers), None
        self.signed_at = asyncio.get_running_loop().time()
        await self.channel.open(ours)
        process = multiprocessing.get_context("spawn").Process(
            target=run_worker,
            args=(make_boot(theirs, their_handover),),
            name=f"vivavoce-worker-{self.number}",
        )
        with theirs, their_handover:
            before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # for the process to inherit
            try:
                process.start()
            except OSError:
                self.channel.close()
                self._forget_handover()
                raise
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self._process = process
        _log.info("worker %d is process %d", self.number, process.pid)
        try:
            await self.channel.run()
            return await self._wait_exit(process)
        finally:
            self._forget_handover()

    def _forget_handover(self) -> None:
        if self.handover is not None:
            self.handover.close()
            self.handover = None

    def kill(self) -> None:
        """End its process at once, if there is one."""
        if self._process is not None and self._process.exitcode is None:
            self._process.kill()

    async def _wait_exit(self, process: SpawnProcess) -> int:
        loop, has_ended = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(process.sentinel, has_ended.set)
        try:
            async with asyncio.timeout(_EXIT_S):
                await has_ended.wait()
        except TimeoutError:
            process.kill()
            await has_ended.wait()
        finally:
            loop.remove_reader(process.sentinel)
        process.join()
        return process.exitcode or 0
