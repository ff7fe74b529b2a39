"""The engine of a process: loads the models, runs them on threads of their own, serves every session.

Sessions live on the event loop; only arrays go to the threads. The speech detector has a thread of its
own, so that hearing one session never waits for decoding another; the recogniser has one a core.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import itertools
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vivavoce.asr.audio import ENGINE_RATE_HZ
from vivavoce.asr.engine.cadence import CadenceControl
from vivavoce.asr.engine.scheduler import Scheduler
from vivavoce.asr.engine.stats import EngineStats
from vivavoce.asr.models import give_back_memory, load_detector, load_recogniser, warm_up
from vivavoce.asr.session import Tuning
from vivavoce.errors import EngineError, VivavoceError
from vivavoce.types import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vivavoce.asr.models import Recogniser, SpeechDetector, SpeechState
    from vivavoce.asr.session import Session

__all__ = ["Engine", "EngineState", "Member"]

_log = logging.getLogger(__name__)

_GATHER_S = 0.004
_LONGEST_GATHER_S = 0.032
_FEW_FRAMES = 16
_GIVE_BACK_S = 20.0


class EngineState(enum.Enum):
    """Whether sessions can be served."""

    LOADING = "loading"
    READY = "ready"
    DEAD = "dead"


@dataclass(slots=True, eq=False)
class Member:
    """A session served by the engine.

    Attributes:
        key: Tells it from all others of this engine.
        session: The session; touched on the event loop only.
        wake: Called on the event loop when the session has news.
        speech_state: What the speech detector remembers of it; None until it was first run.
    """

    key: int
    session: Session
    wake: Callable[[], None]
    speech_state: SpeechState | None = field(default=None)


class Engine:
    """Serves sessions with one recogniser and one speech detector.

    `start` returns at once; sessions may join while the models load, and their audio waits.

    Attributes:
        stats: What it has done so far.
    """

    def __init__(
        self,
        *,
        recogniser: Callable[[], Recogniser] = load_recogniser,
        detector: Callable[[], SpeechDetector] = load_detector,
        workers: int | None = None,
    ) -> None:
        """Prepare an engine.

        Args:
            recogniser: Loads the recogniser; called on a thread.
            detector: Loads the speech detector; called on a thread.
            workers: Batches decoded at the same time; by default one a core.
        """
        self.stats = EngineStats()
        self._workers = workers or _cores()
        self._control = CadenceControl(Tuning().cadence_ms)
        self._load_recogniser = recogniser
        self._load_detector = detector
        self._state = EngineState.LOADING
        self._error: str | None = None
        self._loaded = asyncio.Event()
        self._members: dict[int, Member] = {}
        self._keys = itertools.count()
        self._unheard: dict[int, Member] = {}  # members that may have frames; a dict keeps their order
        self._frames_wanted = asyncio.Event()
        self._passes_wanted = asyncio.Event()
        self._scheduler = Scheduler(1)
        self._tasks: list[asyncio.Task[None]] = []
        self._threads = ThreadPoolExecutor(1 + self._workers, thread_name_prefix="vivavoce-engine")

    @property
    def state(self) -> EngineState:
        """Whether sessions can be served."""
        return self._state

    @property
    def error(self) -> str | None:
        """Why the engine is dead."""
        return self._error

    @property
    def cadence_ms(self) -> float:
        """Audio between two partials of an utterance, in milliseconds: longer under load."""
        return self._control.cadence_ms

    @property
    def is_saturated(self) -> bool:
        """Whether one more session would be one too many."""
        return self._control.is_saturated(asyncio.get_running_loop().time())

    @property
    def n_sessions(self) -> int:
        """Sessions being served."""
        return len(self._members)

    # --- life ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to load the models and to serve; call it on the event loop."""
        self._tasks.append(asyncio.create_task(self._run(), name="vivavoce-engine"))

    async def wait_loaded(self) -> None:
        """Wait until the models are loaded.

        Raises:
            EngineError: They can't be.
        """
        await self._loaded.wait()
        if self._state is EngineState.DEAD:
            raise EngineError(self._error or "the engine is dead")

    async def stop(self) -> None:
        """Stop serving and wait for what is running."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)

    async def _run(self) -> None:
        try:
            loop = asyncio.get_running_loop()
            detector = await loop.run_in_executor(self._threads, self._load_detector)
            recogniser = await loop.run_in_executor(self._threads, self._load_recogniser)
            await loop.run_in_executor(self._threads, warm_up, recogniser)
            self._scheduler = Scheduler(recogniser.max_batch)
            self._state = EngineState.READY
            self._loaded.set()
            _log.info("engine ready: %s", recogniser.name)
            self._serve_all()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._detect_forever(detector))
                for _ in range(self._workers):
                    group.create_task(self._decode_forever(recogniser))
                group.create_task(self._give_back_forever())
        except BaseExceptionGroup as group_error:
            self._die(group_error.exceptions[0])
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody can be served any more
            self._die(error)

    def _die(self, error: BaseException) -> None:
        if isinstance(error, VivavoceError):
            _log.error("engine dead: %s", error)
        else:
            _log.critical("engine dead", exc_info=error)
        self._state = EngineState.DEAD
        self._error = str(error)
        self._loaded.set()
        for member in list(self._members.values()):
            member.session.fail(Failure.INTERNAL)
            member.wake()

    # --- sessions -------------------------------------------------------------------------------

    def join(self, session: Session, wake: Callable[[], None]) -> Member:
        """Serve a session from now on.

        Args:
            session: The session.
            wake: Called on the event loop when it has news.
        """
        member = Member(next(self._keys), session, wake)
        self._members[member.key] = member
        if self._state is EngineState.DEAD:
            session.fail(Failure.INTERNAL)
        return member

    def leave(self, member: Member) -> None:
        """Serve a session no more; what runs for it is thrown away."""
        self._members.pop(member.key, None)
        self._unheard.pop(member.key, None)
        self._scheduler.forget(member.key)

    def serve(self, member: Member) -> None:
        """Look at what a session needs, after anything happened to it."""
        self._unheard[member.key] = member
        self._frames_wanted.set()
        request = member.session.next_pass()
        if request is None:
            self._scheduler.forget(member.key)
        else:
            now = asyncio.get_running_loop().time()
            self._scheduler.want(
                member.key,
                is_final=request.is_final,
                is_settled=request.is_settled,
                n_samples=request.n_samples,
                now=now,
            )
            self._passes_wanted.set()

    def _serve_all(self) -> None:
        for member in self._members.values():
            self.serve(member)

    # --- work -----------------------------------------------------------------------------------

    async def _detect_forever(self, detector: SpeechDetector) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._frames_wanted.wait()
            # A call on a thread that slept costs several times what a session in it does, so frames of
            # several sessions are heard together.
            await asyncio.sleep(min(_LONGEST_GATHER_S, _GATHER_S * (len(self._members) - 1)))
            self._frames_wanted.clear()
            batch = []
            for member in list(self._unheard.values()):
                with self._alone(member):
                    frames = member.session.take_frames()
                    if frames is not None:
                        batch.append((member, frames))
            self._unheard.clear()
            if not batch:
                continue
            inputs = [(member.speech_state or detector.initial_state(), frames) for member, frames in batch]
            if sum(len(frames) for _, frames in batch) <= _FEW_FRAMES:
                # That takes a millisecond at most; to wake a thread for it would cost as much again.
                results = detector.detect(inputs)
            else:
                results = await loop.run_in_executor(self._threads, detector.detect, inputs)
            self.stats.heard_s += sum(frames.size for _, frames in batch) / ENGINE_RATE_HZ
            for (member, _), (state, probabilities) in zip(batch, results, strict=True):
                member.speech_state = state
                if member.key in self._members:
                    with self._alone(member):
                        member.session.apply_probabilities(probabilities)
                        self._news(member)

    async def _decode_forever(self, recogniser: Recogniser) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._passes_wanted.wait()
            now = loop.time()
            wait_s = self._scheduler.oldest_wait_s(now)
            keys = self._scheduler.plan()
            if not len(self._scheduler):
                self._passes_wanted.clear()
            passes = []
            for key in keys:
                member = self._members[key]
                with self._alone(member):
                    request = member.session.next_pass()
                    if request is not None:
                        passes.append((member, request, member.session.begin_pass(request)))
            if not passes:
                continue
            self._control.waited(wait_s, now)
            spans = [span for _, _, span in passes]
            hypotheses = await loop.run_in_executor(self._threads, recogniser.recognise, spans)
            kinds = [request.kind for _, request, _ in passes]
            self.stats.batch(kinds, wait_s=wait_s, decode_s=loop.time() - now)
            for (member, request, _), hypothesis in zip(passes, hypotheses, strict=True):
                if member.key in self._members:
                    with self._alone(member):
                        member.session.cadence_ms = self._control.cadence_ms
                        member.session.apply_hypothesis(request, hypothesis)
                        self._news(member)

    async def _give_back_forever(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_GIVE_BACK_S)
            await loop.run_in_executor(self._threads, give_back_memory)

    @contextlib.contextmanager
    def _alone(self, member: Member) -> Iterator[None]:
        """What goes wrong in one session ends that one; the others are served on."""
        try:
            yield
        except Exception:  # noqa: BLE001 - the others must not suffer, whatever it is
            _log.exception("session %s broke", member.session.session_id)
            member.session.fail(Failure.INTERNAL)
            member.wake()

    def _news(self, member: Member) -> None:
        self.serve(member)
        member.wake()


def _cores() -> int:
    """Processors this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
