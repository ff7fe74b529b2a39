"""When a turn is over. Plain objects; times are arguments."""

from vivavoce.endpoint.confidence import Evidence, confidence_after, log_odds_after_1_s
from vivavoce.endpoint.pauses import Pauses
from vivavoce.endpoint.prosody import WINDOW_SAMPLES, Prosody, prosody
from vivavoce.endpoint.silence import SilencePolicy

__all__ = [
    "WINDOW_SAMPLES",
    "Evidence",
    "Pauses",
    "Prosody",
    "SilencePolicy",
    "confidence_after",
    "log_odds_after_1_s",
    "prosody",
]
