"""The engine of a process: loads the models, runs them on threads, serves every session.

Sessions live on the event loop; only spans and batches go to the threads. The speech detector has a thread of
its own, so that detecting speech never waits for decoding; the recogniser has one a core.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import itertools
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from vivavoce.asr.engine.cadence import CadenceControl
from vivavoce.asr.engine.faults import Faults
from vivavoce.asr.engine.reviser import DEFAULT_LIMIT_S, Reviser
from vivavoce.asr.engine.scheduler import Scheduler
from vivavoce.asr.engine.served_stream import Member, ServedStream
from vivavoce.asr.engine.stats import EngineStats
from vivavoce.asr.models import (
    give_back_memory,
    load_detector,
    load_recogniser,
    use_huge_pages,
    warm_up,
)
from vivavoce.asr.session import Tuning
from vivavoce.cores import usable_cores
from vivavoce.errors import EngineError, VivavoceError
from vivavoce.types import MODEL_RATE_HZ, Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vivavoce.asr.models import Frames, Hypothesis, Recogniser, RunningBatch, Span, SpeechDetector
    from vivavoce.asr.session import Channels, DecodeRequest

__all__ = ["Engine", "EngineState"]

_log = logging.getLogger(__name__)

_GATHER_S = 0.004
_LONGEST_GATHER_S = 0.032
_FEW_FRAMES = 16
_GIVE_BACK_S = 20.0


class EngineState(enum.Enum):
    """Whether all models are there; sessions are served as soon as that of the partials is."""

    LOADING = "loading"
    READY = "ready"
    DEAD = "dead"


class Engine:
    """Serves sessions with one recogniser and one speech detector.

    `start` returns at once; streams may join while the models load, and their audio waits. It waits for the
    detector and the first recogniser only: until the second one is loaded, finals come from the first.

    Attributes:
        stats: Counters of the work done so far.
        tuning: Times and sizes that its sessions must have.
    """

    def __init__(
        self,
        *,
        recogniser: Callable[[], Recogniser] = load_recogniser,
        detector: Callable[[], SpeechDetector] = load_detector,
        reviser: Callable[[], Recogniser] | None = None,
        revision_limit_s: float = DEFAULT_LIMIT_S,
        workers: int | None = None,
        tuning: Tuning | None = None,
    ) -> None:
        """Prepare an engine.

        Args:
            recogniser: Loads the recogniser; called on a thread.
            detector: Loads the speech detector; called on a thread.
            reviser: Loads a better recogniser, which hears finished utterances again; called on a thread.
                Nobody waits for it, but if it can't be loaded, the engine is dead. None: there is none.
            revision_limit_s: How long a final may wait for that one, in seconds.
            workers: Most batches decoded at the same time; a recogniser may want fewer. None: one a core,
                within the CPU quota.
            tuning: Times and sizes of its sessions; None: the defaults.
        """
        self.stats = EngineStats()
        self.tuning = replace(tuning or Tuning(), revises=reviser is not None)
        self._workers = workers or usable_cores()
        self._control = CadenceControl(self.tuning.cadence_ms)  # replaced once the recogniser is known
        self._load_recogniser = recogniser
        self._load_detector = detector
        self._state = EngineState.LOADING
        self._error: str | None = None  # why it is dead
        self._loaded = asyncio.Event()  # set when loading has ended, well or not
        self._members: dict[int, Member] = {}  # sessions by key
        self._keys = itertools.count()
        self._undetected: dict[int, Member] = {}  # may have frames for the detector; a dict keeps their order
        self._frames_wanted = asyncio.Event()  # set while there are undetected members
        self._passes_wanted = asyncio.Event()  # set while the scheduler holds requests
        self._scheduler = Scheduler(1)  # replaced once the recogniser's batch size is known
        self._faults = Faults()  # of the recogniser
        self._dead = asyncio.Event()  # set when it is
        self._tasks: list[asyncio.Task[None]] = []
        self._reviser = (
            None
            if reviser is None
            else Reviser(
                reviser, stats=self.stats, news=self._news, alone=self._alone, limit_s=revision_limit_s
            )
        )
        self._threads = ThreadPoolExecutor(1 + self._workers, thread_name_prefix="vivavoce-engine")

    @property
    def state(self) -> EngineState:
        """Whether all models are there and work."""
        return self._state

    @property
    def error(self) -> str | None:
        """Why the engine is dead; None while it is not."""
        return self._error

    @property
    def cadence_ms(self) -> float:
        """Audio between two partials of an utterance, in milliseconds: longer under load."""
        return self._control.cadence_ms

    @property
    def is_saturated(self) -> bool:
        """Whether the engine can't serve another session in time."""
        return self._control.is_saturated(asyncio.get_running_loop().time())

    @property
    def workers(self) -> int:
        """Most batches that are decoded at the same time."""
        return self._workers

    @property
    def n_sessions(self) -> int:
        """Sessions being served."""
        return len(self._members)

    # --- life -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to load the models and to serve; call it on the event loop."""
        self._tasks.append(asyncio.create_task(self._run(), name="vivavoce-engine"))

    async def wait_loaded(self) -> None:
        """Wait until the models are loaded.

        Raises:
            EngineError: They can't be loaded.
        """
        await self._loaded.wait()
        if self._state is EngineState.DEAD:
            raise EngineError(self._error or "the engine is dead")

    async def wait_dead(self) -> EngineError:
        """Wait until the engine can't serve any more; returns why."""
        await self._dead.wait()
        return EngineError(self._error or "the engine is dead")

    async def stop(self) -> None:
        """Stop serving and wait for the passes in flight."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
        if self._reviser is not None:
            await asyncio.to_thread(self._reviser.stop)

    async def _run(self) -> None:
        try:
            loop = asyncio.get_running_loop()
            detector = await loop.run_in_executor(self._threads, self._load_detector)
            recogniser = await loop.run_in_executor(self._threads, self._load_recogniser)
            _check_sizes(self.tuning, recogniser, detector)
            await loop.run_in_executor(self._threads, warm_up, recogniser)
            self._scheduler = Scheduler(recogniser.max_batch)
            self._workers = min(self._workers, recogniser.max_workers or self._workers)
            self._control = CadenceControl(recogniser.partial_cadence_ms or self.tuning.cadence_ms)
            for member in self._members.values():
                self._serve(member)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._detect_forever(detector))
                for _ in range(self._workers):
                    group.create_task(self._decode_forever(recogniser))
                group.create_task(self._tend_memory_forever())
                group.create_task(self._revise_forever(recogniser.name))
        except BaseExceptionGroup as group_error:
            self._die(group_error.exceptions[0])
        except Exception as error:  # noqa: BLE001 - whatever it is, no session can be served any more
            self._die(error)

    async def _revise_forever(self, name: str) -> None:
        """Load the second recogniser, if there is one, and let it hear finished utterances."""
        better = None
        if self._reviser is not None:
            _log.info("engine serves: %s; its model for finals is loading", name)
            better = await self._reviser.load()
        self._state = EngineState.READY
        self._loaded.set()
        _log.info("engine ready: %s", name)
        if self._reviser is not None and better is not None:
            await self._reviser.run(better)

    def _die(self, error: BaseException) -> None:
        if isinstance(error, VivavoceError):
            _log.error("engine dead: %s", error)
        else:
            _log.critical("engine dead", exc_info=error)
        self._state = EngineState.DEAD
        self._error = str(error)
        self._loaded.set()
        self._dead.set()
        for member in list(self._members.values()):
            member.session.fail(Failure.INTERNAL)
            member.wake()

    # --- sessions -------------------------------------------------------------------------------

    def join(self, stream: Channels, wake: Callable[[], None]) -> ServedStream:
        """Serve the sessions of a stream from now on.

        Args:
            stream: The stream; its tuning must have the engine's sizes.
            wake: Called on the event loop when any of its sessions has news.

        Raises:
            ValueError: The tuning of its sessions does not fit the engine.
        """
        members = []
        for session in stream.sessions:
            if session.tuning.frame_samples != self.tuning.frame_samples:
                raise ValueError(
                    f"`tuning.frame_samples` must be {self.tuning.frame_samples}, as the engine has it, "
                    f"got {session.tuning.frame_samples}"
                )
            member = Member(next(self._keys), session, wake)
            self._members[member.key] = member
            members.append(member)
            if self._state is EngineState.DEAD:
                session.fail(Failure.INTERNAL)
        return ServedStream(stream, tuple(members), serve=self._serve, leave=self._leave)

    def _leave(self, member: Member) -> None:
        """Stop serving a session; the results of what runs for it are dropped."""
        self._members.pop(member.key, None)
        self._undetected.pop(member.key, None)
        self._scheduler.forget(member.key)
        if self._reviser is not None:
            self._reviser.forget(member)

    def _serve(self, member: Member) -> None:
        """Note what a session needs, after anything has happened to it."""
        if member.key not in self._members:
            return
        self._undetected[member.key] = member
        self._frames_wanted.set()
        request = member.session.next_pass(self._control.cadence_ms)
        if request is None:
            self._scheduler.forget(member.key)
        else:
            self._scheduler.put(member.key, request, asyncio.get_running_loop().time())
            self._passes_wanted.set()
        if self._reviser is not None:
            self._reviser.serve(member)

    def _news(self, member: Member) -> None:
        self._serve(member)
        member.wake()

    @contextlib.contextmanager
    def _alone(self, member: Member) -> Iterator[None]:
        """Let an error in one session end that session only."""
        try:
            yield
        except Exception:  # noqa: BLE001 - the others must not suffer, whatever it is
            _log.exception("session %s broke", member.session.session_id)
            member.session.fail(Failure.INTERNAL)
            member.wake()

    # --- work -----------------------------------------------------------------------------------

    async def _detect_forever(self, detector: SpeechDetector) -> None:
        loop = asyncio.get_running_loop()
        faults = Faults()
        while True:
            await self._frames_wanted.wait()
            # A call on a thread that slept costs several times what a session in it does, so the frames of
            # several sessions are gathered.
            await asyncio.sleep(min(_LONGEST_GATHER_S, _GATHER_S * (len(self._members) - 1)))
            self._frames_wanted.clear()
            batch = self._take_frames()
            if not batch:
                continue
            inputs = [(member.speech_state or detector.initial_state(), frames) for member, frames in batch]
            try:
                if sum(len(frames) for _, frames in batch) <= _FEW_FRAMES:
                    # That takes a millisecond at most; waking a thread for it would double the cost.
                    results = detector.detect(inputs)
                else:
                    results = await loop.run_in_executor(self._threads, detector.detect, inputs)
            except Exception as error:  # noqa: BLE001 - of a batch; the others go on
                faults.failed(error, (member for member, _ in batch))
                continue
            faults.worked()
            self.stats.detected_s += sum(frames.size for _, frames in batch) / MODEL_RATE_HZ
            for (member, _), (state, probabilities) in zip(batch, results, strict=True):
                member.speech_state = state
                if member.key in self._members:
                    with self._alone(member):
                        member.session.apply_probabilities(probabilities)
                        self._news(member)

    def _take_frames(self) -> list[tuple[Member, Frames]]:
        batch = []
        for member in list(self._undetected.values()):
            with self._alone(member):
                frames = member.session.take_frames(cadence_ms=self._control.cadence_ms)
                if frames is not None:
                    batch.append((member, frames))
        self._undetected.clear()
        return batch

    async def _decode_forever(self, recogniser: Recogniser) -> None:
        loop = asyncio.get_running_loop()
        batch = recogniser.open_batch()
        running: dict[int, tuple[Member, DecodeRequest]] = {}  # by their keys in the batch
        while True:
            if not running:
                await self._passes_wanted.wait()
            requests = [request for _, request in running.values()]
            passes = self._plan(requests) if recogniser.joins_running or not running else []
            if not passes and not running:
                continue
            began = loop.time()
            spans = [span for _, _, span in passes]
            # What fits into this batch may join it between two steps; what does not waits for its end.
            is_open = recogniser.joins_running and (bool(passes) or not len(self._scheduler))
            room = recogniser.max_batch if is_open else 0
            try:
                keys, done = await loop.run_in_executor(self._threads, self._decode, batch, spans, room)
            except Exception as error:  # noqa: BLE001 - of a batch; the others go on
                members = [member for member, _ in running.values()]
                self._faults.failed(error, [*members, *(member for member, _, _ in passes)])
                running, batch = {}, recogniser.open_batch()
                continue
            if done:
                self._faults.worked()
            running |= {key: each[:2] for key, each in zip(keys, passes, strict=True)}
            _, first = next(iter(running.values()))
            self.stats.decoded(loop.time() - began, first, self._control.least_share)
            for key, hypothesis in done:
                member, request = running.pop(key)
                if member.key in self._members:
                    with self._alone(member):
                        member.session.apply_hypothesis(request, hypothesis)
                        self._news(member)

    def _decode(
        self, batch: RunningBatch, spans: list[Span], room: int
    ) -> tuple[list[int], list[tuple[int, Hypothesis]]]:
        """Let spans join; work until one is done, or others wait and the batch has room. Runs on a thread."""
        keys = [batch.add(span) for span in spans]
        done = batch.step()
        while not done and not (len(batch) < room and self._passes_wanted.is_set()):
            done = batch.step()
        return keys, done

    def _plan(self, running: list[DecodeRequest]) -> list[tuple[Member, DecodeRequest, Span]]:
        """Begin the passes that join a batch of others."""
        now = asyncio.get_running_loop().time()
        queue_wait_s = self._scheduler.longest_wait_s(now)
        batch = self._scheduler.plan(now, running)
        if not len(self._scheduler):
            self._passes_wanted.clear()
        passes = self._begin(batch.requests)
        if passes:
            self._control.note_wait(queue_wait_s, now)
            self.stats.joined(
                [request.kind for _, request, _ in passes],
                n_running=len(running),
                wait_s=batch.wait_s,
                queue_wait_s=queue_wait_s,
            )
        return passes

    def _begin(
        self, requests: tuple[tuple[int, DecodeRequest], ...]
    ) -> list[tuple[Member, DecodeRequest, Span]]:
        passes = []
        for key, request in requests:
            member = self._members[key]
            if member.session.is_over:
                continue
            with self._alone(member):
                passes.append((member, request, member.session.begin_pass(request)))
        return passes

    async def _tend_memory_forever(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, use_huge_pages)  # nobody has to wait for it
        while True:
            await asyncio.sleep(_GIVE_BACK_S)
            await loop.run_in_executor(self._threads, give_back_memory)


def _check_sizes(tuning: Tuning, recogniser: Recogniser, detector: SpeechDetector) -> None:
    """Refuse models that do not fit the sessions.

    Raises:
        EngineError: The detector has another frame size, or windows would move by part of a step.
    """
    if detector.frame_samples != tuning.frame_samples:
        raise EngineError(
            f"`frame_samples` of the speech detector must be {tuning.frame_samples}, "
            f"got {detector.frame_samples}"
        )
    if tuning.window_step_samples % recogniser.step_samples:
        raise EngineError(
            f"`step_samples` of the recogniser must divide {tuning.window_step_samples}, "
            f"got {recogniser.step_samples}"
        )
