"""Samples: encodings, resampling, and a bounded buffer that counts samples from the start of a session."""

from __future__ import annotations

from vivavoce.audio.buffer import SampleBuffer
from vivavoce.audio.intake import ENGINE_RATE_HZ, Intake
from vivavoce.audio.pcm import Samples, decode_samples

__all__ = ["ENGINE_RATE_HZ", "Intake", "SampleBuffer", "Samples", "decode_samples"]
