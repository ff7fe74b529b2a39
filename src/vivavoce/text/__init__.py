"""Words as text: how they are written, and how far those of a growing hypothesis can be trusted."""

from vivavoce.text.confidence import calibrated
from vivavoce.text.plain import plain_word
from vivavoce.text.stability import Stability, Step
from vivavoce.text.wording import NOTHING, Promise, Wording

__all__ = ["NOTHING", "Promise", "Stability", "Step", "Wording", "calibrated", "plain_word"]
