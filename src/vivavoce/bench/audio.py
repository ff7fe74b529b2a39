"""The audio of recordings and sessions, as arrays. The only module of the measurements that needs numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from vivavoce.bench.requirements import require
from vivavoce.errors import AudioError
from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vivavoce.bench.records import Clip, Script

__all__ = [
    "MODEL_RATE_HZ",
    "Pcm",
    "chunks",
    "load_pcm",
    "read_pcm",
    "render",
    "to_float",
    "to_model_rate",
    "write_pcm",
]

_FULL_SCALE: Final = np.float32(32_768)

Pcm: TypeAlias = npt.NDArray[np.int16]
"""Mono samples, shape (n,), int16."""


def load_pcm(clip: Clip) -> Pcm:
    """Read the samples of a recording.

    Raises:
        AudioError: The file cannot be read, is not mono, or its rate differs from the manifest.
        ExtrasNotInstalledError: soundfile is missing.
    """
    soundfile = require("soundfile")
    try:
        samples, rate = soundfile.read(clip.audio, dtype="int16")
    except (OSError, RuntimeError) as error:
        raise AudioError(f"{clip.audio}: {error}") from error
    if samples.ndim != 1 or rate != clip.sample_rate:
        channels = 1 if samples.ndim == 1 else samples.shape[1]
        raise AudioError(
            f"{clip.audio}: must be mono at {clip.sample_rate} Hz, got {channels} channel(s) at {rate} Hz"
        )
    pcm: Pcm = samples
    return pcm


def write_pcm(path: Path, pcm: Pcm) -> None:
    """Write raw samples: 16 bits, little endian."""
    path.write_bytes(pcm.astype("<i2").tobytes())


def read_pcm(path: str) -> Pcm:
    """Read what `write_pcm` wrote."""
    pcm: Pcm = np.fromfile(path, dtype="<i2")
    return pcm


def render(script: Script) -> Pcm:
    """Return the audio of a session, without the silence after it."""
    pcm = np.zeros(round(script.duration_s * script.sample_rate), dtype=np.int16)
    for placed in script.clips:
        samples = load_pcm(placed.clip)
        start = round(placed.offset_s * script.sample_rate)
        room = pcm[start : start + len(samples)]
        room[:] = samples[: len(room)]
    return pcm


def chunks(pcm: Pcm, sample_rate: int, chunk_ms: int, tail_s: float) -> Iterator[bytes]:
    """Cut audio, with silence after it, into messages of equal length; the last is padded.

    Args:
        pcm: The audio.
        sample_rate: In Hz.
        chunk_ms: Length of a message.
        tail_s: Silence after the audio, in seconds.

    Yields:
        Samples as bytes: 16 bits, little endian.
    """
    size = sample_rate * chunk_ms // 1000
    tail = round(tail_s * sample_rate)
    padded = np.zeros(-(-(len(pcm) + tail) // size) * size, dtype="<i2")
    padded[: len(pcm)] = pcm
    for start in range(0, len(padded), size):
        yield padded[start : start + size].tobytes()


def to_float(pcm: Pcm | bytes) -> npt.NDArray[np.float32]:
    """Convert samples (16 bits, little endian if bytes) to float32, shape (n,), full scale ±1."""
    samples = np.frombuffer(pcm, dtype="<i2") if isinstance(pcm, bytes) else pcm
    return samples.astype(np.float32) / _FULL_SCALE


def to_model_rate(pcm: Pcm, sample_rate: int) -> npt.NDArray[np.float32]:
    """Convert samples of any rate, in Hz, to float32 at 16 kHz, shape (n,), full scale ±1.

    Raises:
        ExtrasNotInstalledError: soxr is missing, and the rate is another.
    """
    samples = to_float(pcm)
    if sample_rate == MODEL_RATE_HZ:
        return samples
    resampled: npt.NDArray[np.float32] = require("soxr").resample(samples, sample_rate, MODEL_RATE_HZ)
    return resampled
