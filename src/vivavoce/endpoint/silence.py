"""Ends of turns by silence: a short one when the turn sounds complete, a long one always."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["SilencePolicy", "completeness"]

_TERMINAL: Final = (".", "?", "!")
_INCOMPLETE: Final = 0.1
_DOUBT: Final = 8.5
_LEAST_DOUBT: Final = 1e-3


@dataclass(frozen=True, slots=True)
class SilencePolicy:
    """Two thresholds of silence and one of confidence.

    Attributes:
        min_silence_ms: Ends a turn whose confidence reaches the threshold.
        max_silence_ms: Ends any turn.
        threshold: Of the end-of-turn confidence, 0 to 1; 1 means: by the long silence alone.
    """

    min_silence_ms: int
    max_silence_ms: int
    threshold: float

    def needs_text(self, silence_ms: float) -> bool:
        """Whether the words decide now: past the short silence, not yet past the long one."""
        return self.min_silence_ms <= silence_ms < self.max_silence_ms and 0.0 < self.threshold < 1.0

    def is_over(self, silence_ms: float, confidence: float) -> bool:
        """Whether the turn is over.

        Args:
            silence_ms: Since speech was last heard, in milliseconds.
            confidence: How complete the turn sounds, 0 to 1.
        """
        if silence_ms >= self.max_silence_ms:
            return True
        return silence_ms >= self.min_silence_ms and self.threshold < 1.0 and confidence >= self.threshold


def completeness(text: str, probability: float = 1.0) -> float:
    """How complete a turn sounds, 0 to 1: the model punctuates what it hears.

    It puts a full stop behind nearly everything that is followed by silence, so what tells is how sure
    it is of it. The usual threshold of 0.4 stands for a probability of 0.85, 0.7 for 0.95.

    Args:
        text: Of the turn.
        probability: Which the model gives its last mark.
    """
    if not text.rstrip("\"')").endswith(_TERMINAL):
        return _INCOMPLETE
    odds = probability / max(1 - probability, _LEAST_DOUBT) / _DOUBT
    return odds / (1 + odds)
