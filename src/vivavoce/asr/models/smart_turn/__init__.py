"""Models that hear from the sound alone whether a turn is over. None is needed."""

from vivavoce.asr.models.smart_turn.recogniser import TurnAwareRecogniser, TurnDetector

__all__ = ["TurnAwareRecogniser", "TurnDetector"]
