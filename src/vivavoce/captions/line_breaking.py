"""Breaks the words of a turn into cues, and a cue into lines.

Every gap between two words has a cost: none after the end of a sentence, a high one after an article. Dynamic
programming finds the cheapest breaks of the whole turn, as Knuth and Plass do for the lines of a paragraph
("Breaking Paragraphs into Lines", 1981): a good early break never forces a bad late one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate, pairwise
from operator import add
from typing import TYPE_CHECKING, Final, Protocol, Self, TypeVar

from vivavoce.captions.scripts import LATER_MARKS, SENTENCE_MARKS, cells, is_hiragana
from vivavoce.word_joining import is_unspaced, join_words

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Style", "TimedWord", "break_into_cues", "break_into_lines", "ends_sentence"]

_SHORTEST_SHARE: Final = 5 / 6
"""Of the wanted shortest time: 5/6 s of 1 s, the least that broadcasters accept."""


class TimedWord(Protocol):
    """A word and its times, such as `vivavoce.types.Word`."""

    @property
    def text(self) -> str:
        """The word, punctuation included."""

    @property
    def start_ms(self) -> int:
        """Start, in milliseconds."""

    @property
    def end_ms(self) -> int:
        """End, in milliseconds."""


_Word = TypeVar("_Word", bound=TimedWord)


@dataclass(frozen=True, slots=True)
class Style:
    """Limits of a cue. The defaults follow broadcasters' guidelines.

    Attributes:
        line_characters: Longest line, in characters. A single word that is longer gets its own line. Here and
            below a full-width character, as of Chinese, Japanese or Korean, counts as two.
        lines: Most lines of a cue.
        characters_per_s: Reading speed. Faster speech stays on screen until the next cue.
        min_ms: Shortest time on screen, in milliseconds, if the next cue leaves room. It is never less than
            five sixths of that: the next cue waits.
        max_ms: Longest time on screen, in milliseconds.
        gap_ms: Shortest blank screen between two cues, in milliseconds: two frames of a film. Where reading
            leaves no room for it, a cue stays until the next one.
        pause_ms: A silence of this length, in milliseconds, always ends a cue.

    Raises:
        ValueError: A limit is not above 0, ``min_ms`` is not in 0..``max_ms``, or a blank is negative.
    """

    line_characters: int = 42
    lines: int = 2
    characters_per_s: float = 17.0
    min_ms: int = 1_000
    max_ms: int = 7_000
    gap_ms: int = 84
    pause_ms: int = 2_000

    def __post_init__(self) -> None:
        for name in ("line_characters", "lines", "characters_per_s", "max_ms"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")
        if not 0 <= self.min_ms <= self.max_ms:
            raise ValueError(f"min_ms must be in 0..max_ms (0..{self.max_ms}), got {self.min_ms}")
        for name in ("gap_ms", "pause_ms"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be 0 or more, got {getattr(self, name)}")

    @property
    def shortest_ms(self) -> int:
        """Shortest time on screen even where the next cue leaves no room, in milliseconds."""
        return max(1, math.ceil(self.min_ms * _SHORTEST_SHARE))


_CONJUNCTIONS: Final = frozenset((
    "and", "but", "or", "so", "because", "although", "though", "while", "when", "if", "that", "which",
    "who", "where", "unless", "until", "since", "whereas", "nor", "yet", "than",
))  # fmt: skip
_PREPOSITIONS: Final = frozenset((
    "in", "on", "at", "by", "for", "from", "to", "with", "of", "about", "after", "before", "between",
    "into", "over", "under", "through", "during", "without", "against", "around", "behind", "as", "like",
))  # fmt: skip
_NEVER_LAST: Final = frozenset((
    "a", "an", "the", "my", "your", "his", "her", "its", "our", "their", "this", "these", "those", "i",
    "you", "he", "she", "we", "they", "it", "is", "are", "was", "were", "be", "am", "has", "have", "had",
    "will", "would", "can", "could", "should", "must", "do", "does", "did", "not", "no", "very", "mr.",
    "mrs.", "ms.", "dr.", "i'm", "it's",
))  # fmt: skip
"""Words that belong on the same line as the next word."""

_CLOSING_MARKS: Final = "\"')]\u201d\u2019\u300d\u300f\uff09\u3011\u300b\uff63"
_SENTENCE_ENDS: Final = (".", "?", "!", "\u2026", *SENTENCE_MARKS)
_CLAUSE_ENDS: Final = (",", ";", ":", "\u2014", "\u2013", *LATER_MARKS)

# Costs have no unit: they were chosen by hand, and only their ratios matter.
_AFTER_SENTENCE: Final = 0.0
_AFTER_CLAUSE: Final = 20.0
_BEFORE_CONJUNCTION: Final = 40.0
_BEFORE_PREPOSITION: Final = 55.0
_ANYWHERE: Final = 85.0
_AFTER_ENDING: Final = 55.0
_BEFORE_ENDING: Final = 150.0
_INSIDE_PHRASE: Final = 250.0
_SINGLE_WORD: Final = 300.0
_NUMBER_ALONE: Final = 1_000.0
_TWO_WORDS: Final = 40.0
_CUE: Final = 60.0
_PER_MS_TOO_SHORT: Final = 0.15
_DELAYS_NEXT: Final = 1_000.0
_PER_CHARACTER_TOO_FAST: Final = 12.0
_PER_MS_OF_PAUSE: Final = 0.06
_PER_CHARACTER_UNEVEN: Final = 0.6

_LONGEST_PAUSE_MS: Final = 1_000  # a longer pause is no better place for a break
_SHORT_LINE_CHARACTERS: Final = 12  # a single word at least this long may have its own line


def ends_sentence(text: str) -> bool:
    """Return whether a word is the last of a sentence, by its punctuation."""
    return text.rstrip(_CLOSING_MARKS).endswith(_SENTENCE_ENDS)


def _break_cost(before: str, after: str) -> float:
    """Cost of a break between two words."""
    bare = before.rstrip(_CLOSING_MARKS)
    if bare.lower() in _NEVER_LAST:
        return _INSIDE_PHRASE
    if ends_sentence(before):
        return _AFTER_SENTENCE
    if bare.endswith(_CLAUSE_ENDS):
        return _AFTER_CLAUSE
    if is_unspaced(before[-1]):
        if is_hiragana(after[0]):  # an ending or a particle
            return _BEFORE_ENDING
        return _AFTER_ENDING if is_hiragana(before[-1]) else _ANYWHERE
    if before.lower() in _CONJUNCTIONS or before.lower() in _PREPOSITIONS:
        return _INSIDE_PHRASE
    opening = after.lower().lstrip("\"'([\u201c\u2018")
    if opening in _CONJUNCTIONS:
        return _BEFORE_CONJUNCTION
    return _BEFORE_PREPOSITION if opening in _PREPOSITIONS else _ANYWHERE


@dataclass(frozen=True, slots=True)
class _Words:
    """Words to break, and what has to be known of them.

    Attributes:
        texts: The words.
        cells: Width of each.
        spaces: Width of the space after each: 0 between two words of a script without spaces.
        costs: Cost of a break after each but the last.
        after: Width of all words before each, spaces included, and of all.
    """

    texts: Sequence[str]
    cells: Sequence[int]
    spaces: Sequence[int]
    costs: Sequence[float]
    after: Sequence[int]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Self:
        """Measure words; there is at least one."""
        widths = [cells(text) for text in texts]
        spaces = [
            0 if is_unspaced(before[-1]) and is_unspaced(after[0]) else 1 for before, after in pairwise(texts)
        ]
        spaces.append(1)
        costs = [_break_cost(before, after) for before, after in pairwise(texts)]
        return cls(texts, widths, spaces, costs, [0, *accumulate(map(add, widths, spaces))])

    def width(self, begin: int, end: int) -> int:
        """Return the width of a line from one index to before another."""
        return self.after[end] - self.after[begin] - self.spaces[end - 1]


def break_into_lines(texts: Sequence[str], style: Style) -> tuple[str, ...]:
    """Lay words out on the fewest lines that hold them, with the breaks that read best.

    Args:
        texts: At least one word. Words that do not fit get more lines than the style allows.
        style: Gives the length of a line.
    """
    _, bounds = _best_lines(_Words.of(texts), 0, len(texts), style)
    return tuple(join_words(texts[begin:end]) for begin, end in pairwise(bounds))


def _best_lines(words: _Words, first: int, stop: int, style: Style) -> tuple[float, list[int]]:
    """Find the best layout of the words from one index to before another.

    Returns:
        Its cost, and the index of the first word of each line, with `stop` after them.
    """
    whole = words.width(first, stop)
    if whole <= style.line_characters or stop - first == 1:
        return 0.0, [first, stop]
    fewest = _count_lines(words, first, stop, style)
    even = whole / fewest
    after, spaces = words.after, words.spaces
    # best[n][k]: cost of the words before k on n lines, and index of the first word of the last line.
    best: list[dict[int, tuple[float, int]]] = [{first: (0.0, first)}]
    for n in range(1, fewest + 1):
        row: dict[int, tuple[float, int]] = {}
        for begin, (cost, _) in best[-1].items():
            # The last line takes all words that are left.
            for end in range(stop if n == fewest else begin + 1, stop + 1):
                width = after[end] - after[begin] - spaces[end - 1]
                if begin == stop or (width > style.line_characters and end > begin + 1):
                    break
                total = cost + _line_cost(words, begin, end, stop, width=width, even=even)
                if end not in row or total < row[end][0]:
                    row[end] = total, begin
        best.append(row)
    cost, at = best[fewest][stop]
    bounds = [stop, at]
    for n in range(fewest - 1, 0, -1):
        bounds.append(best[n][bounds[-1]][1])
    bounds.reverse()
    return cost, bounds


def _line_cost(words: _Words, begin: int, end: int, stop: int, *, width: int, even: float) -> float:
    """Cost of a line of the words from one index to before another; the last line ends at `stop`."""
    cost = abs(width - even) * _PER_CHARACTER_UNEVEN
    if end - begin == 1 and width < _SHORT_LINE_CHARACTERS:
        cost += _SINGLE_WORD
    if end < stop:
        cost += words.costs[end - 1]
    elif begin == end - 1 and words.texts[begin].isdecimal():
        cost += _NUMBER_ALONE  # readers of SRT take it for the number of the next cue
    return cost


def _count_lines(words: _Words, begin: int, end: int, style: Style) -> int:
    """Fewest lines that hold the words from one index to before another."""
    n, width = 1, words.cells[begin]
    for at in range(begin + 1, end):
        width += words.spaces[at - 1] + words.cells[at]
        if width > style.line_characters:
            n, width = n + 1, words.cells[at]
    return n


def break_into_cues(words: Sequence[_Word], style: Style) -> list[Sequence[_Word]]:
    """Break the words of one turn into cues. Every word stays, in its place.

    Args:
        words: In spoken order, none empty.
        style: Limits of a cue.
    """
    measured = _Words.of([word.text for word in words])
    # best[k]: cost of the first k words, and index of the first word of their last cue.
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(words) + 1):
        choices = [
            (best[begin][0] + _cue_cost(words, measured, begin, end, style), -begin)
            for begin in _possible_starts(words, measured, end, style)
        ]
        cost, begin = min(choices)
        best.append((cost, -begin))
    cues: list[Sequence[_Word]] = []
    at = len(words)
    while at:
        cues.append(words[best[at][1] : at])
        at = best[at][1]
    cues.reverse()
    return cues


def _possible_starts(words: Sequence[TimedWord], measured: _Words, end: int, style: Style) -> list[int]:
    """Indices of the words that can start the cue that ends before `end`; its last word always can."""
    most = (style.line_characters + 1) * style.lines - 1
    begins = [end - 1]
    has_long_word = measured.cells[end - 1] > style.line_characters
    for begin in range(end - 2, -1, -1):
        width = measured.width(begin, end)
        has_long_word = has_long_word or measured.cells[begin] > style.line_characters
        is_long = words[end - 1].end_ms - words[begin].start_ms > style.max_ms
        if (
            width > most
            or is_long
            or has_long_word
            or words[begin + 1].start_ms - words[begin].end_ms >= style.pause_ms
        ):
            break
        # What fits on one line needs no count.
        if width > style.line_characters and _count_lines(measured, begin, end, style) > style.lines:
            break
        begins.append(begin)
    return begins


def _cue_cost(words: Sequence[TimedWord], measured: _Words, begin: int, end: int, style: Style) -> float:
    """Cost of a cue of the words from one index to before another."""
    cost = _CUE
    n_words = end - begin
    if n_words == 1 and len(words) > 1:
        cost += _SINGLE_WORD
    elif n_words == 2 and len(words) > 2:  # noqa: PLR2004
        cost += _TWO_WORDS
    start_ms = words[begin].start_ms
    if end < len(words):
        pause_ms = max(0, min(_LONGEST_PAUSE_MS, words[end].start_ms - words[end - 1].end_ms))
        cost += measured.costs[end - 1] - pause_ms * _PER_MS_OF_PAUSE
        room_ms = max(1, words[end].start_ms - start_ms)
        cost += max(0, style.min_ms - room_ms) * _PER_MS_TOO_SHORT
        if room_ms < style.shortest_ms:
            cost += _DELAYS_NEXT
        too_fast = measured.width(begin, end) * 1000 / room_ms - style.characters_per_s
        cost += min(_SINGLE_WORD, max(0.0, too_fast) * _PER_CHARACTER_TOO_FAST)
    return cost + _best_lines(measured, begin, end, style)[0]
