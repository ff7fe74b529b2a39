"""The plain form of a word: lower case, no punctuation around it."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["plain_word"]

# Marks inside a word ("don't", "well-known", "3.5", "a@b.org") belong to it; those around it do not.
_AROUND: Final = re.compile(r"^[^\w$€£%&@#+]+|[^\w$€£%&@#+]+$")


def plain_word(text: str) -> str:
    """Lower-case a word and take the punctuation off its ends; may leave nothing.

    >>> plain_word('"Well-known,"')
    'well-known'
    """
    return _AROUND.sub("", text).lower()
