"""Cues before their times are fixed: a cue's end depends on the start of the next one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from vivavoce.captions.line_breaking import break_into_lines
from vivavoce.captions.scripts import cells
from vivavoce.word_joining import join_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.captions.line_breaking import Style
    from vivavoce.captions.spoken import SpokenWord
    from vivavoce.protocol.speaker_runs import Voice

__all__ = ["Draft", "read_ms"]


@dataclass(frozen=True, slots=True)
class Draft:
    """A cue whose end depends on the start of the next one.

    Attributes:
        start_ms: Its start, in milliseconds.
        spoken_until_ms: End of its last word.
        lines: Its lines.
        voices: Who says each line.
        words: Its words.
    """

    start_ms: int
    spoken_until_ms: int
    lines: tuple[str, ...]
    voices: tuple[Voice, ...]
    words: tuple[SpokenWord, ...]

    @classmethod
    def of(cls, words: Sequence[SpokenWord], style: Style) -> Self:
        """Lay out the words of one voice.

        Args:
            words: At least one.
            style: Limits of a line.
        """
        lines = break_into_lines([word.text for word in words], style)
        voices = (words[0].voice,) * len(lines)
        return cls(words[0].start_ms, words[-1].end_ms, lines, voices, tuple(words))

    @property
    def voice(self) -> Voice:
        """Who says its first line."""
        return self.voices[0]

    @property
    def n_cells(self) -> int:
        """Width of its text, in cells."""
        return cells(join_words(self.lines))


def read_ms(n_cells: int, style: Style) -> int:
    """Return how long a text must be on screen to be read, in milliseconds."""
    reading_ms = math.ceil(n_cells * 1000 / style.characters_per_s)
    return min(style.max_ms, max(style.min_ms, reading_ms, 1))
