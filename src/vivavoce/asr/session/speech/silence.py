"""Ends of turns by silence: once it is sure enough that the turn is over, and after a long one always."""

from __future__ import annotations

from dataclasses import dataclass

from vivavoce.asr.session.speech.completeness import earliest_pause_ms

__all__ = ["SilencePolicy"]


@dataclass(frozen=True, slots=True)
class SilencePolicy:
    """Two thresholds of silence and one of confidence.

    Attributes:
        min_silence_ms: From when on confidence ends a turn that reaches the threshold.
        max_silence_ms: Ends any turn.
        threshold: Of the end-of-turn confidence, 0 to 1; 1 means: by the long silence alone.
    """

    min_silence_ms: int
    max_silence_ms: int
    threshold: float

    @property
    def tells_confidence(self) -> bool:
        """Whether anybody is interested in it: where one silence ends every turn, nobody is."""
        return self.min_silence_ms < self.max_silence_ms

    @property
    def asks_for_confidence(self) -> bool:
        """Whether it decides anything."""
        return self.tells_confidence and 0.0 < self.threshold < 1.0

    @property
    def earliest_ms(self) -> float:
        """Silence before which no turn is over."""
        if not self.asks_for_confidence:
            return self.min_silence_ms if self.threshold < 1.0 else self.max_silence_ms
        return max(self.min_silence_ms, min(self.max_silence_ms, earliest_pause_ms(self.threshold)))

    def needs_text(self, silence_ms: float) -> bool:
        """Whether confidence decides now: past the short silence, not yet past the long one."""
        return self.asks_for_confidence and self.min_silence_ms <= silence_ms < self.max_silence_ms

    def changed(
        self, min_silence_ms: int | None, max_silence_ms: int | None, threshold: float | None
    ) -> SilencePolicy:
        """This policy with some numbers replaced; a silence that is not replaced gives way to one that is."""
        shortest = self.min_silence_ms if min_silence_ms is None else min_silence_ms
        longest = self.max_silence_ms if max_silence_ms is None else max_silence_ms
        if max_silence_ms is None:
            longest = max(longest, shortest)
        elif min_silence_ms is None:
            shortest = min(shortest, longest)
        return SilencePolicy(shortest, longest, self.threshold if threshold is None else threshold)

    def is_over(self, silence_ms: float, confidence: float) -> bool:
        """Whether the turn is over.

        Args:
            silence_ms: Since speech was last heard, in milliseconds.
            confidence: How complete the turn sounds, 0 to 1.
        """
        if silence_ms >= self.max_silence_ms:
            return True
        return silence_ms >= self.min_silence_ms and self.threshold < 1.0 and confidence >= self.threshold
