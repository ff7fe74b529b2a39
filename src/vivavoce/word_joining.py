"""Words joined to a text, with spaces where their script has them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["is_unspaced", "join_words"]

# Thai, Lao, Tibetan, Burmese, Khmer; Chinese characters, kana and their punctuation, half-width and
# full-width forms. Korean is written with spaces.
_UNSPACED: Final = (
    "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff"
    "\u2e80-\u2fdf\u3000-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef"
    "\U00020000-\U0003ffff"
)
_IS_UNSPACED: Final = re.compile(f"[{_UNSPACED}]")
_NO_SPACE: Final = re.compile(f"(?<=[{_UNSPACED}]) (?=[{_UNSPACED}])")


def join_words(words: Iterable[str]) -> str:
    """Join words with spaces, but not where both neighbours are written in a script that has none."""
    text = " ".join(words)
    return text if text.isascii() else _NO_SPACE.sub("", text)


def is_unspaced(character: str) -> bool:
    """Whether a character is of a script that has no spaces between words; an empty string is of none."""
    return _IS_UNSPACED.fullmatch(character) is not None
