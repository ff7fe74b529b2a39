"""The channels of one stream: a session for each, reported as one."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from vivavoce.asr.session.machine import SessionMachine, SessionState
from vivavoce.protocol.events import (
    Audio,
    Command,
    Heartbeat,
    SessionBegan,
    SessionEnded,
    SessionEvent,
    SessionFailed,
    SessionLimits,
    SessionOptions,
    SilenceDetected,
    SpeakersRevised,
    SpeechStarted,
    TurnUpdated,
    Warn,
    Warned,
)
from vivavoce.types import Encoding, Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.session.tuning import Tuning
    from vivavoce.asr.speakers import Stretch

__all__ = ["Channels"]


class Channels:
    """The sessions of a stream, one for each channel; usually there is one.

    Each has the audio of its own channel and counts its own turns. The stream begins once, ends once all of
    its sessions have ended, and fails with the first that fails.

    Attributes:
        sessions: The sessions, in the order of the channels.
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
        """Open the sessions; arguments and errors are those of `SessionMachine`."""
        self._encoding = options.encoding
        others = dataclasses.replace(options, warnings=(), heartbeat=False)
        self.sessions: Sequence[SessionMachine] = [
            SessionMachine(
                session_id, others if channel else options, limits, now=now, unix_now=unix_now, tuning=tuning
            )
            for channel in range(options.channels)
        ]
        self._end_reported = False

    @property
    def session_id(self) -> str:
        """The id that the client knows the stream by."""
        return self.sessions[0].session_id

    @property
    def state(self) -> SessionState:
        """The state of the session that is least far; FAILED if any failed."""
        states = [session.state for session in self.sessions]
        return SessionState.FAILED if SessionState.FAILED in states else min(states)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state >= SessionState.ENDED

    @property
    def audio_ms(self) -> float:
        """Audio received, in milliseconds."""
        return self.sessions[0].audio_ms

    @property
    def backlog_ms(self) -> float:
        """The largest `SessionMachine.backlog_ms` of the channels."""
        return max(session.backlog_ms for session in self.sessions)

    def receive(self, command: Command, now: float) -> None:
        """Take a command, as `SessionMachine.receive` does; audio holds interleaved samples."""
        if len(self.sessions) == 1 or isinstance(command, Warn):
            self.sessions[0].receive(command, now)
        elif isinstance(command, Audio):
            self._receive_audio(command.data, now)
        else:
            for session in self.sessions:
                session.receive(command, now)

    def _receive_audio(self, data: bytes, now: float) -> None:
        n, width = len(self.sessions), Encoding(self._encoding).bytes_per_sample
        if len(data) % (n * width):
            self.fail(
                Failure.AUDIO_MISALIGNED,
                f"{len(data)} bytes are not a whole number of samples of {n} channels",
            )
            return
        frames = np.frombuffer(data, dtype=f"V{width}").reshape(-1, n)
        for channel, session in enumerate(self.sessions):
            session.receive(Audio(frames[:, channel].tobytes()), now)

    def tick(self, now: float) -> None:
        """Look at the clock, in seconds; see `SessionMachine.tick`."""
        for session in self.sessions:
            session.tick(now)

    def fail(self, failure: Failure, detail: str = "") -> None:
        """End the stream in an error."""
        for session in self.sessions:
            session.fail(failure, detail)

    @property
    def has_events(self) -> bool:
        """Whether anything happened since they were last taken."""
        return any(session.has_events for session in self.sessions)

    def take_events(self) -> list[SessionEvent]:
        """The events since the last call; those of one channel name it if there are several."""
        events: list[SessionEvent] = []
        ends: list[SessionEnded | SessionFailed] = []
        for channel, session in enumerate(self.sessions):
            for event in session.take_events():
                match event:
                    case SessionEnded() | SessionFailed():
                        ends.append(event)
                    case SessionBegan() | Heartbeat() | Warned():
                        if not channel:
                            events.append(event)
                    case SpeakersRevised():
                        pass  # whoever labels the turns adds it
                    case TurnUpdated() | SpeechStarted() | SilenceDetected():
                        of_one = len(self.sessions) == 1
                        events.append(event if of_one else dataclasses.replace(event, channel=channel))
        return events + self._end(ends)

    def take_speech(self, channel: int | None) -> tuple[Stretch, ...]:
        """The speech of the oldest finished turn of a channel; see `SessionMachine.take_speech`.

        Args:
            channel: From 0; None: the only one.
        """
        return self.sessions[channel or 0].take_speech()

    def take_speech_ahead(self) -> list[tuple[int | None, tuple[Stretch, ...]]]:
        """Channels with speech that can be heard ahead, and that; see `SessionMachine.take_speech_ahead`."""
        of_one = len(self.sessions) == 1
        taken = [session.take_speech_ahead() for session in self.sessions]
        return [(None if of_one else channel, speech) for channel, speech in enumerate(taken) if speech]

    def _end(self, ends: list[SessionEnded | SessionFailed]) -> list[SessionEvent]:
        """The one end of the stream, once it is reached."""
        if self._end_reported or not (ends and self.is_over):
            return []
        self._end_reported = True
        for end in ends:
            if isinstance(end, SessionFailed):
                self.fail(end.failure, end.detail)
                return [end]
        return [ends[-1]]
