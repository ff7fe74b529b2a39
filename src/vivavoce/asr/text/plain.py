"""The plain form of a word: lower case, without the punctuation around it."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["plain_word"]

# Marks inside a word belong to it ("don't", "well-known", "3.5", "a@b.org"), those around it do not.
_PUNCTUATION_AROUND: Final = re.compile(r"^[^\w$€£%&@#+]+|[^\w$€£%&@#+]+$")


def plain_word(text: str) -> str:
    """Return a word in lower case without the punctuation around it.

    The result is empty if the word is nothing but punctuation.

    >>> plain_word('"Well-known,"')
    'well-known'
    """
    return _PUNCTUATION_AROUND.sub("", text).lower()
