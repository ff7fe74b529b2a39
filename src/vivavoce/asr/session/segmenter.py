"""What a session makes of speech probabilities: where utterances begin, pause, and end."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from vivavoce.asr.audio import SampleBuffer
from vivavoce.asr.session.speech import (
    WINDOW_SAMPLES,
    Evidence,
    Pauses,
    SpeechTracker,
    TrackerState,
    log_odds_after_1_s,
    prosody,
)
from vivavoce.asr.session.utterance import Pause, Utterance

if TYPE_CHECKING:
    from vivavoce.asr.session.speech import SilencePolicy
    from vivavoce.asr.session.tuning import Tuning

__all__ = ["Hearing"]

_SAMPLES_PER_MS = 16
_CUT_SMOOTHING_FRAMES = 3


class Hearing:
    """The audio of one session from the first frame to the last, and the utterances in it.

    Attributes:
        buffer: The samples that may still be needed.
        policy: When a turn is over; may be replaced at any time.
        current: The open utterance, if any.
        closing: Utterances that are over and not yet told, oldest first.
        spoken_until: Position behind the last utterance: nothing is decoded twice.
        terms: Words and phrases that are expected, from `expect`.
    """

    def __init__(
        self, policy: SilencePolicy, *, threshold: float, frame_samples: int, tuning: Tuning, commits: bool
    ) -> None:
        self.buffer = SampleBuffer()
        self.policy = policy
        self.current: Utterance | None = None
        self.closing: deque[Utterance] = deque()
        self.spoken_until = 0
        self.terms: tuple[str, ...] = ()
        self._tracker = SpeechTracker(threshold)
        self._frame_samples = frame_samples
        self._tuning = tuning
        self._commits = commits
        self._count = 0
        self._pauses = Pauses()
        self._last_speech_frame = 0  # behind it the last utterance had been spoken

    # --- where things are -----------------------------------------------------------------------

    @property
    def position(self) -> int:
        """Position behind the last frame that was heard."""
        return self._tracker.frames * self._frame_samples

    @property
    def frames(self) -> int:
        """How many frames were heard."""
        return self._tracker.frames

    @property
    def is_quiet(self) -> bool:
        """Whether nobody speaks and no utterance is open."""
        return self._tracker.state is TrackerState.QUIET and self.current is None

    @property
    def speech_start(self) -> int:
        """Position of the first frame of the speech now heard."""
        return self._tracker.first_speech_frame * self._frame_samples

    @property
    def strongest(self) -> float:
        """Highest speech probability since the speech now heard began, 0 to 1."""
        return self._tracker.strongest

    @property
    def is_speaking(self) -> bool:
        """Whether speech is heard in the newest frame."""
        return self._tracker.state is TrackerState.SPEAKING

    @property
    def settled_end(self) -> int | None:
        """Where the current utterance would end if it ended now; None while somebody speaks.

        Behind the last speech only as much silence is kept as the model needs: it invents words for more.
        """
        if self.current is None or self._tracker.pause_frames < self.settle_frames:
            return None
        kept = min(self.settle_frames, self._frames_in(self._tuning.settle_ms))
        return (self._tracker.speech_end_frame + kept) * self._frame_samples

    @property
    def settle_frames(self) -> int:
        """Frames of silence after which an utterance is decoded as if it were over."""
        tuning = self._tuning
        least_ms = self.policy.earliest_ms
        settle_ms = min(tuning.late_settle_ms, max(tuning.settle_ms, least_ms - tuning.settle_lead_ms))
        return max(1, self._frames_in(min(settle_ms, least_ms)))

    @property
    def waits_for_text(self) -> bool:
        """Whether it takes words that are not there yet to tell if the turn is over."""
        return (
            self.policy.needs_text(self._pause_ms) and self.settled_end is not None and not self._has_settled
        )

    @property
    def end_of_turn_confidence(self) -> float:
        """How sure it is that the current utterance is over, 0 to 1; 0 while somebody speaks."""
        utterance = self.current
        if utterance is None or not self._has_settled:
            return 0.0
        return utterance.confidence_after(self._pause_ms)

    @property
    def _has_settled(self) -> bool:
        """Whether the words up to this pause are known; those up to an earlier one say nothing of it."""
        settled_end = self.settled_end
        return (
            settled_end is not None and self.current is not None and self.current.settled_end == settled_end
        )

    @property
    def _pause_ms(self) -> float:
        return self._ms(self._tracker.pause_frames)

    @property
    def _pause(self) -> Pause | None:
        """The pause now heard."""
        if not self._tracker.pause_frames:
            return None
        speech_end = self._tracker.speech_end_frame * self._frame_samples
        return Pause(speech_end, self._pause_ms, self._pauses.usual_ms)

    def _ms(self, frames: int) -> float:
        return frames * self._frame_samples / _SAMPLES_PER_MS

    def _frames_in(self, ms: float) -> int:
        return round(ms * _SAMPLES_PER_MS / self._frame_samples)

    # --- what is heard --------------------------------------------------------------------------

    def set_threshold(self, threshold: float) -> None:
        """Change the speech probability from which a frame counts as speech."""
        self._tracker.threshold = threshold

    def expect(self, terms: tuple[str, ...]) -> None:
        """Expect words and phrases from now on, in the open utterance too."""
        self.terms = terms
        if self.current is not None:
            self.current.expect(terms)

    def hear(self, probability: float) -> bool:
        """Hear one more frame; returns whether an utterance began with it."""
        was_open, pause_ms, settled_end = self._tracker.is_open, self._pause_ms, self.settled_end
        self._tracker.push(probability)
        if self.is_speaking:
            self._pauses.note(pause_ms)
        if self._tracker.is_open and not was_open:
            self._pauses.note(self._ms(self._tracker.first_speech_frame - self._last_speech_frame))
            preroll = self._tuning.preroll_ms * _SAMPLES_PER_MS
            begun = self._begin(max(self.speech_start - preroll, self.spoken_until, self.buffer.start))
            # What it took to notice the speech is part of it.
            begun.voiced_ms = (self.position - self.speech_start) / _SAMPLES_PER_MS
            begun.strongest = self._tracker.strongest
            return True
        utterance = self.current
        if utterance is None:
            self._forget()
            return False
        utterance.strongest = max(utterance.strongest, probability)
        if probability >= self._tracker.threshold:
            utterance.voiced_ms += self._frame_samples / _SAMPLES_PER_MS
        if self.position - utterance.start >= self._tuning.max_utterance_ms * _SAMPLES_PER_MS:
            self._limit(utterance, settled_end)
        return False

    def end_if_over(self) -> bool:
        """End the current utterance if its pause is long enough; returns whether it did."""
        if self.current is None or not self._tracker.pause_frames:
            return False
        if not self.policy.is_over(self._pause_ms, self.end_of_turn_confidence):
            return False
        self.end(self.position)
        return True

    def end(self, at: int) -> Utterance | None:
        """End the current utterance now, behind position ``at`` at the latest; None if there is none."""
        utterance = self.current
        settled_end, pause = self.settled_end, self._pause
        self._tracker.close()
        if utterance is None:
            return None
        utterance.pause = pause
        self._last_speech_frame = self._tracker.speech_end_frame
        self._close(utterance, at if settled_end is None else min(at, settled_end))
        self.current = None
        return utterance

    def judge(self, utterance: Utterance) -> None:
        """Find out how much it sounds like its end, once its words are settled."""
        pause = utterance.pause or self._pause
        if pause is None or not self.policy.tells_confidence:
            return
        start = max(utterance.start, pause.speech_end - WINDOW_SAMPLES)
        voice = prosody(self.buffer.copy(start, max(start, pause.speech_end)))
        words, mark_probability, end_probability = utterance.last_words
        utterance.log_odds = log_odds_after_1_s(
            Evidence(words, mark_probability, utterance.voiced_ms, voice, pause.usual_ms, end_probability)
        )

    def end_nothing(self, at: int) -> Utterance:
        """Put an utterance without words where a turn was ended in silence."""
        utterance = Utterance(self._count, at, commits=False, turn_start=at, settled_end=at)
        self._count += 1
        self._close(utterance, at)
        return utterance

    def _close(self, utterance: Utterance, end: int) -> None:
        utterance.close(end)
        self.spoken_until = end
        self.closing.append(utterance)

    def _begin(self, start: int, before: Utterance | None = None) -> Utterance:
        """Begin an utterance, in the turn of the one before if that is given."""
        self.current = utterance = Utterance(
            self._count,
            start,
            commits=self._commits,
            turn_start=start if before is None else before.turn_start,
            part=1 if before is None else before.part + 1,
            asked_end=self.speech_start,
            terms=self.terms,
        )
        self._count += 1
        return utterance

    def _forget(self) -> None:
        """Drop what no utterance to come can reach back to."""
        if self.closing:
            return
        reach = self._tuning.preroll_ms * _SAMPLES_PER_MS
        earliest = self.position if self.is_quiet else self.speech_start
        self.buffer.drop_before(earliest - reach - self._frame_samples)

    def _limit(self, utterance: Utterance, settled_end: int | None) -> None:
        """Do something about an utterance that is too long.

        Where words are committed, as in v3, its turn goes on behind it: a sentence may be longer.

        Args:
            utterance: The open one.
            settled_end: Where it would have ended before the newest frame, if that ended a pause.
        """
        goes_on = self._commits and utterance.part < self._tuning.max_parts
        longest = 2 * self._tuning.max_utterance_ms * _SAMPLES_PER_MS  # whatever silence may be waited for
        if not self._tracker.pause_frames:
            utterance.goes_on = goes_on
            if settled_end is None:
                at = spoken_from = self._weakest(utterance)
            else:  # no better place than a pause
                at, spoken_from = settled_end, self.position - self._frame_samples
            self._cut(utterance, at, spoken_from)
        elif not goes_on or self.position - utterance.start >= longest:
            self.end(self.position)

    def _weakest(self, utterance: Utterance) -> int:
        """Where an utterance without a pause is best cut.

        Words that were committed belong to it, so the cut lies behind them.
        """
        size = self._frame_samples
        end = self.position
        window = self._tuning.cut_window_ms * _SAMPLES_PER_MS
        n = (end - max(utterance.committed_end, utterance.start, end - window)) // size
        if n < _CUT_SMOOTHING_FRAMES:
            return end
        frames = self.buffer.copy(end - n * size, end).reshape(n, size)
        kernel = np.ones(_CUT_SMOOTHING_FRAMES) / _CUT_SMOOTHING_FRAMES
        energy = np.convolve(np.square(frames).mean(axis=1), kernel, "valid")
        return end - (n - int(np.argmin(energy)) - _CUT_SMOOTHING_FRAMES // 2) * size

    def _cut(self, utterance: Utterance, at: int, spoken_from: int) -> None:
        """End an utterance behind a position, and go on with the next, which is spoken from another on."""
        self._close(utterance, at)
        strongest = self._tracker.strongest
        self._tracker.split()
        start = max(at, spoken_from - self._tuning.preroll_ms * _SAMPLES_PER_MS)
        following = self._begin(start, utterance if utterance.goes_on else None)
        following.strongest = strongest
        following.voiced_ms = (self.position - spoken_from) / _SAMPLES_PER_MS
        self.buffer.drop_before(self.closing[0].start)
