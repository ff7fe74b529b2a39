"""The audio that every client sends, and the words in it."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import av
import numpy as np
import soxr

from vivavoce.cli.demo_recording import demo_recording_path, demo_reference

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CONTROL_AT_S", "ENCODINGS", "Recording", "write_recording"]

_DURATION_S: Final = 17.2  # between two sentences: the client ends the last one
CONTROL_AT_S: Final = 8.6  # between two other sentences
_SHORT_DURATION_S: Final = 1.0

ENCODINGS: Final = {
    # Name in the protocols: sample rate in Hz, FFmpeg's codec, FFmpeg's container
    "pcm_s16le": (16_000, "pcm_s16le", "s16le"),
    "pcm_mulaw": (8_000, "pcm_mulaw", "mulaw"),
    "ogg_opus": (48_000, "libopus", "ogg"),
    "aac": (16_000, "aac", "adts"),
}


@dataclass(frozen=True, slots=True)
class Recording:
    """Mono audio in a file.

    Attributes:
        path: The file.
        sample_rate: In Hz.
        encoding: A key of `ENCODINGS`.
        audio_s: Duration in seconds.
        words: The words of the audio, in lower case.
        speech_ends_s: When the last word before `CONTROL_AT_S` ends, in seconds, and how long after
            `CONTROL_AT_S` the last of all ends.
    """

    path: Path
    sample_rate: int
    encoding: str
    audio_s: float
    words: tuple[str, ...]
    speech_ends_s: tuple[float, float]

    def bytes_at(self, at_s: float) -> int:
        """Return how many bytes come before a time; for PCM, a whole number of samples."""
        size = round(self.path.stat().st_size * at_s / self.audio_s)
        return size - size % 2


def write_recording(folder: Path, *, encoding: str = "pcm_s16le", short: bool = False) -> Recording:
    """Write the beginning of the recording that comes with the model.

    Args:
        folder: Where to write the file.
        encoding: A key of `ENCODINGS`.
        short: Whether to write only the first second, which has no speech.
    """
    duration_s = _SHORT_DURATION_S if short else _DURATION_S
    rate, codec, container = ENCODINGS[encoding]
    with wave.open(str(demo_recording_path()), "rb") as file:
        recorded_rate = file.getframerate()
        samples = np.frombuffer(file.readframes(int(duration_s * recorded_rate)), "<i2").astype(np.float32)
    pcm = np.clip(soxr.resample(samples, recorded_rate, rate), -32768, 32767).astype("<i2")
    path = folder / f"{'short' if short else 'long'}.{encoding}"
    with av.open(str(path), "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, layout="mono")
        resampler = av.AudioResampler(stream.format, "mono", rate, frame_size=stream.frame_size or 0)
        frame = av.AudioFrame.from_ndarray(pcm[np.newaxis], format="s16", layout="mono")
        frame.sample_rate = rate
        for resampled in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(resampled))
        output.mux(stream.encode(None))
    spoken = [word for word in demo_reference() if word.end_s <= duration_s]
    first_end_s = max((word.end_s for word in spoken if word.end_s <= CONTROL_AT_S), default=0.0)
    last_end_s = max((word.end_s - CONTROL_AT_S for word in spoken), default=0.0)
    words = tuple(word.text for word in spoken)
    return Recording(path, rate, encoding, duration_s, words, (first_end_s, last_end_s))
