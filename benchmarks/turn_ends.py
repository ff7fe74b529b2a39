"""When turns end: counts false cuts and delays; `benchmarks.turn_ends_table` runs the sessions."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from vivavoce.bench.align import align, tokens, written_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["EndedTurn", "Ending", "Endings", "count_endings", "speech_spans"]

_STARTS: Final = 3
_SPEECH: Final = 0.5
_STILL_SPEECH: Final = 0.35


@dataclass(frozen=True, slots=True)
class EndedTurn:
    """A finished turn.

    Attributes:
        at_s: Length of the audio processed when it ended.
        text: Its words.
    """

    at_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Ending:
    """The result of one recording.

    Attributes:
        cuts: Turns that ended inside a sentence, though the pause was shorter than the maximum; None where
            the ends of its sentences are unknown.
        delay_s: Silence between its last speech and the end of the turn; None if none ended there.
    """

    cuts: int | None
    delay_s: float | None


@dataclass(slots=True)
class Endings:
    """The results of a set of recordings.

    Attributes:
        cuts: Over those in which sentence ends are known.
        cut_items: Recordings with at least one.
        items: Number of recordings in which sentence ends are known.
        known_s: Their length in seconds.
        delays_s: Of all recordings.
    """

    cuts: int = 0
    cut_items: int = 0
    items: int = 0
    known_s: float = 0.0
    delays_s: list[float] = field(default_factory=list)

    def add(self, ending: Ending, duration_s: float) -> None:
        """Add a recording of that length, in seconds."""
        if ending.cuts is not None:
            self.cuts += ending.cuts
            self.cut_items += ending.cuts > 0
            self.items += 1
            self.known_s += duration_s
        if ending.delay_s is not None:
            self.delays_s.append(ending.delay_s)

    @property
    def cuts_per_10_minutes(self) -> float | None:
        """The rate of cuts; None where sentence ends are unknown."""
        return 600 * self.cuts / self.known_s if self.known_s else None


def speech_spans(probabilities: Sequence[float], frame_s: float) -> list[tuple[float, float]]:
    """Return the stretches of speech, in seconds.

    Three of four frames with a probability of 0.5 or more begin the first one, a single such frame the later
    ones; a frame below 0.35 ends each.
    """
    spans: list[tuple[float, float]] = []
    start: int | None = None
    for frame, probability in enumerate(probabilities):
        if start is None:
            window = probabilities[max(0, frame - _STARTS) : frame + 1]
            is_speech = probability >= _SPEECH
            if is_speech and (spans or sum(value >= _SPEECH for value in window) >= _STARTS):
                start = frame
        elif probability < _STILL_SPEECH:
            spans.append((start * frame_s, frame * frame_s))
            start = None
    if start is not None:
        spans.append((start * frame_s, len(probabilities) * frame_s))
    return spans


def count_endings(
    turns: Sequence[EndedTurn],
    spans: Sequence[tuple[float, float]],
    written: str | None,
    max_silence_s: float,
) -> Ending:
    """Count the cuts of one recording and measure its delay.

    Args:
        turns: Its turns, in their order.
        spans: Its speech, from `speech_spans`.
        written: Its transcript with punctuation; without any, it is one sentence. None: unknown.
        max_silence_s: Silence that ends any turn.
    """
    if not spans:
        return Ending(None if written is None else 0, None)
    last_s = spans[-1][1]
    at_ends = [turn.at_s for turn in turns if turn.at_s >= last_s]
    delay_s = at_ends[0] - last_s if at_ends else None
    if written is None:
        return Ending(None, delay_s)
    cuts = 0
    for place, turn in enumerate(turns):
        pause_s = _pause_around(turn.at_s, spans)
        if pause_s is not None and pause_s < max_silence_s:
            cuts += not _ends_sentence([each.text for each in turns], place, written)
    return Ending(cuts, delay_s)


def _pause_around(at_s: float, spans: Sequence[tuple[float, float]]) -> float | None:
    """Return the length of the pause around a moment; None within speech."""
    for (_, end_s), (start_s, _) in pairwise(spans):
        if end_s <= at_s <= start_s:
            return start_s - end_s
    return None


def _ends_sentence(texts: Sequence[str], place: int, written: str) -> bool:
    """Whether the last word of a turn ends a sentence of the written form."""
    reference, ends = written_tokens(written)
    recognised = [[form for word in text.split() for form in tokens(word)] for text in texts]
    n = sum(map(len, recognised[: place + 1]))
    before = [i for i, j in align(reference, [form for text in recognised for form in text]) if j < n]
    return bool(before) and ends[before[-1]]
