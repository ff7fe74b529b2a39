"""From speech probabilities to stretches of speech."""

from vivavoce.vad.tracker import DEFAULT_THRESHOLD, SpeechTracker, TrackerState

__all__ = ["DEFAULT_THRESHOLD", "SpeechTracker", "TrackerState"]
