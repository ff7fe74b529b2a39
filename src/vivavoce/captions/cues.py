"""Cues: what is on the screen, from when to when."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vivavoce.captions.breaking import Style, broken_into_cues, broken_into_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vivavoce.captions.breaking import Spoken

__all__ = ["Captioner", "Cue", "captions"]


@dataclass(frozen=True, slots=True)
class Cue:
    """One caption.

    Attributes:
        start_ms: When it appears, in milliseconds.
        end_ms: When it disappears.
        lines: Its lines, none empty.
    """

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """Its lines in one."""
        return " ".join(self.lines)


@dataclass(frozen=True, slots=True)
class _Printed:
    """A word without blanks in it."""

    text: str
    start_ms: int
    end_ms: int


class Captioner:
    """Makes cues of turns as they come.

    A cue is given out once it is known how long it may stay: when the one behind it is there, or at the end.
    """

    def __init__(self, style: Style | None = None) -> None:
        self._style = style or Style()
        self._pending: Cue | None = None

    def add(self, words: Iterable[Spoken]) -> list[Cue]:
        """Take the words of the next turn; returns the cues that are settled now.

        A turn ends a cue. What is blank is left out; times that run backwards are moved on.
        """
        printed: list[_Printed] = []
        last_ms = self._pending.start_ms + 1 if self._pending else 0
        for word in words:
            start_ms = last_ms = max(last_ms, word.start_ms)
            # A word with a blank in it may be broken there; its parts share its beginning.
            printed += [_Printed(text, start_ms, max(start_ms, word.end_ms)) for text in word.text.split()]
        settled: list[Cue] = []
        for cue_words in broken_into_cues(printed, self._style):
            cue = self._raw(cue_words)
            if self._pending is not None:
                cue = dataclasses.replace(cue, start_ms=max(cue.start_ms, self._pending.start_ms + 1))
                settled.append(self._timed(self._pending, cue.start_ms))
            self._pending = cue
        return settled

    def finish(self) -> list[Cue]:
        """The last cue, if there is one."""
        last, self._pending = self._pending, None
        return [] if last is None else [self._timed(last, None)]

    def _raw(self, words: Sequence[Spoken]) -> Cue:
        lines = broken_into_lines([word.text for word in words], self._style)
        return Cue(words[0].start_ms, max(word.end_ms for word in words), lines)

    def _timed(self, cue: Cue, next_ms: int | None) -> Cue:
        """Give a cue the time that it takes to read it, as far as there is time."""
        style = self._style
        reading_ms = round(len(cue.text) * 1000 / style.characters_per_s + 0.5)
        end_ms = max(cue.end_ms, cue.start_ms + min(style.max_ms, max(style.min_ms, reading_ms, 1)))
        if next_ms is not None:
            end_ms = min(end_ms, max(next_ms - style.gap_ms, min(cue.end_ms, next_ms), cue.start_ms + 1))
        return dataclasses.replace(cue, end_ms=end_ms)


def captions(turns: Iterable[Iterable[Spoken]], style: Style | None = None) -> list[Cue]:
    """Make cues of the words of finished turns.

    Args:
        turns: Words in the order they were said, of each turn; anything with ``text``, ``start_ms`` and
            ``end_ms``, such as `vivavoce.types.Word`.
        style: What a cue may be: lengths, durations, reading speed.

    Returns:
        Cues in order that do not overlap; all words are in them.
    """
    captioner = Captioner(style)
    cues: list[Cue] = []
    for words in turns:
        cues += captioner.add(words)
    return cues + captioner.finish()
