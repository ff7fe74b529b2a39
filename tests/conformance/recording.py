"""The sound that every client sends, and the words in it."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import soxr

from vivavoce.cli.recording import demo_recording, demo_words

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Recording", "write_recordings"]

SAMPLE_RATE: Final = 16_000
_LENGTH_S: Final = 17.2  # between two sentences, so that the last one is ended by the client
CONTROL_AT_S: Final = 8.6  # between two others
_SHORT_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Recording:
    """Raw samples in a file, 16 bits, mono.

    Attributes:
        path: The file.
        audio_s: Its length in seconds.
        words: What is said, in lower case.
    """

    path: Path
    audio_s: float
    words: tuple[str, ...]


def write_recordings(folder: Path) -> tuple[Recording, Recording]:
    """Write the beginning of the recording that comes with the model, long and very short."""
    with wave.open(str(demo_recording()), "rb") as file:
        rate = file.getframerate()
        samples = np.frombuffer(file.readframes(int(_LENGTH_S * rate)), "<i2").astype(np.float32)
    sound = np.clip(soxr.resample(samples, rate, SAMPLE_RATE), -32768, 32767).astype("<i2").tobytes()
    made = []
    for name, length_s in (("long", _LENGTH_S), ("short", _SHORT_S)):
        path = folder / f"{name}.pcm"
        path.write_bytes(sound[: 2 * int(length_s * SAMPLE_RATE)])
        said = tuple(word.text for word in demo_words() if word.end_s <= length_s)
        made.append(Recording(path, length_s, said))
    return made[0], made[1]
