"""Passes of the recogniser: when one is due, over which span, and what its result means.

The result of a pass arrives later than it was requested, and meets one of five situations:

1. *Settled*: the speaker still pauses where the pass ended, and the same terms are expected. The hypothesis
   stands for the whole utterance, and its end is judged.
2. *Overtaken*: the pass saw the whole utterance, but speech has resumed or other terms are expected. It
   corrects the words, and does not stand.
3. *Partial*: the pass saw the window of partials of an open utterance. Its words update the window.
4. *Final*: the utterance has ended exactly where a pass over the whole ended. Its words are final.
5. *Late*: the utterance has ended elsewhere, with other terms, or the pass saw only its window. The
   hypothesis is dropped; a final pass follows.

Where an utterance was cut in mid-speech, one more pass over the audio around the cut follows its final pass.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from vivavoce.asr.audio import SAMPLES_PER_MS
from vivavoce.asr.models import Hypothesis, Span
from vivavoce.asr.session.requests import DecodeRequest, PassKind
from vivavoce.asr.session.revision import Revision

if TYPE_CHECKING:
    from vivavoce.asr.session.segmenter import Segmenter
    from vivavoce.asr.session.tuning import Tuning
    from vivavoce.asr.session.utterance import Utterance
    from vivavoce.protocol.events import SessionOptions

__all__ = ["Passes"]


class Passes:
    """Decides about the passes of one session; at most one is in flight.

    Attributes:
        options: The options of the session, as last changed.
    """

    def __init__(self, segmenter: Segmenter, tuning: Tuning, options: SessionOptions) -> None:
        self.options = options
        self._segmenter = segmenter
        self._tuning = tuning
        self._in_flight: DecodeRequest | None = None  # begun and not yet applied
        self._revising: DecodeRequest | None = None  # the same, of the better recogniser

    # --- when and over what ---------------------------------------------------------------------

    def next(self, cadence_ms: float) -> DecodeRequest | None:
        """The most urgent pass, if one is due; asking changes nothing.

        Args:
            cadence_ms: Audio between two partial passes, in milliseconds: longer under load.
        """
        if self._in_flight is not None:
            return None
        segmenter = self._segmenter
        for utterance in segmenter.closing:
            if utterance.end is not None and not utterance.is_decoded:
                return self._request(utterance, utterance.start, utterance.end, PassKind.FINAL)
            joint = utterance.joint_after
            if joint is not None and not joint.is_known:
                return self._request(utterance, joint.start, joint.end, PassKind.JOINT)
        current = segmenter.current
        if current is None or not all(utterance.is_decoded for utterance in segmenter.closing):
            return None  # what is said now can wait for the words of what is over
        settled_end = segmenter.settled_end
        if settled_end is not None:
            if current.settled_end == settled_end:
                return None
            return self._request(current, current.start, settled_end, PassKind.SETTLED)
        wants_partials = self.options.partials and segmenter.is_speaking
        if wants_partials and self._samples_to_partial(current, cadence_ms) <= 0:
            return self._request(current, current.window, segmenter.position, PassKind.PARTIAL)
        return None

    def frames_at_once(self, cadence_ms: float) -> int:
        """How many frames make a call of the speech detector worthwhile, at least 1.

        During speech frames may be detected a little later, as long as nothing else becomes later: the next
        partial, and what follows from a pause.

        Args:
            cadence_ms: As for `next`.
        """
        segmenter = self._segmenter
        utterance = segmenter.current
        if utterance is None or not segmenter.is_speaking:
            return 1
        to_partial = -(-self._samples_to_partial(utterance, cadence_ms) // self._tuning.frame_samples)
        at_once = min(self._tuning.frames_at_once, segmenter.settle_frames // 2)
        return max(1, min(at_once, to_partial) if to_partial > 0 else at_once)

    def _samples_to_partial(self, utterance: Utterance, cadence_ms: float) -> int:
        """Samples that must still be detected before the next partial pass; 0 or less: it is due."""
        tuning, options = self._tuning, self.options
        so_far = utterance.requested_end - self._segmenter.speech_start
        paces_itself = not options.partials_ms and cadence_ms <= tuning.cadence_ms  # neither client nor load
        if not utterance.has_words and so_far <= 0:
            first_ms = options.first_partial_ms
            wait_ms: float = tuning.first_partial_ms if first_ms is None else first_ms
        elif so_far < tuning.opening_ms * SAMPLES_PER_MS and paces_itself:
            wait_ms = tuning.opening_cadence_ms
        else:  # the client's interval is stretched under load like any other
            wait_ms = cadence_ms * (options.partials_ms or tuning.cadence_ms) / tuning.cadence_ms
        return math.ceil(wait_ms * SAMPLES_PER_MS) - (self._segmenter.position - utterance.requested_end)

    def begin(self, request: DecodeRequest) -> Span:
        """Begin a pass that `next` returned; returns what the recogniser gets.

        Raises:
            ValueError: The utterance is no longer there: the request is out of date.
        """
        utterance = self._find(request)
        self._in_flight = request
        if request.kind is PassKind.JOINT:
            samples = self._segmenter.buffer.copy(request.start, request.end)
            return Span(
                samples,
                exact=True,
                start=request.start,
                terms=request.terms,
                prompt=utterance.prompt,
                language=self.options.told_language,
                translates=self.options.translates,
            )
        fresh_s = (request.end - utterance.requested_end) / (1000 * SAMPLES_PER_MS)
        utterance.requested_end = request.end
        samples = self._segmenter.buffer.copy(request.start, request.end)
        if not request.is_whole:
            return Span(
                samples,
                utterance.window_prefix,
                utterance.window_draft,
                fresh_s=fresh_s,
                start=request.start,
                memory=utterance.memory,
                terms=request.terms,
                prompt=utterance.prompt,
                language=self.options.told_language or utterance.believed_language,
                translates=self.options.translates,
            )
        # The words of a final must not depend on which partials happened to be decoded.
        return Span(
            samples,
            utterance.committed_tokens,
            utterance.draft,
            exact=True,
            start=request.start,
            memory=utterance.memory,
            terms=request.terms,
            prompt=utterance.prompt,
            zeros=self._tuning.settle_zeros_ms * SAMPLES_PER_MS,
            asks_for_end=self._segmenter.policy.asks_for_confidence,
            language=self.options.told_language,
            translates=self.options.translates,
        )

    def _find(self, request: DecodeRequest) -> Utterance:
        for utterance in (*self._segmenter.closing, self._segmenter.current):
            if utterance is not None and utterance.number == request.utterance:
                return utterance
        raise ValueError(f"no utterance {request.utterance}: the request is out of date")

    # --- what its result means ------------------------------------------------------------------

    def discard(self) -> None:
        """Forget the pass in flight: its result no longer matters."""
        self._in_flight = None

    def apply(self, request: DecodeRequest, hypothesis: Hypothesis) -> Utterance | None:
        """Take the result of the pass that was begun.

        Returns:
            The open utterance, whose words have changed; None if the pass belonged to one that has ended.
        """
        self._in_flight = None
        current = self._segmenter.current
        if current is not None and current.number == request.utterance:
            self._apply_to_open(current, request, hypothesis)
            self._move_window(current)
            return current
        for utterance in self._segmenter.closing:
            if utterance.number == request.utterance:
                self._apply_to_ended(utterance, request, hypothesis)
        return None

    def _apply_to_open(self, current: Utterance, request: DecodeRequest, hypothesis: Hypothesis) -> None:
        if not request.is_whole:
            current.take_partial(hypothesis, request.start, request.end)
        elif request.end == self._segmenter.settled_end and request.terms == current.terms:
            current.take_settled(hypothesis, request.end)
            self._segmenter.judge(current)
        else:
            current.take_overtaken(hypothesis, request.end)

    def _apply_to_ended(self, utterance: Utterance, request: DecodeRequest, hypothesis: Hypothesis) -> None:
        if request.kind is PassKind.JOINT:
            if utterance.joint_after is not None:
                utterance.joint_after.take(hypothesis)
            return
        # A window that happens to end where the utterance does lacks the words before it.
        if request.is_whole and request.end == utterance.end and request.terms == utterance.terms:
            utterance.take_settled(hypothesis, request.end)
            self._segmenter.judge(utterance)

    # --- what a better recogniser says ----------------------------------------------------------

    def next_revision(self) -> DecodeRequest | None:
        """The pass that a better recogniser should do next; asking changes nothing.

        It begins in the silence that is likely to end the turn, so that most of it is done by then.
        """
        if self._revising is not None:
            return None
        segmenter = self._segmenter
        for utterance in segmenter.closing:
            if utterance.awaits_revision:
                return self._revision(utterance)
        current = segmenter.current
        if current is None or current.settled_end != segmenter.settled_end or not current.needs_revision:
            return None
        is_likely_over = not segmenter.policy.tells_confidence or (current.log_odds or 0.0) > 0.0
        return self._revision(current) if is_likely_over else None

    def _revision(self, utterance: Utterance) -> DecodeRequest:
        return self._request(utterance, utterance.start, utterance.settled_end or 0, PassKind.REVISION)

    def begin_revision(self, request: DecodeRequest) -> Span:
        """Begin a pass that `next_revision` returned; returns what the better recogniser gets.

        Raises:
            ValueError: The utterance is no longer there: the request is out of date.
        """
        utterance = self._find(request)
        self._revising = request
        return Span(
            self._segmenter.buffer.copy(request.start, request.end),
            exact=True,
            start=request.start,
            terms=request.terms,
            prompt=utterance.prompt,
            zeros=self._tuning.settle_zeros_ms * SAMPLES_PER_MS,
            language=self.options.told_language,
            translates=self.options.translates,
        )

    def apply_revision(self, request: DecodeRequest, hypothesis: Hypothesis) -> None:
        """Take the result of the pass that was begun."""
        self._revising = None
        for utterance in (*self._segmenter.closing, self._segmenter.current):
            is_meant = utterance is not None and utterance.number == request.utterance
            if utterance is not None and is_meant and utterance.terms == request.terms:
                utterance.revision = Revision(request.end, hypothesis.words)

    def give_up_revision(self, number: int) -> bool:
        """Let an utterance that waits for a revision do without; returns whether there is one."""
        for utterance in self._segmenter.closing:
            if utterance.number == number and utterance.awaits_revision:
                utterance.revision = Revision(utterance.end or 0, ())
                return True
        return False

    def _move_window(self, utterance: Utterance) -> None:
        tuning = self._tuning
        position = self._segmenter.position
        longest = (tuning.window_ms + tuning.window_slack_ms) * SAMPLES_PER_MS
        if position - utterance.window > longest:
            utterance.advance_window(
                position - tuning.window_ms * SAMPLES_PER_MS,
                tuning.window_margin_ms * SAMPLES_PER_MS,
                tuning.window_step_samples,
            )

    def _request(self, utterance: Utterance, start: int, end: int, kind: PassKind) -> DecodeRequest:
        is_patient = self.options.recording
        return DecodeRequest(utterance.number, start, end, kind, utterance.terms, is_patient=is_patient)
