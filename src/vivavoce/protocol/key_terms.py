"""Key terms, the words and phrases that a client expects: which ones an English model can write."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["sort_terms"]

_LETTERS: Final = frozenset("ßæœøłđðþħıÆŒØŁĐÐÞĦ")  # Latin letters that NFD does not decompose
_STRAIGHT: Final = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-"})


def sort_terms(terms: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the usable terms, normalised, and the unusable ones, as received; each term once.

    A usable term has a letter or a digit, and consists of Latin letters, with or without accents, and of
    other printable ASCII characters.
    """
    usable: dict[str, None] = {}
    unusable: dict[str, None] = {}
    for term in terms:
        normalised = " ".join(unicodedata.normalize("NFC", term).translate(_STRAIGHT).split())
        if any(map(str.isalnum, normalised)) and all(map(_is_writable, normalised)):
            usable[normalised] = None
        else:
            unusable[term] = None
    return tuple(usable), tuple(unusable)


def _is_writable(character: str) -> bool:
    if character.isascii():
        return character.isprintable()
    base = unicodedata.normalize("NFD", character)[0]
    return character in _LETTERS or (base.isascii() and base.isalpha())
