"""Cues: the text on screen, with its start and end."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from vivavoce.captions.line_breaking import Style, break_into_cues, break_into_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vivavoce.captions.line_breaking import TimedWord

__all__ = ["Captioner", "Cue", "SdkWord", "captions"]


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


@dataclass(frozen=True, slots=True)
class Cue:
    """One caption.

    Attributes:
        start_ms: When it appears, in milliseconds.
        end_ms: When it disappears, in milliseconds.
        lines: Its lines, none empty.
    """

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """All lines, joined by spaces."""
        return " ".join(self.lines)


@dataclass(frozen=True, slots=True)
class _Token:
    """A word, or a part of one, without spaces."""

    text: str
    start_ms: int
    end_ms: int


class Captioner:
    """Makes cues from the words of one turn after another.

    The end of a cue depends on the start of the next one, so the newest cue stays pending until the next turn
    or :meth:`finish`.

    Args:
        style: Limits of a cue; the defaults of :class:`Style` if None.
    """

    def __init__(self, style: Style | None = None) -> None:
        self._style = style or Style()
        self._pending: Cue | None = None  # its end is that of its last word

    def add(self, words: Iterable[TimedWord | SdkWord]) -> list[Cue]:
        """Add the words of the next turn.

        The end of a turn ends a cue. Blank words are skipped. A start before the previous one is moved
        up to it.

        Args:
            words: In spoken order.

        Returns:
            The cues that are complete now.
        """
        tokens: list[_Token] = []
        last_ms = self._pending.start_ms + 1 if self._pending else 0
        for word in words:
            start_ms, end_ms = _times_ms(word)
            start_ms = last_ms = max(last_ms, start_ms)
            # A cue may break a word at a space in it. Its parts share its times.
            tokens += [_Token(text, start_ms, max(start_ms, end_ms)) for text in word.text.split()]
        complete: list[Cue] = []
        for cue_tokens in break_into_cues(tokens, self._style):
            cue = self._untimed(cue_tokens)
            if self._pending is not None:
                cue = dataclasses.replace(cue, start_ms=max(cue.start_ms, self._pending.start_ms + 1))
                complete.append(self._timed(self._pending, cue.start_ms))
            self._pending = cue
        return complete

    def finish(self) -> list[Cue]:
        """Return the last cue, if there is one."""
        last, self._pending = self._pending, None
        return [] if last is None else [self._timed(last, None)]

    def _untimed(self, words: Sequence[TimedWord]) -> Cue:
        lines = break_into_lines([word.text for word in words], self._style)
        return Cue(words[0].start_ms, max(word.end_ms for word in words), lines)

    def _timed(self, cue: Cue, next_ms: int | None) -> Cue:
        """Extend a cue by the time that reading it takes, up to the start of the next cue."""
        style = self._style
        reading_ms = round(len(cue.text) * 1000 / style.characters_per_s + 0.5)
        end_ms = max(cue.end_ms, cue.start_ms + min(style.max_ms, max(style.min_ms, reading_ms, 1)))
        if next_ms is not None:
            end_ms = min(end_ms, max(next_ms - style.gap_ms, min(cue.end_ms, next_ms), cue.start_ms + 1))
        return dataclasses.replace(cue, end_ms=end_ms)


def _times_ms(word: TimedWord | SdkWord) -> tuple[int, int]:
    if hasattr(word, "start_ms") and hasattr(word, "end_ms"):
        return word.start_ms, word.end_ms
    return word.start, word.end


def captions(turns: Iterable[Iterable[TimedWord | SdkWord]], style: Style | None = None) -> list[Cue]:
    """Make cues from the words of finished turns.

    Args:
        turns: The words of each turn, in spoken order: anything with ``text`` and with times in milliseconds,
            ``start`` and ``end`` as in `vivavoce.Word` or ``start_ms`` and ``end_ms`` as in
            `vivavoce.types.Word`.
        style: Limits of a cue: lengths, durations, reading speed.

    Returns:
        Cues in order, without overlaps, that hold all words.
    """
    captioner = Captioner(style)
    cues: list[Cue] = []
    for words in turns:
        cues += captioner.add(words)
    return cues + captioner.finish()
