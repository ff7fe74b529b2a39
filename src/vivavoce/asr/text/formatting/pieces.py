"""A turn's words taken apart: what is said, and the marks around it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.types import Word

__all__ = ["Piece", "Token", "tokens_of"]

_PARTS: Final = re.compile(r"([^\w$€£¥@#+&]*)(.*?)([^\w%°]*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Token:
    """One word.

    Attributes:
        lead: Marks in front of it.
        core: The word itself, as written.
        trail: Marks behind it.
        key: The core in lower case.
        opens: Whether a sentence begins with it.
    """

    lead: str
    core: str
    trail: str
    key: str
    opens: bool

    @property
    def parts(self) -> list[str]:
        """What hyphens hold together."""
        return self.key.split("-")


@dataclass(frozen=True, slots=True)
class Piece:
    """What some tokens in a row are written as.

    Attributes:
        n: How many tokens it stands for.
        text: Without the marks in front of the first and behind the last.
    """

    n: int
    text: str


def _split(text: str) -> tuple[str, str, str]:
    if text.isalnum():  # most are, and this takes a tenth of the time
        return "", text, ""
    match = _PARTS.fullmatch(text)
    if match is None:
        return "", text, ""
    lead, core, trail = match.groups()
    return lead, core, trail


def tokens_of(words: Sequence[Word]) -> list[Token]:
    """Take the words of a turn apart."""
    tokens: list[Token] = []
    opens = True
    for word in words:
        lead, core, trail = _split(word.text)
        tokens.append(Token(lead, core, trail, core.lower(), opens))
        opens = trail.startswith((".", "?", "!"))
    return tokens
