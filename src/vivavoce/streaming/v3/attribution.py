"""Attribution of words to one of several sources, by the energy of each source while a word is spoken."""

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
    "RESOLVE_UNKNOWN_METHODS",
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
    "attribute_word",
    "resolve_unknown",
    "resolve_unknown_channels_by_speaker_history",
    "resolve_unknown_channels_by_window",
    "roll_up_turn_channel",
]

UNKNOWN_CHANNEL: Final = "unknown"
"""The channel of a word if no source was clearly louder than the others."""

RESOLVE_UNKNOWN_METHODS: Final = ("none", "window", "speaker-history")
"""The treatments of words without a clear source; see :class:`ChannelAttributionOptions`."""


class DualChannelWord(Word, kw_only=True):
    """A word with its source.

    Attributes:
        channel: The name of the source, or ``unknown``.
        channel_resolved: True if the source follows from other words, not from its energy.
    """

    channel: str | None = None
    channel_resolved: bool | None = None


class DualChannelTurnEvent(TurnEvent, kw_only=True):
    """A turn with its source.

    Attributes:
        words: The words, with their sources.
        channel: The name of the source of most words, by their duration, or ``unknown``.
    """

    words: list[DualChannelWord] = []  # type: ignore[assignment]  # noqa: RUF012  - a Struct copies it
    channel: str | None = None  # type: ignore[assignment]  # a name; in the base a number


@dataclass
class VadResult:
    """The result of a voice activity detector for one frame.

    Attributes:
        active: Whether the frame has speech.
        energy: Root mean square of the samples, 0 to 1.
    """

    active: bool
    energy: float


@dataclass
class VadFrame:
    """One frame of a channel.

    Attributes:
        ts: Where the frame ends, in milliseconds from the channel's first sample.
        channel: The name of the channel.
        active: Whether the frame has speech.
        rms: Root mean square of the samples, 0 to 1.
    """

    ts: float
    channel: str
    active: bool
    rms: float


class VadDetector:
    """Detects voice activity frame by frame. Each channel has its own detector."""

    def process(self, frame: Sequence[float]) -> VadResult:
        """Return the activity of the next frame.

        Args:
            frame: Samples of 20 ms, -1 to 1: a list or an array of shape (n,).
        """
        raise NotImplementedError

    def reset(self) -> None:
        """Return to the initial state."""
        raise NotImplementedError


class EnergyVad(VadDetector):
    """Detects frames that are louder than the background noise, and a few frames after them.

    Args:
        threshold_ratio: Ratio of energy to noise floor from which a frame is active.
        noise_floor_alpha: Weight of a frame without activity in the noise floor, 0 to 1.
        hangover_frames: Number of frames that stay active after that.
        initial_noise_floor: Noise floor at the beginning.
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
        self._floor = initial_noise_floor  # energy of the background noise: a moving average
        self._left = 0  # frames that stay active

    def process(self, frame: Sequence[float]) -> VadResult:
        """Return the activity of the next frame."""
        energy = math.sqrt(math.fsum(float(sample) ** 2 for sample in frame) / max(1, len(frame)))
        if energy > self._floor * self._ratio:
            self._left = self._hangover
        elif self._left:
            self._left -= 1  # the end of a word is not background noise
        else:
            self._floor += self._alpha * (energy - self._floor)
            return VadResult(active=False, energy=energy)
        return VadResult(active=True, energy=energy)

    def reset(self) -> None:
        """Forget the background noise."""
        self._floor = self._initial_floor
        self._left = 0


@dataclass
class ChannelAttributionOptions:
    """The rules of attribution.

    Attributes:
        dominance_ratio: Ratio of a channel's energy to the next one's from which it is the source.
        timeline_window_ms: How long energies are kept, in milliseconds.
        create_vad: Returns the detector of a channel, given its name; None: an EnergyVad.
        resolve_unknown_channels_method: The treatment of words without a clear source: ``none``; ``window``
            uses the words around them; ``speaker-history`` uses the channel where their speaker spoke before.
        resolution_window_words: Number of words on either side that ``window`` uses.
        speaker_history_min_rms_evidence: The least energy of a speaker that ``speaker-history`` needs.
        speaker_history_dominance_ratio: The ratio of channels that it needs.

    Raises:
        ConfigurationError: The method is unknown.
    """

    dominance_ratio: float = 4.0
    timeline_window_ms: int = 30_000
    create_vad: Callable[[str], VadDetector] | None = None
    resolve_unknown_channels_method: str = "window"
    resolution_window_words: int = 2
    speaker_history_min_rms_evidence: float = 0.5
    speaker_history_dominance_ratio: float = 3.0

    def __post_init__(self) -> None:
        if self.resolve_unknown_channels_method not in RESOLVE_UNKNOWN_METHODS:
            raise ConfigurationError(
                f"resolve_unknown_channels_method must be one of {', '.join(RESOLVE_UNKNOWN_METHODS)}, "
                f"got {self.resolve_unknown_channels_method!r}"
            )


class VadTimeline:
    """The latest frames of all channels. Safe to use from several threads.

    Args:
        window_ms: How far back it reaches, in milliseconds.
    """

    def __init__(self, window_ms: int) -> None:
        self._window_ms = window_ms
        self._lock = threading.Lock()
        self._frames: dict[str, deque[VadFrame]] = {}  # by channel, oldest first

    def push_frame(self, frame: VadFrame) -> None:
        """Add the next frame of a channel."""
        with self._lock:
            frames = self._frames.setdefault(frame.channel, deque())
            frames.append(frame)
            while frames[0].ts < frame.ts - self._window_ms:
                frames.popleft()

    def frames_in_window(self, start_ms: float, end_ms: float) -> list[VadFrame]:
        """Return the frames that end within a stretch, channel by channel."""
        with self._lock:
            return [
                frame
                for frames in self._frames.values()
                for frame in frames
                if start_ms <= frame.ts <= end_ms
            ]

    def energies(self, word: Word) -> dict[str, float]:
        """Return the energy of each active channel during a word."""
        found: dict[str, float] = {}
        for frame in self.frames_in_window(word.start, word.end):
            if frame.active:
                found[frame.channel] = found.get(frame.channel, 0.0) + frame.rms
        return found

    def clear(self) -> None:
        """Forget all frames."""
        with self._lock:
            self._frames.clear()


def _winner(scores: Mapping[str, float], ratio: float) -> str | None:
    """The name with the highest score, if it is ``ratio`` times the next one; else None."""
    ranked = sorted(scores, key=lambda name: scores[name], reverse=True)
    if not ranked:
        return None
    clear = all(scores[first] >= ratio * scores[second] for first, second in pairwise(ranked[:2]))
    return ranked[0] if clear else None


def _majority(scores: Mapping[str, float]) -> str | None:
    """The name with the highest score, if no other has the same; else None."""
    most = max(scores.values(), default=0)
    leaders = [name for name, score in scores.items() if score == most]
    return leaders[0] if most > 0 and len(leaders) == 1 else None


def roll_up_turn_channel(words: Sequence[DualChannelWord]) -> str:
    """Return the channel of most words, by their duration; ``unknown`` if none has more than all others."""
    times: dict[str, float] = {}
    for word in words:
        if word.channel and word.channel != UNKNOWN_CHANNEL:
            times[word.channel] = times.get(word.channel, 0.0) + max(0, word.end - word.start)
    return _majority(times) or UNKNOWN_CHANNEL


def attribute_word(word: Word, timeline: VadTimeline, dominance_ratio: float) -> str:
    """Return the channel that was clearly the loudest during a word, or ``unknown``."""
    return _winner(timeline.energies(word), dominance_ratio) or UNKNOWN_CHANNEL


def attribute_turn(turn: DualChannelTurnEvent, timeline: VadTimeline, dominance_ratio: float) -> None:
    """Set the channel of a turn and of each word, in place."""
    for word in turn.words:
        word.channel = attribute_word(word, timeline, dominance_ratio)
    turn.channel = roll_up_turn_channel(turn.words)


def resolve_unknown(
    turn: DualChannelTurnEvent,
    timeline: VadTimeline,
    options: ChannelAttributionOptions,
    history: dict[str, dict[str, float]],
) -> None:
    """Set the channel of words that have none by the method of the options, in place.

    Args:
        turn: An attributed turn.
        timeline: The energies.
        options: The rules.
        history: Energy of each speaker in each channel so far; updated in place.
    """
    method = options.resolve_unknown_channels_method
    if method == "window":
        resolve_unknown_channels_by_window(turn, options.resolution_window_words)
    elif method == "speaker-history":
        resolve_unknown_channels_by_speaker_history(
            turn,
            timeline,
            history,
            options.speaker_history_min_rms_evidence,
            options.speaker_history_dominance_ratio,
        )


def resolve_unknown_channels_by_window(turn: DualChannelTurnEvent, resolution_window_words: int) -> None:
    """Set the channel of words that have none to that of most words around them, in place.

    Args:
        turn: An attributed turn.
        resolution_window_words: Number of words on either side.
    """
    words, reach = turn.words, resolution_window_words
    for place, word in enumerate(words):
        if word.channel != UNKNOWN_CHANNEL:
            continue
        votes: dict[str, float] = {}
        for other in (*words[max(0, place - reach) : place], *words[place + 1 : place + 1 + reach]):
            if other.channel and other.channel != UNKNOWN_CHANNEL:
                votes[other.channel] = votes.get(other.channel, 0) + 1
        _resolve(word, _majority(votes))
    turn.channel = roll_up_turn_channel(words)


def resolve_unknown_channels_by_speaker_history(
    turn: DualChannelTurnEvent,
    timeline: VadTimeline,
    speaker_history: dict[str, dict[str, float]],
    min_rms_evidence: float,
    dominance_ratio: float,
) -> None:
    """Set the channel of words that have none to the one where their speaker spoke before, in place.

    Args:
        turn: An attributed turn.
        timeline: The energies.
        speaker_history: Energy of each speaker in each channel so far; updated in place.
        min_rms_evidence: The least energy of a speaker that decides.
        dominance_ratio: Ratio of a channel's energy to the next one's from which it decides.
    """
    for word in turn.words:
        if word.speaker:
            energies = speaker_history.setdefault(word.speaker, {})
            for channel, energy in timeline.energies(word).items():
                energies[channel] = energies.get(channel, 0.0) + energy
    for word in turn.words:
        energies = speaker_history.get(word.speaker or "", {})
        if word.channel == UNKNOWN_CHANNEL and sum(energies.values()) >= min_rms_evidence:
            _resolve(word, _winner(energies, dominance_ratio))
    turn.channel = roll_up_turn_channel(turn.words)


def _resolve(word: DualChannelWord, channel: str | None) -> None:
    if channel is not None:
        word.channel = channel
        word.channel_resolved = True
