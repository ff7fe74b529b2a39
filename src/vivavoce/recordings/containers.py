"""Reads audio files that need a decoder, through PyAV (FFmpeg)."""

from __future__ import annotations

import contextlib
import itertools
from typing import TYPE_CHECKING, Any

from vivavoce.errors import AudioError, ExtrasNotInstalledError
from vivavoce.recordings.sound import Sound, chunk_bytes
from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["from_container"]


def _av() -> Any:
    try:
        import av  # noqa: PLC0415  - optional
    except ImportError:
        raise ExtrasNotInstalledError(
            'only WAV files can be read without a decoder; run: pip install "vivavoce[audio]"'
        ) from None
    return av


def _samples(av: Any, container: Any, path: Path) -> Iterator[bytes]:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=MODEL_RATE_HZ)
    size = chunk_bytes(MODEL_RATE_HZ, 2)
    waiting = bytearray()
    try:
        for frame in itertools.chain(_frames(container), (None,)):  # None flushes the resampler
            for piece in resampler.resample(frame):
                waiting += bytes(piece.planes[0])[: piece.samples * 2]
            while len(waiting) >= size:
                yield bytes(waiting[:size])
                del waiting[:size]
    except av.FFmpegError as error:
        raise AudioError(f"{path}: damaged: {error.strerror or error}") from None
    if waiting:
        yield bytes(waiting)


def _frames(container: Any) -> Iterator[Any]:
    for frame in container.decode(audio=0):
        frame.pts = None  # the transcript ignores gaps and jumps of the container's clock
        yield frame


@contextlib.contextmanager
def from_container(path: Path) -> Iterator[Sound]:
    """Open an audio or video file of any format that FFmpeg decodes.

    Raises:
        AudioError: The file has no audio, or it can't be read.
        ExtrasNotInstalledError: PyAV is not installed.
    """
    av = _av()
    try:
        container = av.open(str(path))
    except (av.FFmpegError, OSError, ValueError) as error:
        raise AudioError(f"{path}: not an audio file that FFmpeg can read") from error
    with container:
        if not container.streams.audio:
            raise AudioError(f"{path}: the file has no audio")
        channels = container.streams.audio[0].codec_context.channels
        seconds = container.duration / av.time_base if container.duration else None
        yield Sound(_samples(av, container, path), MODEL_RATE_HZ, channels=channels, duration_s=seconds)
