"""Models that hear from the sound alone whether a turn is over. None is needed."""

from vivavoce.engines.turns.detecting import TurnAwareRecogniser, TurnDetector

__all__ = ["TurnAwareRecogniser", "TurnDetector"]
