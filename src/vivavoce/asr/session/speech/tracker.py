"""Where speech begins and where it was last detected, from one probability per frame."""

from __future__ import annotations

import enum
from typing import Final

__all__ = ["DEFAULT_THRESHOLD", "SpeechTracker", "TrackerState"]

DEFAULT_THRESHOLD: Final = 0.5
_HYSTERESIS: Final = 0.15
_START_FRAMES: Final = 3


class TrackerState(enum.Enum):
    """The state of the audio."""

    QUIET = enum.auto()
    STARTING = enum.auto()
    SPEAKING = enum.auto()
    PAUSING = enum.auto()


class SpeechTracker:
    """Four states with hysteresis: a click opens nothing, a dip closes nothing.

    Speech begins when ``start_frames`` of the last ``start_frames + 1`` frames are at or above the
    threshold; it pauses with the first frame below the threshold minus 0.15. Whether a pause ends a turn is
    decided by `SilencePolicy`.
    """

    def __init__(self, threshold: float = DEFAULT_THRESHOLD, *, start_frames: int = _START_FRAMES) -> None:
        self.threshold = threshold
        self._start_frames = start_frames
        self._state = TrackerState.QUIET
        self._frames = 0  # pushed so far
        self._first = 0  # index of the first frame of the current speech
        self._last = 0  # index of its last frame
        self._hits = 0  # frames of speech while STARTING
        self._misses = 0  # other frames while STARTING
        self._peak = 0.0  # highest probability since the current speech began

    @property
    def state(self) -> TrackerState:
        """The state after the last frame."""
        return self._state

    @property
    def frames(self) -> int:
        """How many frames were pushed."""
        return self._frames

    @property
    def first_speech_frame(self) -> int:
        """Index of the frame in which the current speech began."""
        return self._first

    @property
    def speech_end_frame(self) -> int:
        """Index after the last frame of speech."""
        return self._last + 1

    @property
    def peak(self) -> float:
        """Highest probability since the current speech began."""
        return self._peak

    @property
    def is_open(self) -> bool:
        """Whether a speaker talks or pauses."""
        return self._state in {TrackerState.SPEAKING, TrackerState.PAUSING}

    @property
    def pause_frames(self) -> int:
        """Frames since the last frame of speech; 0 during speech."""
        return self._frames - self.speech_end_frame if self._state is TrackerState.PAUSING else 0

    def push(self, probability: float) -> TrackerState:
        """Take the probability of one more frame; returns the new state."""
        frame = self._frames
        self._frames += 1
        is_speech = probability >= self.threshold
        stays = probability >= self.threshold - _HYSTERESIS
        match self._state:
            case TrackerState.QUIET if is_speech:
                self._first, self._hits, self._misses = frame, 1, 0
                self._peak = probability
                self._state = TrackerState.STARTING
            case TrackerState.STARTING:
                self._hits += is_speech
                self._misses += not is_speech
                if self._misses > 1:
                    self._state = TrackerState.QUIET
            case TrackerState.SPEAKING if not stays:
                self._state = TrackerState.PAUSING
            case TrackerState.PAUSING if is_speech:
                self._state = TrackerState.SPEAKING
        if self._state is TrackerState.STARTING and self._hits >= self._start_frames:
            self._state = TrackerState.SPEAKING
        if self._state in {TrackerState.SPEAKING, TrackerState.STARTING} and stays:
            self._last = frame
            self._peak = max(self._peak, probability)
        return self._state

    def close(self) -> None:
        """End the speech: later speech is new speech."""
        self._state = TrackerState.QUIET

    def split(self) -> None:
        """End the speech so far while its speaker continues: new speech begins here."""
        self._first = self._frames
        self._peak = 0.0
