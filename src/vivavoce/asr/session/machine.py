"""The session machine: audio and commands in, events out.

Audio is cut into frames for the speech detector; speech probabilities open and end utterances; utterances
request passes of the recogniser; hypotheses become events. Everything that depends on speech is counted in
samples: the same audio in other chunks, or at another speed, gives the same utterances and the same finals.
Wall time matters for idle and session limits only.
"""

from __future__ import annotations

import dataclasses
import enum
from collections import deque
from typing import TYPE_CHECKING

from vivavoce.asr.audio import SAMPLES_PER_MS, Intake
from vivavoce.asr.session.gate import AudioGate
from vivavoce.asr.session.passes import Passes
from vivavoce.asr.session.reporting import Reporter
from vivavoce.asr.session.segmenter import Segmenter
from vivavoce.asr.session.speech import DEFAULT_THRESHOLD, SilencePolicy
from vivavoce.asr.session.tuning import Tuning
from vivavoce.asr.session.turn_speech import TurnSpeech
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
    Terminate,
    Warn,
)
from vivavoce.types import Failure

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from vivavoce.asr.models import Frames, Hypothesis, Span
    from vivavoce.asr.session.requests import DecodeRequest
    from vivavoce.asr.speakers import Stretch

__all__ = ["SessionMachine", "SessionState"]


class SessionState(enum.IntEnum):
    """The state of a session; from ENDED on it never changes again."""

    OPEN = 1
    ENDING = 2
    ENDED = 3
    FAILED = 4


class SessionMachine:
    """One client's audio stream. Not thread-safe; has no sockets, threads or clocks.

    Feed it with `receive`. Serve it with `take_frames` / `apply_probabilities` and with `next_pass` /
    `begin_pass` / `apply_hypothesis`, one of each at a time. Drain it with `take_events`.

    Attributes:
        session_id: A random UUID in its text form.
        tuning: Times and sizes in force.
    """

    def __init__(
        self,
        session_id: str,
        options: SessionOptions,
        limits: SessionLimits,
        *,
        now: float,
        unix_now: float,
        tuning: Tuning | None = None,
    ) -> None:
        """Open a session.

        Args:
            session_id: A random UUID in its text form.
            options: The options that the client requested.
            limits: The limits of its protocol.
            now: Wall time, in seconds of any steady clock.
            unix_now: The same moment, in seconds since 1970.
            tuning: Times and sizes; None: the defaults.

        Raises:
            ProtocolViolation: The audio encoding can't be decoded here.
        """
        self.session_id = session_id
        self.tuning = tuning or Tuning()
        self._options = options  # as last changed
        self._limits = limits
        self._opened = now
        self._active = now  # when the last command came
        self._state = SessionState.OPEN
        self._intake = Intake(options.sample_rate, options.encoding)
        self._gate = AudioGate(limits)
        self._segmenter = Segmenter(
            SilencePolicy(options.min_silence_ms, options.max_silence_ms, options.end_of_turn_threshold),
            threshold=DEFAULT_THRESHOLD if options.speech_threshold is None else options.speech_threshold,
            tuning=self.tuning,
            commits=options.commit_words,
        )
        self._segmenter.expect(options.key_terms)
        self._segmenter.prompt = options.prompt
        self._passes = Passes(self._segmenter, self.tuning, options)
        self._marks: deque[tuple[int, Command]] = deque()  # commands, by their position in the audio
        self._probabilities: deque[float] = deque()  # of frames that the segmenter has not seen yet
        self._taken_frames = 0  # given to the speech detector so far
        self._frames_in_flight = False  # given to the speech detector, whose answer is outstanding
        self._terminated = False  # the Terminate command was executed
        self._speech = TurnSpeech(self._segmenter)  # of turns, if they are labelled
        began = SessionBegan(session_id, unix_now + limits.max_session_s)
        self._reporter = Reporter(options, began, now)

    # --- for the connection ---------------------------------------------------------------------

    @property
    def state(self) -> SessionState:
        """The state of the session."""
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
        """Audio received and not through the speech detector, or after a final that waits, in milliseconds.

        A connection stops reading while it is long.
        """
        segmenter = self._segmenter
        done = min([segmenter.position, *(each.end or 0 for each in list(segmenter.closing)[:1])])
        return (segmenter.buffer.end - done) / SAMPLES_PER_MS

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
                self._become(SessionState.ENDING)
                self._segmenter.buffer.append(self._intake.finish())
                self._marks.append((self._segmenter.buffer.end, command))
            case Warn():
                self._reporter.warn(command)
            case ForceEndpoint() | Configure():
                self._marks.append((self._intake.guaranteed_samples, command))
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
        self._segmenter.buffer.append(self._intake.feed(samples))

    def tick(self, now: float) -> None:
        """Look at the clock: fail a session that idles or lasts too long, report a heartbeat.

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
            self._reporter.heartbeat(self.audio_ms, now)

    def fail(self, failure: Failure, detail: str = "") -> None:
        """End the session in an error; words that were not reported yet are lost."""
        if not self.is_over:
            self._become(SessionState.FAILED)
            self._reporter.events.append(SessionFailed(failure, detail))

    def _become(self, state: SessionState) -> None:
        """Enter a state. States only move forward, and an ended session never changes."""
        if self.is_over or state <= self._state:
            raise RuntimeError(f"a session that is {self._state.name} can't become {state.name}")
        self._state = state

    @property
    def has_events(self) -> bool:
        """Whether anything happened since events were last taken."""
        return bool(self._reporter.events)

    def take_events(self) -> list[SessionEvent]:
        """The events since the last call."""
        events = list(self._reporter.events)
        self._reporter.events.clear()
        return events

    def take_speech(self) -> tuple[Stretch, ...]:
        """The speech of the oldest finished turn whose speech was not taken, from its first word to its last.

        There is one for each finished turn of a session that labels turns by their speakers.

        Returns:
            A stretch for each of its utterances; none if the turn has no words or was not labelled.
        """
        return self._speech.take()

    def take_speech_ahead(self) -> tuple[Stretch, ...]:
        """Parts of the speech of the open turn that can be heard before it ends.

        They are those of `take_speech` later, by `parts_of`, unless words or their times change meanwhile.
        There are none unless the session labels turns by their speakers, nor of a recording, for which nobody
        waits.
        """
        if self.is_over or self._options.speakers is None or self._options.recording:
            return ()
        return self._speech.take_ahead()

    # --- for the engine -------------------------------------------------------------------------

    def take_frames(self, limit: int = 64, *, cadence_ms: float | None = None) -> Frames | None:
        """Frames for the speech detector, shape (n, frame_samples), float32, n <= limit.

        Args:
            limit: Most frames to take.
            cadence_ms: As for `next_pass`.

        Returns:
            The frames; None if there are none, or too few to be worth a call before more arrive.
        """
        if self._frames_in_flight or self.is_over:
            return None
        is_whole = self._state is SessionState.ENDING
        ready = self._segmenter.buffer.end if is_whole else self._intake.guaranteed_samples
        size = self.tuning.frame_samples
        n = min(ready // size - self._taken_frames, limit)
        at_once = 1 if self._marks else self._passes.frames_at_once(cadence_ms or self.tuning.cadence_ms)
        if n < min(at_once, limit):
            return None
        start = self._taken_frames * size
        self._taken_frames += n
        self._frames_in_flight = True
        return self._segmenter.buffer.copy(start, start + n * size).reshape(n, size)

    def apply_probabilities(self, probabilities: npt.NDArray[np.float32]) -> None:
        """Take the speech probabilities of the frames last taken, shape (n,), 0 to 1."""
        self._frames_in_flight = False
        if not self.is_over:
            self._probabilities.extend(float(value) for value in probabilities)
            self._reporter.note_probability(float(probabilities.max(initial=0.0)))
            self._advance()

    def next_pass(self, cadence_ms: float | None = None) -> DecodeRequest | None:
        """The most urgent pass of the recogniser, if one is due; asking changes nothing.

        Args:
            cadence_ms: Audio between two partial passes, in milliseconds; None: that of the tuning.
        """
        return None if self.is_over else self._passes.next(cadence_ms or self.tuning.cadence_ms)

    def begin_pass(self, request: DecodeRequest) -> Span:
        """Begin the pass that `next_pass` returned last; returns what the recogniser gets.

        Raises:
            ValueError: The session has changed since, and its utterance is gone.
        """
        return self._passes.begin(request)

    def apply_hypothesis(self, request: DecodeRequest, hypothesis: Hypothesis) -> None:
        """Take the result of the pass that was begun."""
        if self.is_over:
            self._passes.discard()
            return
        updated = self._passes.apply(request, hypothesis)
        if updated is not None and not self._segmenter.closing:  # the turn before is reported first
            self._reporter.partial(updated, self._segmenter.end_of_turn_confidence)
        self._advance()

    def next_revision(self) -> DecodeRequest | None:
        """The pass that a better recogniser should do next, if any; asking changes nothing."""
        return None if self.is_over or not self.tuning.revises else self._passes.next_revision()

    def begin_revision(self, request: DecodeRequest) -> Span:
        """Begin the pass that `next_revision` returned last; errors are those of `begin_pass`."""
        return self._passes.begin_revision(request)

    def apply_revision(self, request: DecodeRequest, hypothesis: Hypothesis) -> None:
        """Take the result of the pass that `begin_revision` began."""
        if not self.is_over:
            self._passes.apply_revision(request, hypothesis)
            self._advance()

    @property
    def is_recording(self) -> bool:
        """Whether the audio is a recording, for which nobody waits."""
        return self._options.recording

    @property
    def awaited_revisions(self) -> tuple[int, ...]:
        """Numbers of the utterances whose finals wait for a better recogniser only."""
        closing = () if self.is_over else self._segmenter.closing
        return tuple(utterance.number for utterance in closing if utterance.awaits_revision)

    def give_up_revision(self, utterance: int) -> bool:
        """Report a final without the better recogniser, which is late; returns whether it still waited.

        Args:
            utterance: One of `awaited_revisions`.
        """
        if self.is_over or not self._passes.give_up_revision(utterance):
            return False
        self._advance()
        return True

    # --- in the order of the audio --------------------------------------------------------------

    def _advance(self) -> None:
        """Take probabilities and execute commands, in the order of the audio, as far as possible."""
        segmenter = self._segmenter
        while not segmenter.awaits_words:
            if segmenter.end_if_over():
                continue
            if segmenter.current is not None and segmenter.pauses_with_words and not segmenter.closing:
                self._reporter.pause(segmenter.current, segmenter.end_of_turn_confidence)
            if self._marks and self._marks[0][0] // self.tuning.frame_samples <= segmenter.frames:
                if isinstance(self._marks[0][1], Configure):
                    self._report_finals()
                    if segmenter.closing:  # turns before the change are reported as they were asked for
                        break
                self._execute(*self._marks.popleft())
            elif self._probabilities:
                if segmenter.push(self._probabilities.popleft()) and segmenter.current is not None:
                    self._reporter.speech_started(segmenter.current.start, segmenter.peak)
                self._report_silence()
            else:
                break
        self._report_finals()

    def _execute(self, position: int, command: Command) -> None:
        segmenter = self._segmenter
        match command:
            case ForceEndpoint():
                at = max(position, segmenter.last_end)
                utterance = segmenter.end(at)
                if self._options.answer_empty_force:
                    (utterance or segmenter.end_nothing(at)).must_answer = True
            case Terminate():
                segmenter.end(position)
                self._terminated = True
            case Configure():
                self._configure(command)

    def _configure(self, change: Configure) -> None:
        segmenter = self._segmenter
        segmenter.policy = segmenter.policy.changed(
            change.min_silence_ms, change.max_silence_ms, change.end_of_turn_threshold
        )
        if change.speech_threshold is not None:
            segmenter.set_threshold(change.speech_threshold)
        if change.key_terms is not None:
            segmenter.expect(change.key_terms)
        if change.prompt is not None:
            segmenter.prompt = change.prompt
        self._options = self._passes.options = _changed_options(self._options, change)
        self._reporter.configure(self._options)

    def _report_finals(self) -> None:
        segmenter = self._segmenter
        while segmenter.closing and segmenter.closing[0].is_done:
            utterance = segmenter.closing.popleft()
            if utterance.joint_after is not None:
                utterance.joint_after.last = utterance.last_text
            if self._options.speakers is not None:
                self._speech.keep(utterance)
            if self._reporter.final(utterance, segmenter.position) and self._options.speakers is not None:
                self._speech.end_turn()
            current = segmenter.current
            if not segmenter.closing and current is not None and current.has_words:  # it waited for the final
                self._reporter.partial(current, segmenter.end_of_turn_confidence)
        self._report_silence()  # it may have had to wait for the words before it
        if self._terminated and not segmenter.closing and not self.is_over:
            self._become(SessionState.ENDED)
            session_ms = round((self._active - self._opened) * 1000)
            self._reporter.events.append(SessionEnded(round(self.audio_ms), session_ms))

    def _report_silence(self) -> None:
        if self._segmenter.is_quiet:
            self._reporter.silence(self._segmenter.position, self._segmenter.last_end)


def _changed_options(options: SessionOptions, change: Configure) -> SessionOptions:
    """The options of a session after a change in mid-session; what the change leaves out stays.

    Silences and thresholds are not among them: the segmenter holds those in force.
    """
    changes = {
        "format_partials": change.format_turns,
        "format_finals": change.format_turns,
        "punctuate_finals": change.format_turns,
        "partials_ms": change.partials_ms,
        "first_partial_ms": change.first_partial_ms,
        "acknowledge_silence": change.acknowledge_silence,
        "heartbeat": change.heartbeat,
        "key_terms": change.key_terms,
        "prompt": change.prompt,
        "filter_profanity": change.filter_profanity,
        "languages": change.languages,
    }
    wanted = {name: value for name, value in changes.items() if value is not None}
    return dataclasses.replace(options, **wanted)  # type: ignore[arg-type]
