"""Words and phrases that a client expects: which of them an English model can write at all."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["sort_terms"]

_LETTERS: Final = frozenset("ßæœøłđðþħıÆŒØŁĐÐÞĦ")  # those that are no ASCII letter with an accent
_STRAIGHT: Final = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-"})


def sort_terms(terms: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Sort terms into those that can be expected, tidied up, and those that can't, as they came.

    Of use is what has a letter or a digit and is written in Latin letters, with or without accents, and
    what else ASCII has. Each term counts once.
    """
    usable: dict[str, None] = {}
    useless: dict[str, None] = {}
    for term in terms:
        tidy = " ".join(unicodedata.normalize("NFC", term).translate(_STRAIGHT).split())
        if any(map(str.isalnum, tidy)) and all(map(_is_writable, tidy)):
            usable[tidy] = None
        else:
            useless[term] = None
    return tuple(usable), tuple(useless)


def _is_writable(character: str) -> bool:
    if character.isascii():
        return character.isprintable()
    base = unicodedata.normalize("NFD", character)[0]
    return character in _LETTERS or (base.isascii() and base.isalpha())
