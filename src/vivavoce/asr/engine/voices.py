"""What tells voices apart in a server: one thread for all sessions that label turns, loaded for the first."""

from __future__ import annotations

import asyncio
import dataclasses
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from vivavoce.asr.models.registry import has_segmenter, load_embedder, load_segmenter
from vivavoce.asr.speakers import (
    Piece,
    Stretch,
    VoiceTuning,
    Window,
    change_between,
    doubtful_spans,
    parted,
    parts_of,
    pieces_of,
    windows_of,
)
from vivavoce.errors import ModelError
from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from vivavoce.asr.audio import Samples
    from vivavoce.asr.models.base import SpeakerEmbedder, SpeakerSegmenter

__all__ = ["HeardPiece", "VoiceModels", "Voices", "hear_turns", "load_voices"]

Floats: TypeAlias = npt.NDArray[np.float32]

_MOST_WINDOWS: Final = 24  # in one run, which takes about 0.1 s
_DOUBT: Final = 0.03  # how much more alike than of two speakers windows must be to be surely of one
_LEAST_LENGTH: Final = np.float32(1e-6)  # of an embedding, so that none divides by 0
_FINE_SAMPLES: Final = MODEL_RATE_HZ  # of windows between two speakers
_FINE_HOP_SAMPLES: Final = MODEL_RATE_HZ * 2 // 5
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
        segment: Which piece of the segmentation of its turn it is or was split from.
    """

    piece: Piece
    windows: Floats
    weights: Floats
    segment: int = 0


_Waiting: TypeAlias = "tuple[Sequence[Stretch], asyncio.Future[list[HeardPiece]]]"  # a turn, and its pieces


def load_voices(chosen: str = "auto") -> VoiceModels:
    """Load what tells voices apart.

    Args:
        chosen: ``auto``, the name of a voice encoder, or its file.

    Raises:
        ModelError: There is none, or it can't be loaded.
    """
    embedder = load_embedder(chosen)
    # Windows that overlap hear every change themselves, and whoever chooses such an encoder wants it cheap.
    leaves_gaps = embedder.hop_samples >= embedder.window_samples
    return VoiceModels(embedder, load_segmenter() if leaves_gaps and has_segmenter() else None)


def hear_turns(models: VoiceModels, turns: Sequence[Sequence[Stretch]]) -> list[list[HeardPiece]]:
    """Find the pieces of several turns, and embed them together.

    Args:
        models: What tells voices apart.
        turns: The stretches of each.
    """
    split = [[found for each in turn for found in _split(models.segmenter, each)] for turn in turns]
    embedder = models.embedder
    cut = [[(*each, _windows(embedder, len(each[1]))) for each in turn] for turn in split]
    embedded = iter(
        _embed(
            embedder,
            [
                [speech[window.start : window.end] for window in windows]
                for turn in cut
                for _, speech, windows in turn
            ],
        )
    )
    return [
        [
            dataclasses.replace(heard, segment=segment)
            for segment, (piece, speech, windows) in enumerate(turn)
            for heard in _without_changes(
                embedder, piece, speech, *_looked_at_closely(embedder, speech, windows, next(embedded))
            )
        ]
        for turn in cut
    ]


def _windows(embedder: SpeakerEmbedder, n: int) -> list[Window]:
    return windows_of(n, embedder.window_samples, embedder.hop_samples, embedder.shortest_samples)


def _embed(embedder: SpeakerEmbedder, cut: Sequence[Sequence[Samples]]) -> list[Floats]:
    """Embed windows of several pieces together; returns those of each, (windows, width), each of length 1."""
    flat = [window for windows in cut for window in windows]
    parts = [embedder.embed(flat[at : at + _MOST_WINDOWS]) for at in range(0, len(flat), _MOST_WINDOWS)]
    embeddings = np.concatenate([np.zeros((0, embedder.width), np.float32), *parts]) - embedder.typical
    return np.split(_unit(embeddings), np.cumsum([len(windows) for windows in cut])[:-1])


def _unit(embeddings: Floats) -> Floats:
    """Embeddings of length 1; shape (n, width). Those that say nothing, or are not finite, are zeros."""
    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    says_something = np.isfinite(lengths) & (lengths > _LEAST_LENGTH)
    zeros = np.zeros_like(embeddings)
    found: Floats = np.divide(embeddings, lengths, out=zeros, where=says_something)
    return found


def _looked_at_closely(
    embedder: SpeakerEmbedder, speech: Samples, windows: list[Window], embeddings: Floats
) -> tuple[list[Window], Floats]:
    """Add windows that overlap by half between those that are not clearly of one voice.

    Windows that hold a change resemble both voices, so where speakers take short turns none of those at
    intervals may be unlike its neighbour.
    """
    hop = embedder.window_samples // 2
    if embedder.hop_samples <= hop:
        return windows, embeddings
    doubtful = doubtful_spans(windows, embeddings, embedder.tuning.apart + _DOUBT)
    known = dict(zip(windows, embeddings, strict=True))
    new = [
        each
        for each in windows_of(len(speech), embedder.window_samples, hop, embedder.shortest_samples)
        if each not in known and any(first <= each.start and each.end <= last for first, last in doubtful)
    ]
    if not new:
        return windows, embeddings
    [found] = _embed(embedder, [[speech[each.start : each.end] for each in new]])
    known |= zip(new, found, strict=True)
    places = sorted(known, key=lambda each: (each.start, each.end))
    return places, np.stack([known[each] for each in places])


def _without_changes(
    embedder: SpeakerEmbedder, piece: Piece, speech: Samples, windows: Sequence[Window], embeddings: Floats
) -> list[HeardPiece]:
    """Split a piece where its windows say that the speaker changes; those that say nothing are left out."""
    usable = np.flatnonzero(np.any(embeddings, axis=1)).tolist()
    windows, embeddings = [windows[place] for place in usable], embeddings[usable]
    at = _change(embedder, speech, windows, embeddings)
    if at is None:
        lengths = np.array([window.end - window.start for window in windows], np.float32)
        overlap = min(1.0, len(speech) / max(1.0, float(lengths.sum()))) if embedder.tuning.pools else 1.0
        weights = lengths * np.float32(overlap / _WEIGHED_SAMPLES)
        if embedder.tuning.pools and len(windows) > 1:
            pooled = (weights[None] @ embeddings).astype(np.float32)
            return [HeardPiece(piece, _unit(pooled), weights.sum(keepdims=True))]
        return [HeardPiece(piece, embeddings, weights)]
    found: list[HeardPiece] = []
    for part, samples, offset in zip(piece.cut(at), (speech[:at], speech[at:]), (0, at), strict=True):
        inside = [
            place
            for place, each in enumerate(windows)
            if offset <= each.start and each.end <= offset + len(samples)
        ]
        own, known = (
            [Window(windows[each].start - offset, windows[each].end - offset) for each in inside],
            embeddings[inside],
        )
        if not own:
            own = _windows(embedder, len(samples))
            [known] = _embed(embedder, [[samples[each.start : each.end] for each in own]])
        found += _without_changes(embedder, part, samples, own, known)
    return found


def _change(
    embedder: SpeakerEmbedder, speech: Samples, windows: Sequence[Window], embeddings: Floats
) -> int | None:
    """Where the speaker of a piece changes; None: nowhere."""
    apart = parted(windows, embeddings, embedder.tuning.apart)
    if apart is None:
        return None
    left, right = apart
    begin, end = windows[left].middle, windows[right].middle
    starts = range(begin, max(begin + 1, end - _FINE_SAMPLES + 1), _FINE_HOP_SAMPLES)
    fine = [Window(start, min(start + _FINE_SAMPLES, len(speech))) for start in starts]
    [between] = _embed(embedder, [[speech[each.start : each.end] for each in fine]])
    at = change_between(embeddings[left], embeddings[right], fine, between)
    least = embedder.shortest_samples
    return at if least <= at <= len(speech) - least else None


def _split(segmenter: SpeakerSegmenter | None, stretch: Stretch) -> Iterable[tuple[Piece, Samples]]:
    """The pieces of a stretch, with the speech that is theirs alone."""
    for part in parts_of(stretch):
        if segmenter is None:
            yield Piece((part.span,)), part.samples
            continue
        [classes] = segmenter.classes([part.samples])
        start, end = part.span
        step, offset = segmenter.step_samples, segmenter.offset_samples
        for piece in pieces_of(classes, step, offset, start, end - start):
            own = [part.samples[first - start : last - start] for first, last in piece.alone]
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
        self._waiting: list[_Waiting] = []
        self._running: asyncio.Task[None] | None = None  # takes what waits; None: nothing does

    @property
    def tuning(self) -> VoiceTuning:
        """What counts as one voice; that of the models once they are loaded."""
        return VoiceTuning() if self._models is None else self._models.embedder.tuning

    @property
    def embedder(self) -> SpeakerEmbedder | None:
        """What computes embeddings; None until the models are loaded."""
        return None if self._models is None else self._models.embedder

    async def load(self) -> SpeakerEmbedder:
        """Load the models, if they are not loaded, and return what computes embeddings.

        Raises:
            ModelError: They can't be loaded.
        """
        models = await asyncio.get_running_loop().run_in_executor(self._thread, self._loaded)
        return models.embedder

    def prepare(self) -> None:
        """Let the models be loaded, if they are not; called on the event loop."""
        if self._models is None:
            self._thread.submit(self._loaded)

    async def hear(self, turn: Sequence[Stretch]) -> list[HeardPiece]:
        """Find the pieces of a turn, in order, and embed them.

        Raises:
            ModelError: The models can't be loaded, or are stopped.
        """
        done: asyncio.Future[list[HeardPiece]] = asyncio.get_running_loop().create_future()
        self._waiting.append((turn, done))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await done

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        taken: list[_Waiting] = []
        try:
            while self._waiting:
                taken, self._waiting = [each for each in self._waiting if not each[1].done()], []
                if not taken:  # nobody waits any more
                    break
                try:
                    found = await loop.run_in_executor(self._thread, self._hear, [each for each, _ in taken])
                except Exception as error:  # noqa: BLE001 - whoever waits must learn of it, whatever it is
                    await self._run_each(taken, error)
                    continue
                for (_, done), pieces in zip(taken, found, strict=True):
                    if not done.done():  # its session may be over
                        done.set_result(pieces)
        finally:  # nobody waits for what is stopped
            for _, done in (*taken, *self._waiting):
                if not done.done():
                    done.set_exception(ModelError("the voice encoder is stopped"))
            self._waiting = []

    async def _run_each(self, taken: Sequence[_Waiting], error: Exception) -> None:
        """Hear turns one by one that have failed together, so that one session's fail no other's."""
        loop = asyncio.get_running_loop()
        for turn, done in taken:
            if done.done():
                continue
            if len(taken) == 1 or self._models is None:
                done.set_exception(error)
                continue
            try:
                [pieces] = await loop.run_in_executor(self._thread, self._hear, [turn])
            except Exception as own:  # noqa: BLE001 - as above
                if not done.done():
                    done.set_exception(own)
            else:
                if not done.done():
                    done.set_result(pieces)

    def _hear(self, turns: Sequence[Sequence[Stretch]]) -> list[list[HeardPiece]]:
        return hear_turns(self._loaded(), turns)

    def _loaded(self) -> VoiceModels:
        """The models; runs on the thread."""
        if self._models is None:
            self._models = self._load()
        return self._models

    def stop(self) -> None:
        """Stop the thread after the run in flight; what waits fails."""
        if self._running is not None:
            self._running.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)
