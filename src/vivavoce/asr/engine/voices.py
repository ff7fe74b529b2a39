"""What tells voices apart in a server: one thread for all sessions that label turns, loaded for the first."""

from __future__ import annotations

import asyncio
import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from vivavoce.asr.models.registry import has_segmenter, load_embedder, load_segmenter
from vivavoce.asr.speakers import Piece, Stretch, VoiceTuning, pieces_of
from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from vivavoce.asr.audio import Samples
    from vivavoce.asr.models.base import SpeakerEmbedder, SpeakerSegmenter

__all__ = ["HeardPiece", "VoiceModels", "Voices", "hear_turns", "load_voices", "tuning_of", "windows_of"]

Floats: TypeAlias = npt.NDArray[np.float32]

_MOST_WINDOWS: Final = 24  # in one run, which takes about 0.1 s
_LEAST_LENGTH: Final = np.float32(1e-6)  # of an embedding, so that none divides by 0
_WEIGHED_SAMPLES: Final = MODEL_RATE_HZ * 8 // 5  # speech of the weight 1


@dataclass(frozen=True, slots=True)
class VoiceModels:
    """The models of a server that tell voices apart.

    Attributes:
        embedder: Computes embeddings.
        segmenter: Finds changes of speaker within a turn; None: each turn is of one speaker.
    """

    embedder: SpeakerEmbedder
    segmenter: SpeakerSegmenter | None = None


@dataclass(frozen=True, slots=True)
class HeardPiece:
    """Speech of one voice, with what tells the voice.

    Attributes:
        piece: Where it lies in the session.
        windows: Embeddings, shape (windows, width); none if it is too short.
        weights: How much speech each stands for, in windows of 1.6 s, shape (windows,).
    """

    piece: Piece
    windows: Floats
    weights: Floats


def load_voices(chosen: str = "auto") -> VoiceModels:
    """Load what tells voices apart.

    Args:
        chosen: ``auto``, the name of a voice encoder, or its file.

    Raises:
        ModelError: There is none, or it can't be loaded.
    """
    return VoiceModels(load_embedder(chosen), load_segmenter() if has_segmenter() else None)


def tuning_of(embedder: SpeakerEmbedder) -> VoiceTuning:
    """What counts as one voice for a voice encoder."""
    return VoiceTuning(
        embedder.alike, embedder.alike_at_end, embedder.leniency, embedder.founding, embedder.inherited
    )


def windows_of(speech: Samples, window: int, hop: int, shortest: int) -> list[Samples]:
    """Cut speech into windows.

    Args:
        speech: Shape (n,), float32, 16 kHz.
        window: Samples of a window.
        hop: Samples from the start of a window to that of the next.
        shortest: Less speech than this has no window; less than a window has one that is as long as it is.
    """
    if len(speech) < window:
        return [speech] if len(speech) >= shortest else []
    return [speech[at : at + window] for at in range(0, len(speech) - window + 1, hop)]


def hear_turns(models: VoiceModels, turns: Sequence[Sequence[Stretch]]) -> list[list[HeardPiece]]:
    """Find the pieces of several turns, and embed them together.

    Args:
        models: What tells voices apart.
        turns: The stretches of each.
    """
    split = [[found for each in turn for found in _split(models.segmenter, each)] for turn in turns]
    embedder = models.embedder
    cut = [
        windows_of(speech, embedder.window_samples, embedder.hop_samples, embedder.shortest_samples)
        for turn in split
        for _, speech in turn
    ]
    flat = [window for windows in cut for window in windows]
    parts = [embedder.embed(flat[at : at + _MOST_WINDOWS]) for at in range(0, len(flat), _MOST_WINDOWS)]
    embeddings = np.concatenate([np.zeros((0, embedder.width), np.float32), *parts]) - embedder.typical
    embeddings /= np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), _LEAST_LENGTH)
    weights = np.array([len(window) / _WEIGHED_SAMPLES for window in flat], np.float32)
    ends = list(itertools.accumulate(len(windows) for windows in cut))
    spans = iter(zip([0, *ends], ends, strict=False))
    return [
        [HeardPiece(piece, embeddings[a:b], weights[a:b]) for (piece, _), (a, b) in zip(turn, spans)]  # noqa: B905 - the spans are of all turns
        for turn in split
    ]


def _split(segmenter: SpeakerSegmenter | None, stretch: Stretch) -> Iterable[tuple[Piece, Samples]]:
    """The pieces of a stretch, with the speech that is theirs alone."""
    n, start = len(stretch.samples), stretch.start
    if not n:
        return
    longest = n if segmenter is None else segmenter.longest_samples
    count = -(-n // longest)
    for first, last in itertools.pairwise(n * part // count for part in range(count + 1)):
        samples = stretch.samples[first:last]
        if segmenter is None:
            yield Piece(((start, start + n),)), samples
            continue
        classes = segmenter.classes([samples])[0]
        found = pieces_of(
            classes, segmenter.step_samples, segmenter.offset_samples, start + first, last - first
        )
        for piece in found:
            own = [stretch.samples[begin - start : end - start] for begin, end in piece.alone]
            yield piece, np.concatenate(own)


class Voices:
    """Tells voices apart for all sessions. Use it on one event loop only."""

    def __init__(self, load: Callable[[], VoiceModels]) -> None:
        """Prepare; nothing is loaded.

        Args:
            load: Loads the models; called on the thread, once.
        """
        self._load = load
        self._models: VoiceModels | None = None  # None until they are loaded, on the thread
        self._thread = ThreadPoolExecutor(1, "vivavoce-voices")
        self._waiting: list[tuple[Sequence[Stretch], asyncio.Future[list[HeardPiece]]]] = []
        self._running: asyncio.Task[None] | None = None  # takes what waits; None: nothing does

    @property
    def tuning(self) -> VoiceTuning:
        """What counts as one voice; that of the models once they are loaded."""
        return VoiceTuning() if self._models is None else tuning_of(self._models.embedder)

    def prepare(self) -> None:
        """Let the models be loaded, if they are not; called on the event loop."""
        if self._models is None:
            self._thread.submit(self._loaded)

    async def hear(self, turn: Sequence[Stretch]) -> list[HeardPiece]:
        """Find the pieces of a turn, in order, and embed them.

        Raises:
            ModelError: The models can't be loaded.
        """
        done: asyncio.Future[list[HeardPiece]] = asyncio.get_running_loop().create_future()
        self._waiting.append((turn, done))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await done

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            taken, self._waiting = self._waiting, []
            try:
                found = await loop.run_in_executor(self._thread, self._hear, [each for each, _ in taken])
            except Exception as error:  # noqa: BLE001 - whoever waits must learn of it, whatever it is
                for _, done in taken:
                    if not done.done():
                        done.set_exception(error)
                continue
            for (_, done), pieces in zip(taken, found, strict=True):
                if not done.done():  # its session may be over
                    done.set_result(pieces)

    def _hear(self, turns: Sequence[Sequence[Stretch]]) -> list[list[HeardPiece]]:
        return hear_turns(self._loaded(), turns)

    def _loaded(self) -> VoiceModels:
        """The models; runs on the thread."""
        if self._models is None:
            self._models = self._load()
        return self._models

    def stop(self) -> None:
        """Stop the thread after the run in flight; what waits is left alone."""
        if self._running is not None:
            self._running.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)
