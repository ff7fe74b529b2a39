"""A second, better recogniser that hears finished utterances again, beside the engine of the first one."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from vivavoce.asr.models import recognise, use_huge_pages, warm_up
from vivavoce.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from vivavoce.asr.engine.served_stream import Member
    from vivavoce.asr.engine.stats import EngineStats
    from vivavoce.asr.models import Recogniser

__all__ = ["DEFAULT_LIMIT_S", "Reviser"]

_log = logging.getLogger(__name__)

DEFAULT_LIMIT_S: Final = 1.0
_NICENESS: Final = 10  # the words of people who are speaking come first


class Reviser:
    """Runs the better recogniser on a thread of its own, one utterance at a time, those that waited first.

    A final that waits for it longer than a limit is reported without it, and so are all finals before it is
    loaded and after it has failed; those of recordings wait for it to be loaded.
    """

    def __init__(
        self,
        recogniser: Callable[[], Recogniser],
        *,
        stats: EngineStats,
        news: Callable[[Member], None],
        alone: Callable[[Member], AbstractContextManager[None]],
        limit_s: float = DEFAULT_LIMIT_S,
    ) -> None:
        """Prepare; `load` loads the model.

        Args:
            recogniser: Loads it; called on the thread.
            stats: Counts its work.
            news: Called on the event loop with a member whose session has changed.
            alone: Lets an error in a session end that session only.
            limit_s: How long a final may wait for it after its utterance has ended, in seconds.
        """
        self._load_recogniser = recogniser
        self._stats = stats
        self._news = news
        self._alone = alone
        self._limit_s = limit_s
        self._members: dict[int, Member] = {}  # all sessions, by key
        self._waiting: dict[int, Member] = {}  # members that may want a pass, in their order, by key
        # What gives up a final that waits: of each member that has some, by the numbers of its utterances.
        self._timers: dict[int, dict[int, asyncio.TimerHandle]] = {}
        self._wanted = asyncio.Event()  # set while members wait
        self._is_loaded = False  # no final of a live session waits for it yet
        self._has_failed = False  # no final waits for it any more
        self._thread = ThreadPoolExecutor(1, "vivavoce-reviser", initializer=_yield_to_others)

    async def load(self) -> Recogniser:
        """Load the model.

        Raises:
            ModelError: It can't be loaded.
        """
        loop = asyncio.get_running_loop()
        recogniser = await loop.run_in_executor(self._thread, self._load_recogniser)
        await loop.run_in_executor(self._thread, warm_up, recogniser)
        await loop.run_in_executor(self._thread, use_huge_pages)  # the engine has done it for what was there
        self._is_loaded = True
        return recogniser

    def serve(self, member: Member) -> None:
        """Look at what a session needs, after anything has happened to it."""
        self._members[member.key] = member
        if not self._has_failed and member.session.next_revision() is not None:
            self._waiting[member.key] = member
            self._wanted.set()
        self._watch(member)

    def _watch(self, member: Member) -> None:
        """Let each final that waits be given up after the limit; one of a recording is not: nobody waits."""
        session, timers = member.session, self._timers.get(member.key, {})
        waiting = session.awaited_revisions
        for number in [number for number in timers if number not in waiting]:
            timers.pop(number).cancel()
        if session.is_recording and not self._has_failed:
            return
        limit_s = self._limit_s if self._is_loaded and not self._has_failed else 0.0
        loop = asyncio.get_running_loop()
        for number in waiting:
            if number not in timers:
                timers[number] = loop.call_later(limit_s, self._give_up, member, number)
        if timers:
            self._timers[member.key] = timers
        else:
            self._timers.pop(member.key, None)

    def forget(self, member: Member) -> None:
        """Do nothing more for a session."""
        self._waiting.pop(member.key, None)
        self._members.pop(member.key, None)
        self._release(member)

    def _release(self, member: Member) -> None:
        """Stop the timers of a session."""
        for timer in self._timers.pop(member.key, {}).values():
            timer.cancel()

    def _give_up(self, member: Member, utterance: int) -> None:
        self._timers.get(member.key, {}).pop(utterance, None)
        with self._alone(member):
            self._stats.late_revisions += member.session.give_up_revision(utterance)
            self._news(member)

    async def run(self, recogniser: Recogniser) -> None:
        """Serve until cancelled.

        Args:
            recogniser: From `load`.
        """
        loop = asyncio.get_running_loop()
        while True:
            while not self._waiting:
                self._wanted.clear()
                await self._wanted.wait()
            member = self._waiting.pop(self._next())
            with self._alone(member):
                request = member.session.next_revision()
                if request is None:
                    continue
                span = member.session.begin_revision(request)
                began = loop.time()
                try:
                    [hypothesis] = await loop.run_in_executor(self._thread, recognise, recogniser, [span])
                except EngineError as error:
                    _log.error("finals come from the first model from now on: %s", error)
                    self._has_failed = True
                    self._waiting.clear()
                    for each in list(self._members.values()):
                        self._release(each)
                        self._watch(each)
                    return
                self._stats.revise_s += loop.time() - began
                self._stats.passes[request.kind.value] += 1
                member.session.apply_revision(request, hypothesis)
                self._news(member)

    def _next(self) -> int:
        """The key of the member whose turn it is: nobody waits for recordings, so they come last."""
        live = (key for key, member in self._waiting.items() if not member.session.is_recording)
        return next(live, next(iter(self._waiting)))

    def stop(self) -> None:
        """Stop the thread after the pass in flight; waits for it."""
        self._thread.shutdown(cancel_futures=True)


def _yield_to_others() -> None:
    """Lower the priority of this thread, and of those that its model starts, where the system can do that."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
