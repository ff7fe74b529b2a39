"""What a terminal makes of text: printable characters, and the cells that they take."""

from __future__ import annotations

import unicodedata
from typing import Final

__all__ = ["cell_len", "printable"]

_JOINERS: Final = "\u200c\u200d"  # part of words in some scripts, and of emoji
_EMOJI_STYLE: Final = "\ufe0f"  # widens the character before it


def printable(text: str) -> str:
    """Return the text on one line, without characters that could control a terminal."""
    return " ".join("".join(c if c.isprintable() or c in _JOINERS else " " for c in text).split())


def cell_len(text: str) -> int:
    """Return the number of cells that a text takes at most: terminals join some emoji to fewer."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(char: str) -> int:
    if char == _EMOJI_STYLE:
        return 1
    if unicodedata.category(char) in {"Mn", "Me", "Cf"}:  # accents, and marks without a shape
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1
