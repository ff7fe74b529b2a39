"""Who speaks when, from embeddings of voices: no models, no clock, no network."""

from __future__ import annotations

from vivavoce.asr.speakers.voice_book import VoiceBook, VoiceTuning

__all__ = ["VoiceBook", "VoiceTuning"]
