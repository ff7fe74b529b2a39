"""Word lists that are written as one line of text."""

from typing import Final

__all__ = ["FUNCTION_WORDS", "MONTHS", "word_set"]


def word_set(words: str) -> frozenset[str]:
    """Split a line of text into the set of its words."""
    return frozenset(words.split())


MONTHS: Final = word_set(
    "january february march april may june july august september october november december"
)

FUNCTION_WORDS: Final = word_set(
    "a about after all although and are as at because before but by during for from had has have he her "
    "his i if in is it its my of on or our she since so that the their then there they this to until "
    "was we were when where which while who will with would you your"
)
"""Words that name nothing: none of them is counted by a number, and none is a mailbox."""
