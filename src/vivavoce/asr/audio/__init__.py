"""Audio on its way in: decoding, resampling, and a buffer that counts samples from the start of a session."""

from __future__ import annotations

from vivavoce.asr.audio.buffer import SampleBuffer
from vivavoce.asr.audio.intake import Intake
from vivavoce.asr.audio.pcm import Samples, decode_samples
from vivavoce.asr.audio.rate import SAMPLES_PER_MS

__all__ = ["SAMPLES_PER_MS", "Intake", "SampleBuffer", "Samples", "decode_samples"]
