"""How scripts without spaces between words are laid out: how wide they are, and where no line may break.

The characters that may not begin or end a line are those of Japanese and Chinese typesetting (kinsoku,
JIS X 4051), and the marks and vowels of Thai and Lao that belong to the letter beside them.
"""

from __future__ import annotations

import unicodedata
from itertools import pairwise
from typing import Final

from vivavoce.word_joining import is_unspaced

__all__ = ["LATER_MARKS", "SENTENCE_MARKS", "belong_together", "cells", "is_hiragana", "pieces"]

SENTENCE_MARKS: Final = "\u3002\uff61\uff0e\uff1f\uff01"  # full stops, question and exclamation marks
LATER_MARKS: Final = "\u3001\uff64\uff0c\uff1b\uff1a"  # commas, semicolon, colon

_NEVER_FIRST: Final = frozenset(
    SENTENCE_MARKS
    + LATER_MARKS
    + "\u300d\u300f\uff09\uff3d\uff5d\u3015\u3009\u300b\u3011\u3019\u3017\u301f\uff63"  # closing brackets
    + "\u30fb\uff65\u30fc\uff70\u3005\u303b\u309d\u309e\u30fd\u30fe\uff05"  # dot, long vowel, repetition
    + "ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶｧｨｩｪｫｯｬｭｮﾞﾟ"
    + "\u0e2f\u0e30\u0e32\u0e33\u0e45\u0e46\u0eaf\u0eb0\u0eb2\u0eb3\u0ec6"  # vowels, repetition
)
_NEVER_LAST: Final = frozenset(
    "\u300c\u300e\uff08\uff3b\uff5b\u3014\u3008\u300a\u3010\u3018\u3016\u301d\uff62"  # opening brackets
    "\uff04\uffe5\uff03"  # dollar, yen, number
    "\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4"  # vowels before a letter
)
_HIRAGANA: Final = ("\u3041", "\u3096")
_LONGEST_WORD_CELLS: Final = 24  # what is longer is no word but a segment


def cells(text: str) -> int:
    """Return the width of a text, in cells.

    A full-width character of East Asia has two, a mark above or below a letter of a script without spaces has
    none, and any other one.
    """
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(character: str) -> int:
    if _is_wide(character):
        return 2
    return 0 if is_unspaced(character) and unicodedata.category(character) == "Mn" else 1


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in {"W", "F"}


def is_hiragana(character: str) -> bool:
    """Whether it is a syllable of the script in which Japanese writes endings and particles."""
    return _HIRAGANA[0] <= character <= _HIRAGANA[1]


def pieces(text: str) -> list[str]:
    """Split a segment that a recogniser gave as one word between its full-width characters.

    A word of usual length stays whole. So do words in Thai and its neighbours: only a dictionary knows where
    one of theirs ends.
    """
    if text.isascii() or cells(text) <= _LONGEST_WORD_CELLS:
        return [text]
    found = [text[0]]
    for before, character in pairwise(text):
        may_split = all(is_unspaced(each) and _is_wide(each) for each in (before, character))
        if may_split:
            found.append(character)
        else:
            found[-1] += character
    return found


def belong_together(before: str, after: str) -> bool:
    """Return whether no line may break between two words that are written without a space.

    Args:
        before: A word.
        after: The one after it.
    """
    last, first = before[-1], after[0]
    if not (is_unspaced(last) and is_unspaced(first)) or cells(before) + cells(after) > _LONGEST_WORD_CELLS:
        return False
    return first in _NEVER_FIRST or last in _NEVER_LAST or unicodedata.category(first) in {"Mn", "Mc"}
