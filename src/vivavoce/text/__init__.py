"""Words as text: plain forms, and how far the words of a growing hypothesis can be trusted."""

from vivavoce.text.plain import plain_word
from vivavoce.text.stability import Stability, Step

__all__ = ["Stability", "Step", "plain_word"]
