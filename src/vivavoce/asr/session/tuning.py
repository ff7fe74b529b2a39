"""The numbers that decide when a session requests a pass."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Tuning"]


@dataclass(frozen=True, slots=True)
class Tuning:
    """Times in milliseconds of audio, sizes in samples at 16 kHz.

    All were chosen by measurement; benchmarks/studies has the comparisons.

    Attributes:
        frame_samples: Frame size of the speech detector; the engine checks that the detector agrees.
        preroll_ms: Audio before the first frame of speech that belongs to the utterance: the detector
            notices speech a little late.
        settle_ms: Silence after which an utterance is decoded as if it were over. Of a longer silence only
            this much is given to the model, which invents words for long silence.
        settle_zeros_ms: Digital silence appended to that, because the model needs to hear an end.
        late_settle_ms: Replaces `settle_ms` where the silence that ends a turn leaves time for it. Most
            pauses are shorter, so fewer passes are wasted.
        settle_lead_ms: That pass begins at least this long before a turn can end.
        cadence_ms: Between two partial passes of an utterance.
        first_partial_ms: Speech before the first partial pass.
        opening_ms: Length of the opening of an utterance, in which partial passes come more often as long as
            there is no load: passes are short there and the first words are the least certain.
        opening_cadence_ms: Between two partial passes in the opening.
        window_ms: The window of partial passes reaches back at least this far.
        window_slack_ms: The window may grow by this much before it is moved.
        window_margin_ms: Audio before the first word of a window.
        window_step_samples: A window moves by a multiple of this, so that the recogniser can reuse what it
            computed for the window before; a multiple of the recogniser's `step_samples`.
        frames_at_once: While a speaker talks, this many frames are given to the speech detector in one call,
            unless something waits for them.
        max_utterance_ms: Length at which an utterance is cut although its speaker continues.
        max_parts: A turn may consist of this many such utterances, where words are committed.
        cut_window_ms: The best place for the cut is searched this far back from the end.
        long_pause_ms: Speech before such a pause is no evidence for words after it: music is full of pauses.
        revises: Whether finals wait for the hypothesis of a second, better recogniser.
        joint_ms: Audio on each side of a cut that decides how the text on both sides fits together.
    """

    frame_samples: int = 512
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
    window_step_samples: int = 384
    frames_at_once: int = 5
    max_utterance_ms: int = 20_000
    max_parts: int = 2
    cut_window_ms: int = 7_000
    long_pause_ms: int = 700
    joint_ms: int = 5_000
    revises: bool = False
