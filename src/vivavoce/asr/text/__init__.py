"""Transcript text: how words are written for the client, and how far a growing hypothesis can be trusted.

- `rendering` turns the recogniser's words into those of a partial or final. It uses `formatting` (numbers in
  digits, addresses, dates), `spoken_form` (the opposite), `redaction` (personal data) and `profanity`.
- `stability` decides which words of a hypothesis are shown, locked and committed.
- `calibration` turns the model's probabilities into confidences.
"""

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
