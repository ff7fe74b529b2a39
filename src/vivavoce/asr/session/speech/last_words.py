"""Whether the last words of a turn can be its end. English grammar, no list of phrases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["in_a_row", "leaves_open"]

# Words after which a sentence continues: closed classes only. Left out are those that often end one: "in",
# "on", "up", "off", "out", "over", "down", "about", "that", "this", "her", "so", "too", and auxiliaries
# ("Yes, I can.").
_ARTICLES: Final = frozenset({"a", "an", "the", "every"})
_POSSESSIVES: Final = frozenset({"my", "your", "our", "their", "its"})
_CONJUNCTIONS: Final = frozenset(
    {
        "and", "or", "but", "nor", "because", "if", "unless", "until", "when", "whenever", "where", "while",
        "although", "though", "since", "whereas", "whether", "than", "as", "which", "who", "whose",
    }
)  # fmt: skip
_PREPOSITIONS: Final = frozenset(
    {
        "of", "to", "from", "with", "into", "onto", "upon", "at", "by", "for", "between", "among", "against",
        "towards", "toward", "during", "without", "via", "per",
    }
)  # fmt: skip
_HESITATIONS: Final = frozenset({"um", "uh", "er", "erm", "hmm", "mm"})
_OPEN: Final = _ARTICLES | _POSSESSIVES | _CONJUNCTIONS | _PREPOSITIONS | _HESITATIONS

_NUMBERS: Final = frozenset(
    {
        "zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
        "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
        "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred", "thousand", "double",
        "triple",
    }
)  # fmt: skip
_MARKS: Final = ".,;:!?\"'()[]-\u2013\u2014\u2026"
_ROW: Final = 2
_FEW: Final = 3


def leaves_open(words: Sequence[str]) -> bool:
    """Whether a sentence continues after its last word, whatever mark the model put there."""
    return bool(words) and _bare(words[-1]) in _OPEN


def in_a_row(words: Sequence[str]) -> bool:
    """Whether the speaker may be in the middle of a row of figures or letters, which has no audible end.

    True if the last words are figures, numbers or single letters, and two of them or nearly all of the turn.
    """
    row = 0
    for word in reversed(words):
        if not _is_item(_bare(word)):
            break
        row += 1
    return row >= _ROW or (row == 1 and (len(words) < _FEW or _is_long_number(words[-1])))


def _bare(word: str) -> str:
    return word.strip(_MARKS).lower()


def _is_item(word: str) -> bool:
    parts = word.replace("-", " ").replace(".", " ").split()
    return bool(parts) and all(
        part in _NUMBERS or (len(part) == 1 and part.isalpha()) or _is_figure(part) for part in parts
    )


def _is_figure(word: str) -> bool:
    return word.replace(",", "").isdigit()


def _is_long_number(word: str) -> bool:
    return len(_bare(word)) > _FEW and _is_figure(_bare(word))
