"""The voice encoder of a server: one thread for all sessions that label turns, loaded for the first."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vivavoce.asr.audio import Samples
    from vivavoce.asr.models.base import SpeakerEmbedder

__all__ = ["Voices", "windows_of"]

Floats: TypeAlias = npt.NDArray[np.float32]

_MOST_WINDOWS: Final = 24  # in one run, which takes about 0.1 s


def windows_of(speech: Samples, window: int, shortest: int) -> list[Samples]:
    """Cut speech into windows that overlap by half.

    Args:
        speech: Shape (n,), float32, 16 kHz.
        window: Samples of a window.
        shortest: Less speech than this has no window; less than a window has one that is as long as it is.
    """
    if len(speech) < window:
        return [speech] if len(speech) >= shortest else []
    return [speech[at : at + window] for at in range(0, len(speech) - window + 1, window // 2)]


class Voices:
    """Computes embeddings of speech. Use it on one event loop only."""

    def __init__(self, load: Callable[[], SpeakerEmbedder]) -> None:
        """Prepare; nothing is loaded.

        Args:
            load: Loads the voice encoder; called on the thread, once.
        """
        self._load = load
        self._embedder: SpeakerEmbedder | None = None  # None until it is loaded, on the thread
        self._thread = ThreadPoolExecutor(1, "vivavoce-voices")
        self._waiting: list[tuple[Samples, asyncio.Future[Floats]]] = []
        self._running: asyncio.Task[None] | None = None  # takes what waits; None: nothing does

    def prepare(self) -> None:
        """Let the voice encoder be loaded, if it is not; called on the event loop."""
        if self._embedder is None:
            self._thread.submit(self._loaded)

    async def embed(self, speech: Samples) -> Floats:
        """Compute the embeddings of the windows of a turn's speech, shape (windows, width).

        Args:
            speech: Shape (n,), float32, 16 kHz.

        Raises:
            ModelError: The voice encoder can't be loaded.
        """
        done: asyncio.Future[Floats] = asyncio.get_running_loop().create_future()
        self._waiting.append((speech, done))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await done

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            taken, self._waiting = self._waiting, []
            try:
                found = await loop.run_in_executor(self._thread, self._embed, [each for each, _ in taken])
            except Exception as error:  # noqa: BLE001 - whoever waits must learn of it, whatever it is
                for _, done in taken:
                    if not done.done():
                        done.set_exception(error)
                continue
            for (_, done), embeddings in zip(taken, found, strict=True):
                if not done.done():  # its session may be over
                    done.set_result(embeddings)

    def _embed(self, turns: Sequence[Samples]) -> list[Floats]:
        """Embed the windows of several turns together; runs on the thread."""
        embedder = self._loaded()
        cut = [windows_of(speech, embedder.window_samples, embedder.shortest_samples) for speech in turns]
        flat = [window for windows in cut for window in windows]
        parts = [embedder.embed(flat[at : at + _MOST_WINDOWS]) for at in range(0, len(flat), _MOST_WINDOWS)]
        found = np.concatenate([np.zeros((0, embedder.width), np.float32), *parts])
        ends = np.cumsum([len(windows) for windows in cut])
        return np.split(found, ends[:-1])

    def _loaded(self) -> SpeakerEmbedder:
        """The voice encoder; runs on the thread."""
        if self._embedder is None:
            self._embedder = self._load()
        return self._embedder

    def stop(self) -> None:
        """Stop the thread after the run in flight; what waits is left alone."""
        if self._running is not None:
            self._running.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)
