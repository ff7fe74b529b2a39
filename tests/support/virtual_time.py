"""An event loop whose clock jumps to the next timer: tests of minutes take no time and always agree."""

import asyncio

__all__ = ["VirtualTimeLoop", "run"]


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A loop for code without threads or sockets. Its clock starts at 0 and moves while every task waits."""

    def __init__(self):
        super().__init__()
        self._now = 0.0
        poll = self._selector.select

        def select(timeout=None):
            ready = poll(0)
            if not ready:
                if timeout is None:
                    raise RuntimeError("every task waits, and no timer is set")
                self._now += timeout
            return ready

        self._selector.select = select

    def time(self):
        return self._now


def run(coroutine):
    """Run a coroutine under virtual time; return its result."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(coroutine)
