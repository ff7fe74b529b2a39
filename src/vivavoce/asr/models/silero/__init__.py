"""Silero voice activity detection: its graph, and the detector that runs it."""
