"""Which of several sources a word came from, told from when each of them was loud."""

from __future__ import annotations

import math
import threading
from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from vivavoce.client.events import TurnEvent, Word
from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = [
    "UNKNOWN_CHANNEL",
    "ChannelAttributionOptions",
    "DualChannelTurnEvent",
    "DualChannelWord",
    "EnergyVad",
    "VadDetector",
    "VadFrame",
    "VadResult",
    "VadTimeline",
    "attribute_turn",
    "resolve_unknown",
]

UNKNOWN_CHANNEL: Final = "unknown"
"""What a word's channel is called where none was clearly louder."""

_METHODS: Final = ("none", "window", "speaker-history")


class DualChannelWord(Word, kw_only=True):
    """A word, and where it came from.

    Attributes:
        channel: The source's name, or ``unknown``.
        channel_resolved: True where that was concluded from other words, not heard.
    """

    channel: str | None = None
    channel_resolved: bool | None = None


class DualChannelTurnEvent(TurnEvent, kw_only=True):
    """A turn, and where it came from: ``channel`` is the source of most of its words by time."""

    words: list[DualChannelWord] = []  # type: ignore[assignment]  # noqa: RUF012  - a Struct copies it
    channel: str | None = None  # type: ignore[assignment]  # a name; in the base a number


@dataclass
class VadResult:
    """Whether a frame is active, and its energy: the root of its mean square."""

    active: bool
    energy: float


@dataclass
class VadFrame:
    """What was heard of one channel in one frame, which ends ``ts`` milliseconds after its first sample."""

    ts: float
    channel: str
    active: bool
    rms: float


class VadDetector:
    """Says of each frame of a channel whether somebody is active. Every channel has one of its own."""

    def process(self, frame: Sequence[float]) -> VadResult:
        """Judge a frame.

        Args:
            frame: Samples of 20 ms, -1 to 1.
        """
        raise NotImplementedError

    def reset(self) -> None:
        """Forget everything."""
        raise NotImplementedError


class EnergyVad(VadDetector):
    """Active is what is louder than the background, and a little more.

    Args:
        threshold_ratio: How many times as loud.
        noise_floor_alpha: How quickly the background is learnt, 0 to 1.
        hangover_frames: For how many frames it stays active after that.
        initial_noise_floor: What the background is taken for at first.
    """

    def __init__(
        self,
        threshold_ratio: float = 3.0,
        noise_floor_alpha: float = 0.05,
        hangover_frames: int = 10,
        initial_noise_floor: float = 1e-4,
    ) -> None:
        self._ratio = threshold_ratio
        self._alpha = noise_floor_alpha
        self._hangover = hangover_frames
        self._initial_floor = initial_noise_floor
        self.reset()

    def process(self, frame: Sequence[float]) -> VadResult:
        """Judge a frame."""
        energy = math.sqrt(math.fsum(sample * sample for sample in frame) / len(frame)) if frame else 0.0
        if energy > self._floor * self._ratio:
            self._left = self._hangover
        elif self._left:
            self._left -= 1  # the end of a word is no background
        else:
            self._floor += self._alpha * (energy - self._floor)
            return VadResult(active=False, energy=energy)
        return VadResult(active=True, energy=energy)

    def reset(self) -> None:
        """Forget the background."""
        self._floor = self._initial_floor
        self._left = 0


@dataclass
class ChannelAttributionOptions:
    """How words are attributed.

    Attributes:
        dominance_ratio: How many times as loud as the next one a channel has to be.
        timeline_window_ms: How long it is remembered who was loud.
        create_vad: Makes the detector of a channel, given its name; an EnergyVad if None.
        resolve_unknown_channels_method: What to do about words without a clear source: ``none``; ``window``
            asks the words around them; ``speaker-history`` asks where their speaker was heard before.
        resolution_window_words: How many words on either side are asked.
        speaker_history_min_rms_evidence: How much of a speaker has to have been heard.
        speaker_history_dominance_ratio: How clearly on one channel.

    Raises:
        ConfigurationError: There is no such method.
    """

    dominance_ratio: float = 4.0
    timeline_window_ms: int = 30_000
    create_vad: Callable[[str], VadDetector] | None = None
    resolve_unknown_channels_method: str = "window"
    resolution_window_words: int = 2
    speaker_history_min_rms_evidence: float = 0.5
    speaker_history_dominance_ratio: float = 3.0

    def __post_init__(self) -> None:
        if self.resolve_unknown_channels_method not in _METHODS:
            raise ConfigurationError(
                f"resolve_unknown_channels_method must be one of {', '.join(_METHODS)}, "
                f"got {self.resolve_unknown_channels_method!r}"
            )


class VadTimeline:
    """What was heard of all channels lately. Threads may share it.

    Args:
        window_ms: How far back it goes, in milliseconds.
    """

    def __init__(self, window_ms: int) -> None:
        self._window_ms = window_ms
        self._lock = threading.Lock()
        self._frames: dict[str, deque[VadFrame]] = {}

    def push_frame(self, frame: VadFrame) -> None:
        """Add the next frame of a channel."""
        with self._lock:
            frames = self._frames.setdefault(frame.channel, deque())
            frames.append(frame)
            while frames[0].ts < frame.ts - self._window_ms:
                frames.popleft()

    def frames_in_window(self, start_ms: float, end_ms: float) -> list[VadFrame]:
        """The frames that end in a stretch, channel by channel."""
        with self._lock:
            return [
                frame
                for frames in self._frames.values()
                for frame in frames
                if start_ms <= frame.ts <= end_ms
            ]

    def energies(self, word: Word) -> dict[str, float]:
        """How much was heard of each active channel while a word was spoken."""
        found: dict[str, float] = {}
        for frame in self.frames_in_window(word.start, word.end):
            if frame.active:
                found[frame.channel] = found.get(frame.channel, 0.0) + frame.rms
        return found

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._frames.clear()


def _winner(scores: Mapping[str, float], ratio: float) -> str | None:
    """Who has so many times as much as the next one."""
    ranked = sorted(scores, key=lambda name: scores[name], reverse=True)
    if not ranked:
        return None
    clear = all(scores[first] >= ratio * scores[second] for first, second in pairwise(ranked[:2]))
    return ranked[0] if clear else None


def _majority(scores: Mapping[str, float]) -> str | None:
    """Who has most, alone."""
    most = max(scores.values(), default=0)
    leaders = [name for name, score in scores.items() if score == most]
    return leaders[0] if most > 0 and len(leaders) == 1 else None


def _of_turn(words: Sequence[DualChannelWord]) -> str:
    times: dict[str, float] = {}
    for word in words:
        if word.channel and word.channel != UNKNOWN_CHANNEL:
            times[word.channel] = times.get(word.channel, 0.0) + max(0, word.end - word.start)
    return _majority(times) or UNKNOWN_CHANNEL


def attribute_turn(turn: DualChannelTurnEvent, timeline: VadTimeline, dominance_ratio: float) -> None:
    """Write into a turn and each of its words which channel it came from."""
    for word in turn.words:
        word.channel = _winner(timeline.energies(word), dominance_ratio) or UNKNOWN_CHANNEL
    turn.channel = _of_turn(turn.words)


def resolve_unknown(
    turn: DualChannelTurnEvent,
    timeline: VadTimeline,
    options: ChannelAttributionOptions,
    history: dict[str, dict[str, float]],
) -> None:
    """Conclude the channel of words that have none.

    Args:
        turn: An attributed turn.
        timeline: Who was loud when.
        options: How to go about it.
        history: What was heard of each speaker so far; added to.
    """
    method = options.resolve_unknown_channels_method
    if method == "window":
        _resolve_by_neighbours(turn.words, options.resolution_window_words)
    elif method == "speaker-history":
        _resolve_by_speaker(turn.words, timeline, options, history)
    turn.channel = _of_turn(turn.words)


def _resolve_by_neighbours(words: Sequence[DualChannelWord], reach: int) -> None:
    for place, word in enumerate(words):
        if word.channel != UNKNOWN_CHANNEL:
            continue
        votes: dict[str, float] = {}
        for other in (*words[max(0, place - reach) : place], *words[place + 1 : place + 1 + reach]):
            if other.channel and other.channel != UNKNOWN_CHANNEL:
                votes[other.channel] = votes.get(other.channel, 0) + 1
        _conclude(word, _majority(votes))


def _resolve_by_speaker(
    words: Sequence[DualChannelWord],
    timeline: VadTimeline,
    options: ChannelAttributionOptions,
    history: dict[str, dict[str, float]],
) -> None:
    for word in words:
        if word.speaker:
            heard = history.setdefault(word.speaker, {})
            for channel, energy in timeline.energies(word).items():
                heard[channel] = heard.get(channel, 0.0) + energy
    for word in words:
        heard = history.get(word.speaker or "", {})
        if (
            word.channel == UNKNOWN_CHANNEL
            and sum(heard.values()) >= options.speaker_history_min_rms_evidence
        ):
            _conclude(word, _winner(heard, options.speaker_history_dominance_ratio))


def _conclude(word: DualChannelWord, channel: str | None) -> None:
    if channel is not None:
        word.channel = channel
        word.channel_resolved = True
