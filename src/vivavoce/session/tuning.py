"""The numbers that decide when a session asks for a pass."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Tuning"]


@dataclass(frozen=True, slots=True)
class Tuning:
    """Times in milliseconds of audio. They were chosen by measurement: see docs/architecture.md.

    Attributes:
        preroll_ms: Audio in front of the first frame of speech that belongs to the utterance: what
            voice activity notices too late.
        settle_ms: Silence after which an utterance is decoded as if it were over; nothing behind it is
            given to the model, which invents words for long silence.
        cadence_ms: Between two partial passes of an utterance.
        first_partial_ms: Speech before the first partial pass.
        flat_until_ms: Length up to which the cadence holds; it stretches in proportion beyond.
        max_utterance_ms: Length at which an utterance is cut although its speaker goes on.
        cut_window_ms: How far back from there the best place for the cut is looked for.
    """

    preroll_ms: int = 384
    settle_ms: int = 320
    cadence_ms: int = 320
    first_partial_ms: int = 384
    flat_until_ms: int = 8_000
    max_utterance_ms: int = 20_000
    cut_window_ms: int = 7_000
