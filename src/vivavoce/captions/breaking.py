"""Where the words of a turn are broken into cues, and a cue into lines.

Every place has a price: none behind the end of a sentence, a high one behind an article. The cheapest way
through the whole turn is found by dynamic programming, so an early break is never paid for by a bad late one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Spoken", "Style", "broken_into_cues", "broken_into_lines"]


class Spoken(Protocol):
    """As much of a word as is needed here."""

    @property
    def text(self) -> str:
        """The word, punctuation included."""

    @property
    def start_ms(self) -> int:
        """Where it begins."""

    @property
    def end_ms(self) -> int:
        """Where it ends."""


@dataclass(frozen=True, slots=True)
class Style:
    """What a cue may be. The defaults are what broadcasters ask for.

    Attributes:
        line_characters: Longest line. A single word that is longer has a line of its own.
        lines: Most lines of a cue.
        characters_per_s: Reading speed. Faster speech is shown for as long as there is time.
        min_ms: Shortest time on the screen, where what follows leaves room for it.
        max_ms: Longest time, unless a single word takes longer.
        gap_ms: Between two cues, where speech leaves room for it, so that one sees the change.
        pause_ms: A silence that always ends a cue.
    """

    line_characters: int = 42
    lines: int = 2
    characters_per_s: float = 17.0
    min_ms: int = 1_000
    max_ms: int = 7_000
    gap_ms: int = 80
    pause_ms: int = 2_000

    def __post_init__(self) -> None:
        if min(self.line_characters, self.lines, self.characters_per_s, self.max_ms) <= 0:
            raise ValueError(
                "line_characters, lines, characters_per_s and max_ms must be above 0: "
                f"{self.line_characters}, {self.lines}, {self.characters_per_s}, {self.max_ms}"
            )
        if not 0 <= self.min_ms <= self.max_ms:
            raise ValueError(f"min_ms must be in 0..max_ms ({self.max_ms}): {self.min_ms}")


_CONJUNCTIONS: Final = frozenset((
    "and", "but", "or", "so", "because", "although", "though", "while", "when", "if", "that", "which",
    "who", "where", "unless", "until", "since", "whereas", "nor", "yet", "than",
))  # fmt: skip
_PREPOSITIONS: Final = frozenset((
    "in", "on", "at", "by", "for", "from", "to", "with", "of", "about", "after", "before", "between",
    "into", "over", "under", "through", "during", "without", "against", "around", "behind", "as", "like",
))  # fmt: skip
_CLINGING: Final = frozenset((
    "a", "an", "the", "my", "your", "his", "her", "its", "our", "their", "this", "these", "those", "i",
    "you", "he", "she", "we", "they", "it", "is", "are", "was", "were", "be", "am", "has", "have", "had",
    "will", "would", "can", "could", "should", "must", "do", "does", "did", "not", "no", "very", "mr.",
    "mrs.", "ms.", "dr.", "i'm", "it's",
))  # fmt: skip
"""Words that want the one behind them on the same line."""

_AFTER_SENTENCE: Final = 0.0
_AFTER_CLAUSE: Final = 20.0
_BEFORE_CONJUNCTION: Final = 40.0
_BEFORE_PREPOSITION: Final = 55.0
_ANYWHERE: Final = 85.0
_INSIDE_PHRASE: Final = 250.0
_ORPHAN: Final = 300.0
_PAIR: Final = 40.0
_CUE: Final = 60.0
_PER_MS_TOO_SHORT: Final = 0.15
_PER_CHARACTER_TOO_FAST: Final = 12.0
_LONGEST_PAUSE_MS: Final = 1_000
_PER_MS_OF_PAUSE: Final = 0.06
_PER_CHARACTER_UNEVEN: Final = 0.6
_WIDOW_CHARACTERS: Final = 6


def _break_price(before: str, after: str) -> float:
    """What it costs to break between two words."""
    bare = before.rstrip("\"')]\u201d\u2019")
    if bare.lower() in _CLINGING:
        return _INSIDE_PHRASE
    if bare.endswith((".", "?", "!", "\u2026")):
        return _AFTER_SENTENCE
    if bare.endswith((",", ";", ":", "\u2014", "\u2013")):
        return _AFTER_CLAUSE
    if before.lower() in _CONJUNCTIONS or before.lower() in _PREPOSITIONS:
        return _INSIDE_PHRASE
    opening = after.lower().lstrip("\"'([\u201c\u2018")
    if opening in _CONJUNCTIONS:
        return _BEFORE_CONJUNCTION
    return _BEFORE_PREPOSITION if opening in _PREPOSITIONS else _ANYWHERE


def broken_into_lines(texts: Sequence[str], style: Style) -> tuple[str, ...]:
    """Lay words out on as few lines as they need, broken where it reads best.

    Args:
        texts: At least one word; more than fit are laid out on more lines than the style has.
        style: How long a line may be.
    """
    return _lines(texts, style)[1]


def _lines(texts: Sequence[str], style: Style) -> tuple[float, tuple[str, ...]]:
    """The price of the best layout, and its lines."""
    whole = " ".join(texts)
    if len(whole) <= style.line_characters or len(texts) == 1:
        return 0.0, (whole,)
    fewest = _n_lines(texts, style)
    # best[n][k]: price of laying out the first k words on n lines, and where the last line begins.
    best: list[dict[int, tuple[float, int]]] = [{0: (0.0, 0)}]
    for _ in range(fewest):
        row: dict[int, tuple[float, int]] = {}
        for begin, (price, _) in best[-1].items():
            width = -1
            for end in range(begin + 1, len(texts) + 1):
                width += 1 + len(texts[end - 1])
                if width > style.line_characters and end > begin + 1:
                    break
                total = price + _line_price(texts, begin, end, width, len(whole) / fewest)
                if end not in row or total < row[end][0]:
                    row[end] = total, begin
        best.append(row)
    price, at = best[fewest][len(texts)]
    bounds = [len(texts), at]
    for n in range(fewest - 1, 0, -1):
        bounds.append(best[n][bounds[-1]][1])
    bounds.reverse()
    return price, tuple(" ".join(texts[begin:end]) for begin, end in pairwise(bounds))


def _line_price(texts: Sequence[str], begin: int, end: int, width: int, even: float) -> float:
    price = abs(width - even) * _PER_CHARACTER_UNEVEN
    if end - begin == 1 and width < _WIDOW_CHARACTERS * 2:
        price += _ORPHAN
    if end < len(texts):
        price += _break_price(texts[end - 1], texts[end])
    return price


def _n_lines(texts: Sequence[str], style: Style) -> int:
    """How many lines words need at least."""
    n, width = 1, len(texts[0])
    for text in texts[1:]:
        width += 1 + len(text)
        if width > style.line_characters:
            n, width = n + 1, len(text)
    return n


def broken_into_cues(words: Sequence[Spoken], style: Style) -> list[Sequence[Spoken]]:
    """Break the words of one turn into cues: none lost, none moved.

    Args:
        words: In the order they were said, none empty.
        style: What a cue may be.
    """
    # best[k]: price of the first k words, and where their last cue begins.
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(words) + 1):
        choices = [
            (best[begin][0] + _cue_price(words, begin, end, style), -begin)
            for begin in _beginnings(words, end, style)
        ]
        price, begin = min(choices)
        best.append((price, -begin))
    cues: list[Sequence[Spoken]] = []
    at = len(words)
    while at:
        cues.append(words[best[at][1] : at])
        at = best[at][1]
    cues.reverse()
    return cues


def _beginnings(words: Sequence[Spoken], end: int, style: Style) -> list[int]:
    """Where a cue that ends behind a word may begin; its last word alone is always allowed."""
    most = (style.line_characters + 1) * style.lines
    begins = [end - 1]
    width = len(words[end - 1].text) + 1
    for begin in range(end - 2, -1, -1):
        width += len(words[begin].text) + 1
        is_long = words[end - 1].end_ms - words[begin].start_ms > style.max_ms
        if width > most or is_long or words[begin + 1].start_ms - words[begin].end_ms >= style.pause_ms:
            break
        texts = [word.text for word in words[begin:end]]
        if _n_lines(texts, style) > style.lines or any(len(text) > style.line_characters for text in texts):
            break
        begins.append(begin)
    return begins


def _cue_price(words: Sequence[Spoken], begin: int, end: int, style: Style) -> float:
    price = _CUE
    texts = [word.text for word in words[begin:end]]
    if len(texts) == 1 and len(words) > 1:
        price += _ORPHAN
    elif len(texts) == 2 and len(words) > 2:  # noqa: PLR2004 - a pair of words
        price += _PAIR
    start_ms = words[begin].start_ms
    if end < len(words):
        pause_ms = max(0, min(_LONGEST_PAUSE_MS, words[end].start_ms - words[end - 1].end_ms))
        price += _break_price(words[end - 1].text, words[end].text) - pause_ms * _PER_MS_OF_PAUSE
        room_ms = max(1, words[end].start_ms - start_ms)
        n_characters = len(" ".join(texts))
        price += max(0, style.min_ms - room_ms) * _PER_MS_TOO_SHORT
        too_fast = n_characters * 1000 / room_ms - style.characters_per_s
        price += min(_ORPHAN, max(0.0, too_fast) * _PER_CHARACTER_TOO_FAST)
    return price + _lines(texts, style)[0]
