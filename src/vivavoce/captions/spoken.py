"""The words of turns as captions need them: without spaces, in order, each with a time of its own.

Recognisers give whole segments as one word, words without duration, and several words with one time. Such
words share the time that they have, by their length.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from vivavoce.captions.scripts import belong_together, pieces
from vivavoce.protocol.speaker_runs import NO_VOICE, Voice, voices_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vivavoce.captions.line_breaking import TimedWord

__all__ = ["CaptionTurn", "CaptionWord", "SdkWord", "SpokenWord", "spoken_words"]

_MS_PER_CHARACTER: Final = 40
"""Least duration of a character of words that start together; the fastest speech has 25 a second."""


class SdkWord(Protocol):
    """A word of the SDK's transcripts, `vivavoce.Word` or `vivavoce.RealtimeWord`."""

    @property
    def text(self) -> str:
        """The word, punctuation included."""

    @property
    def start(self) -> int:
        """Start, in milliseconds."""

    @property
    def end(self) -> int:
        """End, in milliseconds."""


CaptionWord: TypeAlias = "TimedWord | SdkWord"
"""A word of the server or of the SDK."""


class CaptionTurn(Protocol):
    """A turn or transcript: its words, and where known ``channel`` and ``speaker_label`` or ``speaker``."""

    @property
    def words(self) -> Sequence[CaptionWord]:
        """The words, in spoken order."""


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word without spaces; or a part of one, or several that no line may separate.

    Attributes:
        text: Not empty.
        start_ms: At least the start of the word before it.
        end_ms: From its start to the start of the next word.
        voice: Who says it.
    """

    text: str
    start_ms: int
    end_ms: int
    voice: Voice = NO_VOICE


def spoken_words(turn: Iterable[CaptionWord] | CaptionTurn) -> list[SpokenWord]:
    """Return the words of a turn, in order. Blank ones are left out, and spaces separate words.

    In scripts without spaces, long segments are split into characters, and what may not begin or end a line,
    such as a full stop, belongs to the word beside it.

    Args:
        turn: Its words, or an object that has them. A start before the previous one is moved up to it.

    Raises:
        TypeError: It is a single word.
    """
    words: Any = getattr(turn, "words", turn)
    if hasattr(words, "text"):
        raise TypeError(
            "turns must be turns or lists of words, got a word; put the words of a turn into a list"
        )
    words = list(words)
    voices = voices_of(turn if hasattr(turn, "words") else words)
    parts = [
        SpokenWord(text, *_times_ms(word), word.voice if isinstance(word, SpokenWord) else voice)
        for word, voice in zip(words, voices, strict=True)
        for part in word.text.split()
        for text in pieces(part)
    ]
    starts = list(accumulate((part.start_ms for part in parts), max, initial=0))[1:]
    ordered = [
        SpokenWord(part.text, start_ms, max(start_ms, part.end_ms), part.voice)
        for part, start_ms in zip(parts, starts, strict=True)
    ]
    together = [list(run) for _, run in groupby(ordered, key=lambda word: word.start_ms)]
    next_starts: list[int | None] = [run[0].start_ms for run in together[1:]]
    return _inseparable(
        word
        for run, next_ms in zip(together, [*next_starts, None], strict=False)
        for word in _shared(run, next_ms)
    )


def _inseparable(words: Iterable[SpokenWord]) -> list[SpokenWord]:
    """Make one word of those between which no line may break."""
    found: list[SpokenWord] = []
    for word in words:
        last = found[-1] if found else None
        if last and last.voice == word.voice and belong_together(last.text, word.text):
            found[-1] = SpokenWord(last.text + word.text, last.start_ms, word.end_ms, word.voice)
        else:
            found.append(word)
    return found


def _times_ms(word: CaptionWord) -> tuple[int, int]:
    if hasattr(word, "start_ms") and hasattr(word, "end_ms"):
        return word.start_ms, word.end_ms
    spoken: Any = word
    return spoken.start, spoken.end


def _shared(run: Sequence[SpokenWord], next_ms: int | None) -> list[SpokenWord]:
    """Give words that start together consecutive shares of their time, up to the start of the next word."""
    start_ms = run[0].start_ms
    end_ms = max(word.end_ms for word in run)
    lengths = [len(word.text) + 1 for word in run]
    if len(run) > 1:
        end_ms = max(end_ms, start_ms + sum(lengths) * _MS_PER_CHARACTER)
    if next_ms is not None:
        end_ms = min(end_ms, next_ms)
    bounds = [
        start_ms + (end_ms - start_ms) * so_far // sum(lengths) for so_far in accumulate(lengths, initial=0)
    ]
    return [
        SpokenWord(word.text, begin_ms, until_ms, word.voice)
        for word, begin_ms, until_ms in zip(run, bounds, bounds[1:], strict=False)
    ]
