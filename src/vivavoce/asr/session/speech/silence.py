"""When silence ends a turn: once the turn is certain enough to be over, and always after a long silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vivavoce.asr.session.speech.completeness import earliest_pause_ms

__all__ = ["SHORTEST_PAUSE_MS", "SilencePolicy"]

SHORTEST_PAUSE_MS: Final = 320
"""A shorter silence ends no turn, whatever a client asks for: most are gaps between words.

By measurement with both silences of v3 at 100 ms, as a published agent sets them: 17.7 % of words are wrong
and a quarter of all turns has one word or two; at 224 ms 16.1 %, at 320 ms 15.3 %.
"""


@dataclass(frozen=True, slots=True)
class SilencePolicy:
    """Two thresholds of silence and one of confidence.

    Attributes:
        min_silence_ms: Shortest silence that ends a turn whose confidence reaches the threshold.
        max_silence_ms: Silence that ends any turn. Neither counts below `SHORTEST_PAUSE_MS`.
        threshold: Of the end-of-turn confidence, 0 to 1; with 1 only the long silence ends a turn.
    """

    min_silence_ms: int
    max_silence_ms: int
    threshold: float

    @property
    def tells_confidence(self) -> bool:
        """Whether confidences are reported: not where the same silence ends every turn."""
        return self.min_silence_ms < self.max_silence_ms

    @property
    def asks_for_confidence(self) -> bool:
        """Whether confidence decides when a turn is over."""
        return self.tells_confidence and 0.0 < self.threshold < 1.0

    @property
    def earliest_ms(self) -> float:
        """The shortest silence that can end a turn, in milliseconds."""
        if not self.asks_for_confidence:
            earliest_ms: float = self.min_silence_ms if self.threshold < 1.0 else self.max_silence_ms
        else:
            earliest_ms = max(
                self.min_silence_ms, min(self.max_silence_ms, earliest_pause_ms(self.threshold))
            )
        return max(earliest_ms, SHORTEST_PAUSE_MS)

    def needs_text(self, silence_ms: float) -> bool:
        """Whether confidence decides at this silence: the short one has passed, the long one has not."""
        return self.asks_for_confidence and self.min_silence_ms <= silence_ms < self.max_silence_ms

    def changed(
        self, min_silence_ms: int | None, max_silence_ms: int | None, threshold: float | None
    ) -> SilencePolicy:
        """This policy with some numbers replaced; a silence that is not replaced follows one that is."""
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
            silence_ms: Since the last speech, in milliseconds.
            confidence: Of the turn being over, 0 to 1.
        """
        if silence_ms < SHORTEST_PAUSE_MS:
            return False
        if silence_ms >= self.max_silence_ms:
            return True
        return silence_ms >= self.min_silence_ms and self.threshold < 1.0 and confidence >= self.threshold
