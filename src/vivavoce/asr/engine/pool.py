"""The engines of a server, one for each model: loaded when first used, dropped when memory is short."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vivavoce.asr.engine.engine import Engine, EngineState
from vivavoce.free_memory import free_memory_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["EnginePool"]

_log = logging.getLogger(__name__)

_TEND_S: Final = 10.0
_SHORT_BYTES: Final = 512 << 20  # with less free memory, models that nobody uses are dropped


@dataclass(slots=True)
class _Place:
    """An engine and when it was last needed, in seconds of the event loop."""

    engine: Engine
    used: float


class EnginePool:
    """Engines by the name of their model. The first is loaded at start and stays.

    Attributes:
        names: The names of all models, the default first.
    """

    def __init__(
        self,
        makers: Mapping[str, Callable[[], Engine]],
        *,
        free_memory: Callable[[], int | None] = free_memory_bytes,
    ) -> None:
        """Prepare; nothing is loaded.

        Args:
            makers: Make the engine of each model; called on the event loop. There is at least one.
            free_memory: Returns the free memory in bytes; None: unknown.
        """
        self.names = tuple(makers)
        self._makers = makers
        self._free_memory = free_memory
        self._places: dict[str, _Place] = {}  # of the engines that were made and not dropped
        self._stopping: set[asyncio.Task[None]] = set()  # engines being dropped
        self._tending: asyncio.Task[None] | None = None  # None before the start

    @property
    def default(self) -> Engine:
        """The engine of the first model.

        Raises:
            KeyError: The pool has not started.
        """
        return self._places[self.names[0]].engine

    @property
    def loaded(self) -> dict[str, Engine]:
        """The engines in memory, by the names of their models, the default first."""
        return {name: place.engine for name, place in self._places.items()}

    @property
    def is_saturated(self) -> bool:
        """Whether an engine can't serve another session in time.

        All share the cores of this machine: a session of another model would take what is missing here.
        """
        return any(place.engine.is_saturated for place in self._places.values())

    def start(self) -> None:
        """Begin to load the default model; call it on the event loop."""
        self._make(self.names[0])
        self._tending = asyncio.create_task(self._tend_forever(), name="vivavoce-engines")

    def engine_of(self, name: str | None) -> Engine:
        """Return the engine of a model, which begins to load if it is not in memory.

        Args:
            name: One of `names`; None: the default.

        Raises:
            KeyError: There is no such model.
        """
        name = self.names[0] if name is None else name
        place = self._places.get(name)
        is_default = name == self.names[0]
        if place is not None and not is_default and place.engine.state is EngineState.DEAD:
            self._drop(name)  # what was wrong with it may be mended by now
            place = None
        if place is None:
            self._make_room()
            place = self._make(name)
        place.used = asyncio.get_running_loop().time()
        return place.engine

    def _make(self, name: str) -> _Place:
        engine = self._makers[name]()
        engine.start()
        place = self._places[name] = _Place(engine, asyncio.get_running_loop().time())
        return place

    async def stop(self) -> None:
        """Stop all engines."""
        if self._tending is not None:
            self._tending.cancel()
        for name in list(self._places):
            self._drop(name)
        if self._stopping:
            await asyncio.wait(self._stopping)

    # --- memory ---------------------------------------------------------------------------------

    async def _tend_forever(self) -> None:
        while True:
            await asyncio.sleep(_TEND_S)
            self._tend()

    def _tend(self) -> None:
        """Note which models are in use, and drop one if memory is short."""
        now = asyncio.get_running_loop().time()
        for place in self._places.values():
            if place.engine.n_sessions:
                place.used = now
        self._make_room()

    def _make_room(self) -> None:
        """Drop the model that was not used for longest, if memory is short; a moment later it is free."""
        free = self._free_memory()
        if free is None or free >= _SHORT_BYTES:
            return
        idle = [
            (place.used, name)
            for name, place in self._places.items()
            if name != self.names[0] and not place.engine.n_sessions
        ]
        if idle:
            _, name = min(idle)
            _log.info("memory is short (%d MiB): model %s is dropped until it is used", free >> 20, name)
            self._drop(name)

    def _drop(self, name: str) -> None:
        task = asyncio.create_task(self._places.pop(name).engine.stop())
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)
