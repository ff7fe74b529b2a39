"""Recordings that need a decoder, through PyAV (FFmpeg)."""

from __future__ import annotations

import contextlib
import itertools
from typing import TYPE_CHECKING, Any, Final

from vivavoce.errors import AudioError, ExtrasNotInstalledError
from vivavoce.recordings.sound import Sound, chunk_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["from_container"]

_RATE: Final = 16_000  # what the model hears; more would only make longer messages


def _av() -> Any:
    try:
        import av  # noqa: PLC0415  - optional
    except ImportError:
        raise ExtrasNotInstalledError(
            'only plain WAV can be read without a decoder; run: pip install "vivavoce[audio]"'
        ) from None
    return av


def _samples(av: Any, container: Any, path: Path) -> Iterator[bytes]:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=_RATE)
    size = chunk_bytes(_RATE, 2)
    waiting = bytearray()
    try:
        for frame in itertools.chain(_frames(container), (None,)):  # None: what the resampler still holds
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
        frame.pts = None  # gaps and jumps of the container's clock are no business of a transcript
        yield frame


@contextlib.contextmanager
def from_container(path: Path) -> Iterator[Sound]:
    """Open a recording of any container and codec that FFmpeg knows.

    Raises:
        AudioError: There is no sound in it, or it can't be read.
        ExtrasNotInstalledError: PyAV is not there.
    """
    av = _av()
    try:
        container = av.open(str(path))
    except (av.FFmpegError, OSError, ValueError) as error:
        raise AudioError(f"{path}: not a recording that can be read") from error
    with container:
        if not container.streams.audio:
            raise AudioError(f"{path}: there is no sound in it")
        channels = container.streams.audio[0].codec_context.channels
        seconds = container.duration / av.time_base if container.duration else None
        yield Sound(_samples(av, container, path), _RATE, channels=channels, duration_s=seconds)
