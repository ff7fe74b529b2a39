"""Speech probabilities to speech and pauses, and when a turn is over. Plain objects; time is an argument."""

from vivavoce.asr.session.speech.completeness import Evidence, confidence_after, log_odds_after_1_s
from vivavoce.asr.session.speech.pauses import Pauses
from vivavoce.asr.session.speech.prosody import WINDOW_SAMPLES, Prosody, prosody
from vivavoce.asr.session.speech.silence import SilencePolicy
from vivavoce.asr.session.speech.tracker import DEFAULT_THRESHOLD, SpeechTracker, TrackerState

__all__ = [
    "DEFAULT_THRESHOLD",
    "WINDOW_SAMPLES",
    "Evidence",
    "Pauses",
    "Prosody",
    "SilencePolicy",
    "SpeechTracker",
    "TrackerState",
    "confidence_after",
    "log_odds_after_1_s",
    "prosody",
]
