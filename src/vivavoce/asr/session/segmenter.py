"""From speech probabilities to utterances: where they begin, pause and end."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from vivavoce.asr.audio import SAMPLES_PER_MS, SampleBuffer
from vivavoce.asr.session.joints import Joint
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

__all__ = ["Segmenter"]

_CUT_SMOOTHING_FRAMES = 3


class Segmenter:
    """The audio of one session from the first frame to the last, and the utterances in it.

    Attributes:
        buffer: The samples that may still be needed.
        policy: Decides when a turn is over; may be replaced at any time.
        current: The open utterance, if any.
        closing: Utterances that have ended and are not yet reported, oldest first.
        last_end: Position after the last utterance: no sample is decoded in two of them.
        prompt: Text before utterances that begin from now on, for the recogniser.
    """

    def __init__(self, policy: SilencePolicy, *, threshold: float, tuning: Tuning, commits: bool) -> None:
        """Begin with silence.

        Args:
            policy: Decides when a turn is over.
            threshold: Speech probability from which a frame counts as speech, 0 to 1.
            tuning: Times and sizes.
            commits: Whether words are committed while an utterance grows.
        """
        self.buffer = SampleBuffer()
        self.policy = policy
        self.current: Utterance | None = None
        self.closing: deque[Utterance] = deque()
        self.last_end = 0
        self.prompt = ""
        self._terms: tuple[str, ...] = ()  # expected from now on
        self._tracker = SpeechTracker(threshold)
        self._tuning = tuning
        self._commits = commits
        self._count = 0  # of utterances so far
        self._pauses = Pauses()  # of this speaker
        self._last_speech_frame = 0  # after the last speech of the utterance before
        self._joint: Joint | None = None  # where the last utterance was ended in mid-speech

    # --- where things are -----------------------------------------------------------------------

    @property
    def position(self) -> int:
        """Position after the last frame pushed."""
        return self._tracker.frames * self._tuning.frame_samples

    @property
    def frames(self) -> int:
        """How many frames were pushed."""
        return self._tracker.frames

    @property
    def is_quiet(self) -> bool:
        """Whether there is neither speech nor an open utterance, and every utterance was reported."""
        return self._tracker.state is TrackerState.QUIET and self.current is None and not self.closing

    @property
    def speech_start(self) -> int:
        """Position of the first frame of the current speech."""
        return self._tracker.first_speech_frame * self._tuning.frame_samples

    @property
    def peak(self) -> float:
        """Highest speech probability since the current speech began, 0 to 1."""
        return self._tracker.peak

    @property
    def is_speaking(self) -> bool:
        """Whether the newest frame is speech."""
        return self._tracker.state is TrackerState.SPEAKING

    @property
    def settled_end(self) -> int | None:
        """Where the current utterance would end if it ended now; None during speech.

        Only as much silence after the last speech is included as the model needs: it invents words for more.
        """
        if self.current is None or self._tracker.pause_frames < self.settle_frames:
            return None
        kept = min(self.settle_frames, self._frames_in(self._tuning.settle_ms))
        return (self._tracker.speech_end_frame + kept) * self._tuning.frame_samples

    @property
    def settle_frames(self) -> int:
        """Frames of silence after which an utterance is decoded as if it were over."""
        tuning = self._tuning
        earliest_ms = self.policy.earliest_ms
        settle_ms = min(tuning.late_settle_ms, max(tuning.settle_ms, earliest_ms - tuning.settle_lead_ms))
        return max(1, self._frames_in(min(settle_ms, earliest_ms)))

    @property
    def awaits_words(self) -> bool:
        """Whether words that are not decoded yet decide if the turn is over."""
        return (
            self.policy.needs_text(self._pause_ms) and self.settled_end is not None and not self._has_settled
        )

    @property
    def end_of_turn_confidence(self) -> float:
        """How certain it is that the current utterance is over, 0 to 1; 0 during speech."""
        utterance = self.current
        if utterance is None or not self._has_settled:
            return 0.0
        return utterance.confidence_after(self._pause_ms)

    def is_over_within(self, silence_ms: float) -> bool:
        """Whether the current utterance is over if the silence lasts so much longer; its words are known."""
        utterance, longer_ms = self.current, self._pause_ms + silence_ms
        if utterance is None or not self._has_settled:
            return False
        return self.policy.is_over(longer_ms, utterance.confidence_after(longer_ms))

    @property
    def pauses_with_words(self) -> bool:
        """Whether the current turn could end in this pause by its length, and its words are known."""
        policy = self.policy
        return policy.tells_confidence and self._pause_ms >= policy.min_silence_ms and self._has_settled

    @property
    def _has_settled(self) -> bool:
        """Whether the words up to this pause are known; words up to an earlier pause say nothing about it."""
        settled_end = self.settled_end
        return (
            settled_end is not None and self.current is not None and self.current.settled_end == settled_end
        )

    @property
    def _pause_ms(self) -> float:
        return self._ms(self._tracker.pause_frames)

    @property
    def _pause(self) -> Pause | None:
        """The current pause."""
        if not self._tracker.pause_frames:
            return None
        speech_end = self._tracker.speech_end_frame * self._tuning.frame_samples
        return Pause(speech_end, self._pause_ms, self._pauses.usual_ms)

    def _ms(self, frames: int) -> float:
        return frames * self._tuning.frame_samples / SAMPLES_PER_MS

    def _frames_in(self, ms: float) -> int:
        return round(ms * SAMPLES_PER_MS / self._tuning.frame_samples)

    # --- what changes ---------------------------------------------------------------------------

    def set_threshold(self, threshold: float) -> None:
        """Change the speech probability from which a frame counts as speech."""
        self._tracker.threshold = threshold

    def expect(self, terms: tuple[str, ...]) -> None:
        """Expect words and phrases from now on, in the open utterance too."""
        self._terms = terms
        if self.current is not None:
            self.current.expect(terms)

    def push(self, probability: float) -> bool:
        """Take the speech probability of the next frame; returns whether an utterance began with it."""
        was_open, pause_ms, settled_end = self._tracker.is_open, self._pause_ms, self.settled_end
        self._tracker.push(probability)
        if self.is_speaking:
            self._pauses.note(pause_ms)
        if self._tracker.is_open and not was_open:
            self._pauses.note(self._ms(self._tracker.first_speech_frame - self._last_speech_frame))
            preroll = self._tuning.preroll_ms * SAMPLES_PER_MS
            begun = self._begin(max(self.speech_start - preroll, self.last_end, self.buffer.start))
            # The frames that it took to detect the speech are part of it.
            begun.add_voice((self.position - self.speech_start) / SAMPLES_PER_MS)
            begun.peak = self._tracker.peak
            return True
        utterance = self.current
        if utterance is None:
            self._forget()
            return False
        utterance.peak = max(utterance.peak, probability)
        if self.is_speaking and pause_ms >= self._tuning.long_pause_ms:
            utterance.end_stretch()
        if probability >= self._tracker.threshold:
            utterance.add_voice(self._tuning.frame_samples / SAMPLES_PER_MS)
        if self.position - utterance.start >= self._tuning.max_utterance_ms * SAMPLES_PER_MS:
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
        """End the current utterance now, at position ``at`` at the latest; None if there is none."""
        utterance = self.current
        settled_end, pause = self.settled_end, self._pause
        self._tracker.close()
        if utterance is None:
            return None
        utterance.pause = pause
        self._last_speech_frame = self._tracker.speech_end_frame
        self._close(utterance, at if settled_end is None else min(at, settled_end))
        if pause is None:
            self._join(utterance, at)
        self.current = None
        return utterance

    def end_nothing(self, at: int) -> Utterance:
        """Insert an utterance without words where a turn was ended in silence."""
        utterance = Utterance(self._count, at, commits=False, turn_start=at, settled_end=at)
        self._count += 1
        self._close(utterance, at)
        return utterance

    def judge(self, utterance: Utterance) -> None:
        """Estimate from its settled words and its voice how likely an utterance is to be over."""
        pause = utterance.pause or self._pause
        if pause is None or not self.policy.tells_confidence:
            return
        start = max(utterance.start, pause.speech_end - WINDOW_SAMPLES)
        voice = prosody(self.buffer.copy(start, max(start, pause.speech_end)))
        words, mark_probability, end_probability = utterance.last_words
        utterance.log_odds = log_odds_after_1_s(
            Evidence(words, mark_probability, utterance.voiced_ms, voice, pause.usual_ms, end_probability)
        )

    def _close(self, utterance: Utterance, end: int) -> None:
        utterance.close(end)
        self.last_end = end
        self.closing.append(utterance)

    def _begin(self, start: int, before: Utterance | None = None) -> Utterance:
        """Begin an utterance, in the turn of the one before if that is given."""
        joint, self._joint = self._joint, None
        self.current = utterance = Utterance(
            self._count,
            start,
            commits=self._commits,
            turn_start=start if before is None else before.turn_start,
            part=1 if before is None else before.part + 1,
            requested_end=self.speech_start,
            terms=self._terms,
            prompt=self.prompt,
            revises=self._tuning.revises,
            joint_before=joint if joint is not None and joint.at == start else None,
        )
        self._count += 1
        return utterance

    def _forget(self) -> None:
        """Drop the samples that no later utterance can reach back to."""
        if self.closing:
            return
        reach = self._tuning.preroll_ms * SAMPLES_PER_MS
        earliest = self.position if self.is_quiet else self.speech_start
        self.buffer.drop_before(earliest - reach - self._tuning.frame_samples)

    def _join(self, utterance: Utterance, end: int) -> None:
        """Note that the speaker may continue where an utterance was ended by force or by its length.

        There is no pass over the audio around it: that to come is not there, and the client waits.
        """
        self._joint = utterance.joint_after = Joint(self.last_end, end, end, is_known=True)

    # --- utterances that are too long -----------------------------------------------------------

    def _limit(self, utterance: Utterance, settled_end: int | None) -> None:
        """Cut an utterance that is too long, or wait for the end of its pause.

        Where words are committed, as in v3, its turn continues after the cut: a sentence may be longer.

        Args:
            utterance: The open one.
            settled_end: Where it would have ended before the newest frame, if that frame ended a pause.
        """
        continues = self._commits and utterance.part < self._tuning.max_parts
        longest = 2 * self._tuning.max_utterance_ms * SAMPLES_PER_MS  # whatever silence ends a turn
        if not self._tracker.pause_frames:
            utterance.continues = continues
            if settled_end is None:
                at = speech_from = self._quietest(utterance)
            else:  # there is no better place than a pause
                at, speech_from = settled_end, self.position - self._tuning.frame_samples
            self._cut(utterance, at, speech_from)
        elif not continues or self.position - utterance.start >= longest:
            self.end(self.position)
            self._join(utterance, self.position)

    def _quietest(self, utterance: Utterance) -> int:
        """The best position to cut an utterance without a pause: its quietest, after the committed words."""
        size = self._tuning.frame_samples
        end = self.position
        window = self._tuning.cut_window_ms * SAMPLES_PER_MS
        start = max(utterance.committed_end, utterance.start, end - window)
        n = (end - start) // size
        if n < _CUT_SMOOTHING_FRAMES:
            return end
        frames = self.buffer.copy(end - n * size, end).reshape(n, size)
        kernel = np.ones(_CUT_SMOOTHING_FRAMES) / _CUT_SMOOTHING_FRAMES
        energy = np.convolve(np.square(frames).mean(axis=1), kernel, "valid")
        return end - (n - int(np.argmin(energy)) - _CUT_SMOOTHING_FRAMES // 2) * size

    def _cut(self, utterance: Utterance, at: int, speech_from: int) -> None:
        """End an utterance at one position, and begin the next, whose speech begins at another."""
        self._close(utterance, at)
        reach = self._tuning.joint_ms * SAMPLES_PER_MS
        self._joint = Joint(at, max(utterance.start, at - reach), min(self.position, at + reach))
        utterance.joint_after = self._joint
        peak = self._tracker.peak
        self._tracker.split()
        start = max(at, speech_from - self._tuning.preroll_ms * SAMPLES_PER_MS)
        following = self._begin(start, utterance if utterance.continues else None)
        following.peak = peak
        following.add_voice((self.position - speech_from) / SAMPLES_PER_MS)
        self.buffer.drop_before(self.closing[0].start)
