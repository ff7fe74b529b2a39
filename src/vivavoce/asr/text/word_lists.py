"""Lists of words as one can read them."""

from typing import Final

__all__ = ["MONTHS", "word_set"]


def word_set(words: str) -> frozenset[str]:
    """The words of a line, in no order."""
    return frozenset(words.split())


MONTHS: Final = word_set(
    "january february march april may june july august september october november december"
)
