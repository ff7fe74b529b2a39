"""Words as text: how they are written, and how far those of a growing hypothesis can be trusted."""

from vivavoce.asr.text.calibration import calibrated
from vivavoce.asr.text.plain import plain_word
from vivavoce.asr.text.rendering import NOTHING, Promise, Wording
from vivavoce.asr.text.stability import Stability, Step

__all__ = ["NOTHING", "Promise", "Stability", "Step", "Wording", "calibrated", "plain_word"]
