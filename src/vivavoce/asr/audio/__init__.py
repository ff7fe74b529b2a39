"""Samples: encodings, resampling, and a bounded buffer that counts samples from the start of a session."""

from __future__ import annotations

from vivavoce.asr.audio.buffer import SampleBuffer
from vivavoce.asr.audio.intake import ENGINE_RATE_HZ, Intake
from vivavoce.asr.audio.pcm import Samples, decode_samples

__all__ = ["ENGINE_RATE_HZ", "Intake", "SampleBuffer", "Samples", "decode_samples"]
