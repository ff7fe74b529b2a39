"""The session machine.

Audio goes in and is cut into frames for the speech detector; what the detector says opens and ends
utterances; utterances ask for passes of the recogniser; hypotheses become events. Whatever depends on
speech is counted in samples: the same audio in other chunks, or at another speed, gives the same
utterances and the same final words. Wall time matters for idle and session limits only.
"""

from __future__ import annotations

import enum
import math
from collections import deque
from typing import TYPE_CHECKING

from vivavoce.asr.audio import Intake
from vivavoce.asr.models import Frames, Hypothesis, Span
from vivavoce.asr.session.gate import AudioGate
from vivavoce.asr.session.reporting import Telling
from vivavoce.asr.session.requests import DecodeRequest
from vivavoce.asr.session.segmenter import Hearing
from vivavoce.asr.session.speech import DEFAULT_THRESHOLD, SilencePolicy
from vivavoce.asr.session.tuning import Tuning
from vivavoce.errors import ProtocolViolation
from vivavoce.protocol.events import (
    Audio,
    Command,
    Configure,
    ForceEndpoint,
    KeepAlive,
    SessionBegan,
    SessionEnded,
    SessionEvent,
    SessionFailed,
    SessionLimits,
    SessionOptions,
    SpeechStarted,
    Terminate,
    Warn,
    Warned,
)
from vivavoce.types import Failure

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from vivavoce.asr.session.utterance import Utterance

__all__ = ["Session", "SessionState"]

_SAMPLES_PER_MS = 16


class SessionState(enum.IntEnum):
    """Where a session is; from ENDED on nothing more happens."""

    OPEN = 1
    ENDING = 2
    ENDED = 3
    FAILED = 4


class Session:
    """One client's stream. Not thread-safe; knows no sockets, threads or clocks.

    Feed it with `receive`. Serve it by `take_frames` / `apply_probabilities` and `next_pass` /
    `begin_pass` / `apply_hypothesis`, one of each at a time. Drain it with `take_events`.

    Attributes:
        session_id: A random UUID in its text form.
        cadence_ms: Audio between two partial passes; whoever serves the session may stretch it.
    """

    def __init__(
        self,
        session_id: str,
        options: SessionOptions,
        limits: SessionLimits,
        *,
        now: float,
        unix_now: float,
        frame_samples: int = 512,
        tuning: Tuning | None = None,
    ) -> None:
        """Open a session.

        Args:
            session_id: A random UUID in its text form.
            options: What the client asked for.
            limits: What its dialect allows.
            now: Wall time, in seconds of any steady clock.
            unix_now: The same moment, in seconds since 1970.
            frame_samples: Frame size of the speech detector, at 16 kHz.
            tuning: When to ask for passes.

        Raises:
            ProtocolViolation: Its audio can't be decoded here.
        """
        self.session_id = session_id
        self._limits = limits
        self._tuning = tuning or Tuning()
        self._frame_samples = frame_samples
        self._opened = now
        self._active = now
        self._state = SessionState.OPEN
        self._intake = Intake(options.sample_rate, options.encoding)
        self._gate = AudioGate(limits)
        self._hearing = Hearing(
            SilencePolicy(options.min_silence_ms, options.max_silence_ms, options.end_of_turn_threshold),
            threshold=DEFAULT_THRESHOLD if options.speech_threshold is None else options.speech_threshold,
            frame_samples=frame_samples,
            tuning=self._tuning,
            commits=options.commit_words,
        )
        self._hearing.expect(options.key_terms)
        self._marks: deque[tuple[int, Command]] = deque()  # commands, at their place in the audio
        self._probabilities: deque[float] = deque()  # of frames that were detected and not yet heard
        self._taken_frames = 0
        self._frames_under_way = False
        self._pass_under_way = False
        self._terminated = False
        self.cadence_ms: float = self._tuning.cadence_ms
        began = SessionBegan(session_id, unix_now + limits.max_session_s)
        self._telling = Telling(options, began, now)

    # --- what the client does -------------------------------------------------------------------

    @property
    def state(self) -> SessionState:
        """Where the session is."""
        return self._state

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self._state >= SessionState.ENDED

    @property
    def audio_ms(self) -> float:
        """Audio received, in milliseconds."""
        return self._intake.received_ms

    @property
    def backlog_ms(self) -> float:
        """Audio received and not yet heard, in milliseconds: a pump reads no more while it is long."""
        return (self._hearing.buffer.end - self._hearing.position) / _SAMPLES_PER_MS

    def receive(self, command: Command, now: float) -> None:
        """Take a command; a broken rule fails the session and raises nothing.

        Args:
            command: From the client.
            now: Wall time, in seconds.
        """
        if self._state is not SessionState.OPEN:
            return
        self._active = now
        match command:
            case Audio():
                self._receive_audio(command.data, now)
            case Terminate():
                self._state = SessionState.ENDING
                self._hearing.buffer.append(self._intake.finish())
                self._marks.append((self._hearing.buffer.end, command))
            case Warn():
                self._telling.events.append(Warned(command.text))
            case ForceEndpoint() | Configure():
                self._marks.append((self._intake.settled_samples, command))
            case KeepAlive():
                pass
        self._advance()

    def _receive_audio(self, data: bytes, now: float) -> None:
        try:
            samples = self._intake.decode(data)
            self._gate.check(len(samples), self._intake, now)
        except ProtocolViolation as violation:
            self.fail(violation.failure, violation.detail)
            return
        self._hearing.buffer.append(self._intake.feed(samples))

    def tick(self, now: float) -> None:
        """Look at the clock: a session that idles or lives too long fails; heartbeats are told.

        Args:
            now: Wall time, in seconds.
        """
        if self._state is not SessionState.OPEN:
            return
        idle_s = self._limits.idle_s
        if now - self._opened > self._limits.max_session_s:
            self.fail(Failure.EXPIRED)
        elif idle_s is not None and now - self._active > idle_s:
            self.fail(Failure.IDLE, f"nothing received for {idle_s:g} seconds")
        else:
            self._telling.heartbeat(self.audio_ms, now)

    def fail(self, failure: Failure, detail: str = "") -> None:
        """End the session in an error; what was not told yet is lost."""
        if not self.is_over:
            self._state = SessionState.FAILED
            self._telling.events.append(SessionFailed(failure, detail))

    @property
    def has_events(self) -> bool:
        """Whether anything happened since they were last taken."""
        return bool(self._telling.events)

    def take_events(self) -> list[SessionEvent]:
        """What happened since the last call."""
        events = list(self._telling.events)
        self._telling.events.clear()
        return events

    # --- what the engine does -------------------------------------------------------------------

    def take_frames(self, limit: int = 64) -> Frames | None:
        """Frames for the speech detector, shape (n, frame_samples), n <= limit.

        None if there are none, or so few that they are better heard with those that follow.
        """
        if self._frames_under_way or self.is_over:
            return None
        is_whole = self._state is SessionState.ENDING
        ready = self._hearing.buffer.end if is_whole else self._intake.settled_samples
        size = self._frame_samples
        n = min(ready // size - self._taken_frames, limit)
        if n < min(self._frames_at_once(), limit):
            return None
        start = self._taken_frames * size
        self._taken_frames += n
        self._frames_under_way = True
        return self._hearing.buffer.copy(start, start + n * size).reshape(n, size)

    def _frames_at_once(self) -> int:
        """How many frames are worth a call of the speech detector.

        While somebody speaks it may come a little later, as long as nothing else does: the next partial,
        and what follows from a pause.
        """
        hearing = self._hearing
        utterance = hearing.current
        if self._marks or utterance is None or not hearing.is_speaking:
            return 1
        to_partial = -(-self._samples_to_partial(utterance) // self._frame_samples)
        at_once = min(self._tuning.frames_at_once, hearing.settle_frames // 2)
        return max(1, min(at_once, to_partial) if to_partial > 0 else at_once)

    def apply_probabilities(self, probabilities: npt.NDArray[np.float32]) -> None:
        """Take the speech probabilities of the frames last taken, shape (n,), 0 to 1."""
        self._frames_under_way = False
        if not self.is_over:
            self._probabilities.extend(float(value) for value in probabilities)
            self._telling.note_probability(float(probabilities.max(initial=0.0)))
            self._advance()

    def next_pass(self) -> DecodeRequest | None:
        """The pass that is wanted most, if any; asking changes nothing."""
        if self._pass_under_way or self.is_over:
            return None
        hearing = self._hearing
        for utterance in hearing.closing:
            if utterance.end is not None and not utterance.is_done:
                return _request(utterance, utterance.start, utterance.end, is_final=True)
        current = hearing.current
        if current is None or hearing.closing:
            return None
        settled_end = hearing.settled_end
        if settled_end is not None:
            if current.settled_end == settled_end:
                return None
            return _request(current, current.start, settled_end)
        if self._telling.options.partials and hearing.is_speaking and self._samples_to_partial(current) <= 0:
            return _request(current, current.window, hearing.position, is_settled=False)
        return None

    def _samples_to_partial(self, utterance: Utterance) -> int:
        """How much more has to be heard before the next partial pass; 0 or less: it is due."""
        tuning, options = self._tuning, self._telling.options
        so_far = utterance.asked_end - self._hearing.speech_start
        if utterance.is_fresh and so_far <= 0:
            first_ms = options.first_partial_ms
            wait_ms: float = tuning.first_partial_ms if first_ms is None else first_ms
        elif so_far < tuning.opening_ms * _SAMPLES_PER_MS and self._sets_its_own_pace:
            wait_ms = tuning.opening_cadence_ms
        else:  # what the client wishes is stretched under load as the rest is
            wait_ms = self.cadence_ms * (options.partials_ms or tuning.cadence_ms) / tuning.cadence_ms
        return math.ceil(wait_ms * _SAMPLES_PER_MS) - (self._hearing.position - utterance.asked_end)

    @property
    def _sets_its_own_pace(self) -> bool:
        """Whether neither the client nor the load decides how often partials come."""
        return not self._telling.options.partials_ms and self.cadence_ms <= self._tuning.cadence_ms

    def begin_pass(self, request: DecodeRequest) -> Span:
        """Note that a pass from `next_pass` is under way; returns what is to be recognised."""
        self._pass_under_way = True
        hearing = self._hearing
        utterance = next(
            each
            for each in (*hearing.closing, hearing.current)
            if each is not None and each.number == request.utterance
        )
        heard_s = (request.end - utterance.asked_end) / (1000 * _SAMPLES_PER_MS)
        utterance.asked_end = request.end
        samples = hearing.buffer.copy(request.start, request.end)
        if request.is_settled:
            # What becomes a final must not depend on which partials there happened to be.
            prefix, draft = utterance.committed_tokens, utterance.draft
        else:
            prefix, draft = utterance.window_prefix, utterance.window_draft
        return Span(
            samples,
            prefix,
            draft,
            exact=request.is_settled,
            zeros=self._tuning.settle_zeros_ms * _SAMPLES_PER_MS if request.is_settled else 0,
            asks_for_end=request.is_settled and hearing.policy.asks_for_confidence,
            fresh_s=None if request.is_settled else heard_s,
            start=request.start,
            memory=utterance.memory,
            terms=request.terms,
        )

    def apply_hypothesis(self, request: DecodeRequest, hypothesis: Hypothesis) -> None:
        """Take the result of the pass that was begun."""
        self._pass_under_way = False
        if self.is_over:
            return
        hearing = self._hearing
        current = hearing.current
        if current is not None and current.number == request.utterance:
            is_current = request.is_settled and request.end == hearing.settled_end
            if is_current and request.terms == current.terms:
                current.take_settled(hypothesis, request.end)
                hearing.judge(current)
            elif request.is_settled:  # speech went on or other terms came meanwhile
                current.take_whole(hypothesis, request.end)
            else:
                current.take_partial(hypothesis, request.start, request.end)
            self._move_window(current)
            self._telling.partial(current, hearing.end_of_turn_confidence)
        else:
            for utterance in hearing.closing:
                is_whole = utterance.number == request.utterance and request.end == utterance.end
                if is_whole and request.terms == utterance.terms:
                    utterance.take_settled(hypothesis, request.end)
                    hearing.judge(utterance)
        self._advance()

    def _move_window(self, utterance: Utterance) -> None:
        tuning = self._tuning
        position = self._hearing.position
        longest = (tuning.window_ms + tuning.window_slack_ms) * _SAMPLES_PER_MS
        if position - utterance.window > longest:
            earliest = position - tuning.window_ms * _SAMPLES_PER_MS
            utterance.advance_window(
                earliest,
                tuning.window_margin_ms * _SAMPLES_PER_MS,
                tuning.window_step_ms * _SAMPLES_PER_MS,
            )

    # --- what is heard --------------------------------------------------------------------------

    def _advance(self) -> None:
        """Hear frames and obey commands, in the order of the audio, as far as possible."""
        hearing = self._hearing
        while not hearing.waits_for_text:
            if hearing.end_if_over():
                continue
            if self._marks and self._marks[0][0] // self._frame_samples <= hearing.frames:
                self._obey(*self._marks.popleft())
            elif self._probabilities:
                if hearing.hear(self._probabilities.popleft()):
                    at_ms = hearing.speech_start // _SAMPLES_PER_MS
                    self._telling.events.append(SpeechStarted(at_ms, hearing.strongest))
                self._telling.silence(hearing)
            else:
                break
        self._tell_finals()

    def _obey(self, position: int, command: Command) -> None:
        hearing = self._hearing
        match command:
            case ForceEndpoint():
                at = max(position, hearing.spoken_until)
                utterance = hearing.end(at)
                if self._telling.options.answer_empty_force:
                    (utterance or hearing.end_nothing(at)).must_answer = True
            case Terminate():
                hearing.end(position)
                self._terminated = True
            case Configure():
                self._configure(command)

    def _configure(self, change: Configure) -> None:
        self._hearing.policy = self._hearing.policy.changed(
            change.min_silence_ms, change.max_silence_ms, change.end_of_turn_threshold
        )
        if change.speech_threshold is not None:
            self._hearing.set_threshold(change.speech_threshold)
        if change.key_terms is not None:
            self._hearing.expect(change.key_terms)
        self._telling.configure(change)

    # --- what is told ---------------------------------------------------------------------------

    def _tell_finals(self) -> None:
        hearing = self._hearing
        while hearing.closing and hearing.closing[0].is_done:
            self._telling.final(hearing.closing.popleft(), hearing.position)
        self._telling.silence(hearing)  # which may have had to wait for the words before it
        if self._terminated and not hearing.closing and not self.is_over:
            self._state = SessionState.ENDED
            session_ms = round((self._active - self._opened) * 1000)
            self._telling.events.append(SessionEnded(round(self.audio_ms), session_ms))


def _request(
    utterance: Utterance, start: int, end: int, *, is_final: bool = False, is_settled: bool = True
) -> DecodeRequest:
    return DecodeRequest(
        utterance.number, start, end, is_final=is_final, is_settled=is_settled, terms=utterance.terms
    )
