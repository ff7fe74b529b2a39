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
        settle_ms: Silence after which an utterance is decoded as if it were over; nothing of what is heard
            behind it is given to the model, which invents words for long silence.
        settle_zeros_ms: Perfect silence that is given to the model instead, which wants to hear an end.
        late_settle_ms: The same where the silence that ends a turn leaves time for it: a later pass is
            needed less often, since most pauses are shorter.
        settle_lead_ms: How long before a turn may end that pass begins at the latest.
        cadence_ms: Between two partial passes of an utterance.
        first_partial_ms: Speech before the first partial pass.
        opening_ms: Speech at the beginning of an utterance in which partial passes, which are short there,
            come more often, unless there is no time for it: the first words are the least sure.
        opening_cadence_ms: Between two partial passes in it.
        window_ms: How far back the window of partial passes reaches at least.
        window_slack_ms: By how much a window may be longer before it is moved.
        window_margin_ms: Audio in front of the first word of a window.
        window_step_ms: A window moves by multiples of this, so that the engine can use again what it made
            of the window before.
        frames_at_once: While somebody speaks, so many frames are given to the speech detector in one call,
            unless something waits for them.
        max_utterance_ms: Length at which an utterance is cut although its speaker goes on.
        max_parts: Of so many such utterances a turn may consist, where words are committed.
        cut_window_ms: How far back from there the best place for the cut is looked for.
    """

    preroll_ms: int = 384
    settle_ms: int = 224
    settle_zeros_ms: int = 224
    late_settle_ms: int = 448
    settle_lead_ms: int = 250
    cadence_ms: int = 320
    first_partial_ms: int = 320
    opening_ms: int = 900
    opening_cadence_ms: int = 160
    window_ms: int = 4_000
    window_slack_ms: int = 2_000
    window_margin_ms: int = 64
    window_step_ms: int = 24
    frames_at_once: int = 5
    max_utterance_ms: int = 20_000
    max_parts: int = 2
    cut_window_ms: int = 7_000
