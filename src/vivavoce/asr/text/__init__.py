"""Words as text: how they are written, and how far those of a growing hypothesis can be trusted."""

from vivavoce.asr.text.calibration import calibrated
from vivavoce.asr.text.plain import plain_word
from vivavoce.asr.text.rendering import NOTHING_FROZEN, FrozenWords, TurnRenderer
from vivavoce.asr.text.stability import Stability, Thresholds

__all__ = [
    "NOTHING_FROZEN",
    "FrozenWords",
    "Stability",
    "Thresholds",
    "TurnRenderer",
    "calibrated",
    "plain_word",
]
