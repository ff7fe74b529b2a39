"""When speech begins and where it was last heard, from one probability per frame."""

from __future__ import annotations

import enum
from typing import Final

__all__ = ["DEFAULT_THRESHOLD", "SpeechTracker", "TrackerState"]

DEFAULT_THRESHOLD: Final = 0.5
_HYSTERESIS: Final = 0.15
_START_FRAMES: Final = 3


class TrackerState(enum.Enum):
    """What is being heard."""

    QUIET = enum.auto()
    STARTING = enum.auto()
    SPEAKING = enum.auto()
    PAUSING = enum.auto()


class SpeechTracker:
    """Four states with hysteresis: a click opens nothing, a dip closes nothing.

    Speech begins when ``start_frames`` of the last ``start_frames + 1`` frames are at or above the
    threshold; it pauses with the first frame below the threshold minus 0.15. What a pause means is
    for somebody else to say.
    """

    def __init__(self, threshold: float = DEFAULT_THRESHOLD, *, start_frames: int = _START_FRAMES) -> None:
        self.threshold = threshold
        self._start_frames = start_frames
        self._state = TrackerState.QUIET
        self._frames = 0
        self._first = 0
        self._last = 0
        self._hits = 0
        self._misses = 0
        self._strongest = 0.0

    @property
    def state(self) -> TrackerState:
        """What is being heard now."""
        return self._state

    @property
    def frames(self) -> int:
        """How many frames were heard."""
        return self._frames

    @property
    def first_speech_frame(self) -> int:
        """Index of the frame in which the current speech began."""
        return self._first

    @property
    def speech_end_frame(self) -> int:
        """Index behind the last frame of speech."""
        return self._last + 1

    @property
    def strongest(self) -> float:
        """Highest probability since the current speech began."""
        return self._strongest

    @property
    def is_open(self) -> bool:
        """Whether somebody speaks, or only pauses."""
        return self._state in {TrackerState.SPEAKING, TrackerState.PAUSING}

    @property
    def pause_frames(self) -> int:
        """Frames since speech was last heard; 0 while it is heard."""
        return self._frames - self.speech_end_frame if self._state is TrackerState.PAUSING else 0

    def push(self, probability: float) -> TrackerState:
        """Hear one more frame; returns the new state."""
        frame = self._frames
        self._frames += 1
        is_speech = probability >= self.threshold
        goes_on = probability >= self.threshold - _HYSTERESIS
        match self._state:
            case TrackerState.QUIET if is_speech:
                self._first, self._hits, self._misses = frame, 1, 0
                self._strongest = probability
                self._state = TrackerState.STARTING
            case TrackerState.STARTING:
                self._hits += is_speech
                self._misses += not is_speech
                if self._misses > 1:
                    self._state = TrackerState.QUIET
            case TrackerState.SPEAKING if not goes_on:
                self._state = TrackerState.PAUSING
            case TrackerState.PAUSING if is_speech:
                self._state = TrackerState.SPEAKING
        if self._state is TrackerState.STARTING and self._hits >= self._start_frames:
            self._state = TrackerState.SPEAKING
        if self._state in {TrackerState.SPEAKING, TrackerState.STARTING} and goes_on:
            self._last = frame
            self._strongest = max(self._strongest, probability)
        return self._state

    def close(self) -> None:
        """Take the speech as finished: what comes next is new speech."""
        self._state = TrackerState.QUIET

    def split(self) -> None:
        """Take what was said so far as finished, the speaker going on: new speech begins here."""
        self._first = self._frames
        self._strongest = 0.0
