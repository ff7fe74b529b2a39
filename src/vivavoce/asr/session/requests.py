"""What a session asks of the engine."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DecodeRequest"]


@dataclass(frozen=True, slots=True)
class DecodeRequest:
    """One pass of the recogniser over an utterance.

    Attributes:
        utterance: Number of the utterance within the session.
        start: Position in the session of the span's first sample.
        end: Position behind its last one.
        is_final: Whether an utterance that is over waits for it.
        is_settled: Whether the span holds all the utterance would hold if it ended now.
        terms: Words and phrases that are expected in it.
    """

    utterance: int
    start: int
    end: int
    is_final: bool
    is_settled: bool
    terms: tuple[str, ...] = ()

    @property
    def n_samples(self) -> int:
        """Length of the span."""
        return self.end - self.start

    @property
    def kind(self) -> str:
        """``final``, ``settled`` or ``partial``."""
        return "final" if self.is_final else "settled" if self.is_settled else "partial"
